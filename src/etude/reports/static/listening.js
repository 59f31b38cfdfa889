// Blind comparison: one pair at a time, keys 1 and 2 or the buttons; the results as a table and as CSV.
"use strict";
(() => {
  const key = JSON.parse(document.getElementById("key").textContent); // pair → two of [source, number]
  const pairs = [...document.querySelectorAll(".pair")], results = document.getElementById("results");
  const listener = document.getElementById("listener"), choices = [];
  const players = () => [...(pairs[choices.length]?.querySelectorAll(".play") ?? [])];
  const quoted = value => `"${String(value).replaceAll('"', '""')}"`;

  function show(focus) {
    pairs.forEach((pair, number) => { pair.hidden = number !== choices.length; });
    results.hidden = choices.length < pairs.length;
    if (!results.hidden) count();
    if (focus) (pairs[choices.length] ?? results).querySelector("h2").focus();
  }

  function choose(place) {
    if (choices.length === pairs.length) return;
    for (const button of players()) if (button.textContent.includes("Pause")) button.click();
    choices.push(place);
    show(true);
  }

  function count() {
    const counts = new Map();
    choices.forEach((choice, pair) => key[pair].forEach(([source], place) => {
      const found = counts.get(source) ?? [0, 0];
      counts.set(source, [found[0] + (place + 1 === choice), found[1] + 1]);
    }));
    document.getElementById("counts").replaceChildren(...[...counts].sort().map(([source, numbers]) => {
      const row = document.createElement("tr"), head = document.createElement("th");
      head.scope = "row";
      head.textContent = source;
      row.append(head, ...numbers.map(number => {
        const cell = document.createElement("td");
        cell.textContent = number;
        return cell;
      }));
      return row;
    }));
    save();
  }

  function save() {
    const rows = [["listener", "pair", "first", "first_sample", "second", "second_sample", "choice", "preferred"]];
    choices.forEach((choice, pair) => {
      rows.push([listener.value, pair + 1, ...key[pair][0], ...key[pair][1], choice, key[pair][choice - 1][0]]);
    });
    const text = rows.map(row => row.map(quoted).join(",") + "\r\n").join("");
    document.getElementById("csv").href = `data:text/csv;charset=utf-8,${encodeURIComponent(text)}`;
  }

  pairs.forEach(pair => pair.querySelectorAll(".choose").forEach((button, place) => {
    button.addEventListener("click", () => choose(place + 1));
  }));
  listener.addEventListener("input", save);
  document.addEventListener("keydown", event => {
    if (event.target === listener || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "1" || event.key === "2") choose(Number(event.key));
    else if (event.key === "a" || event.key === "b") players()["ab".indexOf(event.key)]?.click();
  });
  show(false);
})();
