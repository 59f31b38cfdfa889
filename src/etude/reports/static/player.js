// Player of all samples of the page: one sounds at a time, score and piano roll follow it.
"use strict";
(() => {
  const AHEAD = 0.25, LEAD = 0.06, RELEASE = 0.12; // seconds
  let context = null, output = null, wave = null;
  let current = null; // the card that sounds

  function openSound() {
    if (context) return;
    context = new AudioContext();
    output = context.createDynamicsCompressor();
    output.connect(context.destination);
    // overtones of a soft struck string
    const overtones = new Float32Array([0, 1, 0.42, 0.2, 0.12, 0.06, 0.03]);
    wave = context.createPeriodicWave(new Float32Array(overtones.length), overtones);
  }

  function sound([, length, pitch, velocity], start, offset) {
    const tone = context.createOscillator(), loudness = context.createGain();
    const end = start + Math.max(length - offset, 0.03), peak = 0.04 + 0.26 * (velocity / 127) ** 2;
    tone.setPeriodicWave(wave);
    tone.frequency.value = 440 * 2 ** ((pitch - 69) / 12);
    loudness.gain.setValueAtTime(0, start);
    loudness.gain.linearRampToValueAtTime(peak, start + 0.008);
    loudness.gain.setTargetAtTime(peak * 0.25, start + 0.008, 0.5);
    loudness.gain.setTargetAtTime(0, end, RELEASE / 4);
    tone.connect(loudness).connect(output);
    tone.start(start);
    tone.stop(end + RELEASE);
    return { tone, loudness };
  }

  const clock = seconds => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

  class Card {
    constructor(element) {
      const { notes, seconds, primer } = JSON.parse(element.querySelector("script[type='application/json']").textContent);
      Object.assign(this, { element, notes: notes.sort((a, b) => a[0] - b[0]), seconds, position: 0, sounding: [] });
      const find = name => element.querySelector(name);
      this.button = find(".play"); this.seek = find(".seek"); this.time = find(".time"); this.loop = find(".loop");
      this.roll = find(".roll"); this.cursor = find(".cursor"); this.label = this.button.textContent;
      this.keys = [...element.querySelectorAll(".roll .key")].map(
        key => [Number(key.dataset.on), Number(key.dataset.off), key]);
      const heads = [...element.querySelectorAll(".score [data-on]")].map(head => [Number(head.dataset.on), head]);
      heads.sort((a, b) => a[0] - b[0]);
      const onsets = [...new Set(heads.map(([onset]) => onset))];
      const next = new Map(onsets.map((onset, place) => [onset, onsets[place + 1] ?? seconds]));
      this.heads = heads.map(([onset, head]) => [onset, next.get(onset), head]);
      for (const [onset, , head] of this.heads) if (onset < primer - 1e-3) head.classList.add("primer");
      this.button.addEventListener("click", () => this === current ? this.pause() : this.play());
      this.seek.addEventListener("input", () => this.goTo(Number(this.seek.value)));
      this.roll.addEventListener("click", event => {
        const box = this.roll.getBoundingClientRect();
        this.goTo((event.clientX - box.left) / box.width * this.seconds);
      });
      element.querySelector(".score")?.addEventListener("click", event => {
        const head = event.target.closest("[data-on]");
        if (head) this.goTo(Number(head.dataset.on));
      });
      this.show();
    }

    async play() {
      current?.pause();
      current = this; // before anything is waited for: a second click pauses
      openSound();
      if (this.position >= this.seconds - 0.05) this.position = 0;
      this.button.textContent = "❚❚ Pause";
      await context.resume();
      if (current === this) this.start();
    }

    start() {
      this.began = context.currentTime + LEAD - this.position;
      this.upcoming = this.notes.findIndex(([onset, length]) => onset + length > this.position + 1e-3);
      if (this.upcoming < 0) this.upcoming = this.notes.length;
      clearInterval(this.timer);
      this.timer = setInterval(() => this.step(), 50);
      this.step();
      const follow = () => { if (current === this) { this.follow(); requestAnimationFrame(follow); } };
      cancelAnimationFrame(this.frame);
      this.frame = requestAnimationFrame(follow);
    }

    step() { // schedule what sounds soon; also ends the piece where the page is hidden
      while (this.upcoming < this.notes.length) {
        const note = this.notes[this.upcoming], start = this.began + note[0];
        if (start > context.currentTime + AHEAD) break;
        const late = Math.max(context.currentTime - start, 0);
        this.sounding.push(sound(note, start + late, late));
        this.upcoming += 1;
      }
      if (context.currentTime - this.began >= this.seconds) this.end();
    }

    follow() {
      this.position = Math.min(Math.max(context.currentTime - this.began, 0), this.seconds);
      this.show();
    }

    end() {
      this.position = 0;
      if (this.loop.checked) { this.sounding = []; this.start(); } else { this.pause(); this.position = 0; this.show(); }
    }

    pause() {
      if (current !== this) return;
      current = null;
      clearInterval(this.timer);
      this.silence();
      this.button.textContent = this.label;
    }

    silence() {
      for (const { tone, loudness } of this.sounding) {
        loudness.gain.cancelScheduledValues(context.currentTime);
        loudness.gain.setTargetAtTime(0, context.currentTime, 0.02);
        tone.stop(context.currentTime + RELEASE);
      }
      this.sounding = [];
    }

    goTo(position) {
      this.position = Math.min(Math.max(position, 0), this.seconds);
      if (current === this && context.state === "running") { this.silence(); this.start(); }
      this.show();
    }

    show() {
      const at = this.position, now = clock(at), sounds = current === this || at > 0;
      const x = this.roll.viewBox.baseVal.width * at / this.seconds;
      this.cursor.setAttribute("transform", `translate(${x} 0)`);
      for (const [on, off, key] of this.keys) key.classList.toggle("now", sounds && on <= at && at < off);
      for (const [on, off, head] of this.heads) head.classList.toggle("now", sounds && on <= at && at < off);
      this.seek.value = at;
      this.seek.setAttribute("aria-valuetext", `${now} of ${clock(this.seconds)}`);
      this.time.textContent = `${now} / ${clock(this.seconds)}`;
    }
  }

  document.querySelectorAll(".card").forEach(element => new Card(element));
})();
