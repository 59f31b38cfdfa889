"""The page: controls, a primer to type, tap or upload, and the music of one run, or of two side by side."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from etude.errors import EtudeError
from etude.music.spelling import pitch_name
from etude.play.controls import FIRST, MORE, Control, control
from etude.play.studio import TUNE, Generated, Studio

HOST = "127.0.0.1"
KEYS = range(60, 85)  # C4 to C6
MOST_UPLOAD = "5mb"  # a primer is the beginning of a piece

# A key appends its name to the primer, and sounds. It never asks the server.
_TAP = """(text) => {{
  const context = window.etudeSound ??= new AudioContext();
  const tone = context.createOscillator(), loudness = context.createGain();
  tone.type = "triangle";
  tone.frequency.value = {frequency};
  loudness.gain.setValueAtTime(0.2, context.currentTime);
  loudness.gain.exponentialRampToValueAtTime(0.001, context.currentTime + 0.5);
  tone.connect(loudness).connect(context.destination);
  tone.start();
  tone.stop(context.currentTime + 0.5);
  return (text + " {name}").trim();
}}"""

_STYLE = """
.keyboard { gap: 2px !important; flex-wrap: wrap; }
.keyboard button { min-width: 2.6rem !important; flex: 1 1 2.6rem; padding: 0.9rem 0 !important; }
.keyboard button.black { background: #222 !important; color: #fff !important; }
.music iframe { border: 0; width: 100%; height: 46rem; border-radius: 8px; }
.fault { padding: 0.8rem 1rem; border-left: 4px solid #c0392b; }
footer { display: none !important; }
"""


def library() -> Any:
    """Return Gradio, which sends nothing to anybody; EtudeError if it is not installed."""
    os.environ.update(GRADIO_ANALYTICS_ENABLED="False", HF_HUB_DISABLE_TELEMETRY="1", HF_HUB_OFFLINE="1")
    try:
        import gradio
    except ModuleNotFoundError as error:
        raise EtudeError("etude play needs Gradio: pip install gradio") from error
    return gradio


class Page:
    """The page of a studio. ``runs`` are offered by name, the first is chosen, ``against`` beside it."""

    def __init__(self, studio: Studio, runs: Sequence[str], against: str | None = None) -> None:
        self.gr, self.studio, self.runs = library(), studio, list(runs)
        self._uploads = TemporaryDirectory(prefix="etude-play-")  # Gradio itself would keep them
        os.environ["GRADIO_TEMP_DIR"] = self._uploads.name
        self.controls = [control(name, studio.base) for name in (*FIRST, *MORE)]
        self.blocks = self.gr.Blocks(title="Étude: play", analytics_enabled=False)
        with self.blocks:
            self._build(against)

    def launch(self, port: int, *, wait: bool = True) -> str:
        """Serve the page on this machine alone; return its address, after Ctrl-C if it waits for it."""
        fonts = {"font": ["system-ui", "sans-serif"], "font_mono": ["ui-monospace", "monospace"]}
        quiet = ("block_info_text_color", "body_text_color_subdued", "block_label_text_color")
        readable = dict.fromkeys(quiet, "*neutral_600")
        readable |= {f"{name}_dark": "*neutral_300" for name in quiet}
        readable |= dict.fromkeys(
            ("button_primary_background_fill", "button_primary_background_fill_dark"), "*primary_700"
        )
        theme = self.gr.themes.Default(primary_hue="blue", **fonts).set(**readable)
        try:
            _, address, _ = self.blocks.queue(default_concurrency_limit=1).launch(
                server_name=HOST, server_port=port, share=False, quiet=True, prevent_thread_lock=not wait,
                theme=theme, css=_STYLE, max_file_size=MOST_UPLOAD, footer_links=[], ssr_mode=False,
                enable_monitoring=False, mcp_server=False, pwa=False,
            )  # fmt: skip
        except OSError as error:
            self.close()
            raise EtudeError(f"port {port} is taken; type port={port + 1}") from error
        return str(address)

    def close(self) -> None:
        """Stop serving, and remove what was uploaded."""
        self.blocks.close(verbose=False)
        self._uploads.cleanup()

    def _build(self, against: str | None) -> None:
        gr, base = self.gr, self.studio.base
        gr.Markdown("# Étude: play")
        with gr.Row():
            primer = gr.Textbox(
                str(base["primer"]), label="Beginning", lines=2, scale=3,
                info="notes as C4 D4 E4, tokens, or an ABC tune with its K: line; empty: none",
            )  # fmt: skip
            upload = gr.File(
                label="or a file: .mid, .krn, .abc, .musicxml", scale=2, height=170, type="filepath",
                file_types=[".mid", ".midi", ".krn", ".abc", ".musicxml", ".xml", ".mxl"],
            )  # fmt: skip
        with gr.Row(elem_classes="keyboard"):
            for pitch in KEYS:
                self._key(pitch, primer)
        with gr.Row():
            number = gr.Number(
                base["seed"], label="seed", info="the same seed gives the same music", precision=0, minimum=0
            )
            notes = gr.Number(
                base["primer_notes"],
                label="primer_notes",
                info="notes to take from a file",
                precision=0,
                minimum=1,
            )
            compare = gr.Checkbox(against is not None, label="compare two runs or settings")
        with gr.Row():
            first = self._panel("A", self.runs[0], shown=True)
            second = self._panel("B", against or self.runs[0], shown=against is not None)
        compare.change(lambda on: gr.update(visible=on), compare, second.column, api_visibility="private")
        shared = [number, primer, upload, notes]
        gr.on(
            [first.button.click, number.submit], self._generate, [*shared, first.run, *first.widgets],
            first.output, api_visibility="private",
        )  # fmt: skip
        second.button.click(
            self._generate, [*shared, second.run, *second.widgets], second.output, api_visibility="private"
        )

    def _key(self, pitch: int, primer: Any) -> None:
        name = pitch_name(pitch)
        is_black = "#" in name or "b" in name
        key = self.gr.Button(name, size="sm", min_width=30, elem_classes="black" if is_black else "white")
        tap = _TAP.format(frequency=round(440 * 2 ** ((pitch - 69) / 12), 3), name=name)
        key.click(None, primer, primer, js=tap, api_visibility="private")

    def _panel(self, name: str, run: str, *, shown: bool) -> _Panel:
        gr = self.gr
        with gr.Column(visible=shown, min_width=320) as column:
            chosen = gr.Dropdown(
                self.runs, value=run, label=f"run {name}", allow_custom_value=True, filterable=True
            )
            with gr.Row():
                widgets = [self._widget(each) for each in self.controls[: len(FIRST)]]
            with gr.Accordion("More settings", open=False), gr.Row():
                widgets += [self._widget(each) for each in self.controls[len(FIRST) :]]
            button = gr.Button(f"Generate {name}", variant="primary")
            page = gr.HTML(elem_classes="music")
        return _Panel(column, chosen, button, widgets, page)

    def _widget(self, each: Control) -> Any:
        gr, about = self.gr, {"label": each.name, "info": each.meaning, "min_width": 260}
        if each.kind == "slider":
            low, high, step = each.limits
            return gr.Slider(low, high, value=each.value, step=step, **about)
        if each.kind == "switch":
            return gr.Checkbox(each.value, **about)
        if each.kind == "number":
            return gr.Number(each.value, **about)
        return gr.Textbox(each.value or "", **about)

    def _generate(
        self, seed: float, primer: str, upload: str | None, notes: float, run: str, *shown: Any
    ) -> str:
        """Return what a panel shows: the samples, or one sentence about a mistake."""
        changes = {each.name: each.setting(value) for each, value in zip(self.controls, shown, strict=True)}
        changes |= {"seed": int(seed or 0), "primer": primer.strip(), "primer_notes": int(notes or 1)}
        try:
            music = self.studio.generate(run, changes, Path(upload) if upload else None)
        except EtudeError as error:
            return f'<p class="fault" role="alert">{escape(str(error))}</p>'
        return _frame(music)


class _Panel:
    """Widgets of one run: its settings, the button, and the place for the music."""

    def __init__(self, column: Any, run: Any, button: Any, widgets: list[Any], output: Any) -> None:
        self.column, self.run, self.button, self.widgets, self.output = column, run, button, widgets, output


def _frame(music: Generated) -> str:
    """Return the page of the music as a frame that can neither read this page nor ask the network."""
    rights = "allow-scripts allow-downloads"
    frame = (
        f'<iframe title="Generated music" sandbox="{rights}" allow="clipboard-write" '
        f'srcdoc="{escape(music.page)}"></iframe>'
    )
    if music.tune is None:
        return frame
    uri = f"data:text/plain;base64,{base64.b64encode(music.tune.encode()).decode()}"
    return f'{frame}<p><a download="{TUNE}" href="{uri}">Save {TUNE}</a>, which the line above names.</p>'
