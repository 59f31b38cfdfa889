// Parallel coordinates of a sweep: the lines of rows that the filter hides are hidden too.
"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg", GAP = 190, HEIGHT = 300, LEFT = 20, RIGHT = 130, TOP = 40;
  const box = document.querySelector(".parallel");
  if (!box) return;
  const { axes, lines } = JSON.parse(box.querySelector("script[type='application/json']").textContent);
  const width = LEFT + GAP * (axes.length - 1) + RIGHT, across = place => LEFT + GAP * place;
  const down = height => TOP + HEIGHT * (1 - height);

  function add(parent, name, values, text = "") {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(values)) element.setAttribute(key, value);
    element.textContent = text;
    return parent.appendChild(element);
  }

  const svg = add(box.querySelector(".plot"), "svg", { viewBox: `0 0 ${width} ${TOP + HEIGHT + 25}`, width });
  const rows = new Map([...document.querySelectorAll("#jobs [data-run]")].map(row => [Number(row.dataset.run), row]));
  const paths = lines.map(({ run, heights, rank }, place) => {
    const points = heights.map((height, axis) => `${across(axis)},${down(height).toFixed(1)}`).join(" ");
    const path = add(svg, "polyline", { points, opacity: (0.12 + 0.7 * rank ** 2).toFixed(2) });
    if (place === lines.length - 1) path.classList.add("first");
    const row = rows.get(run);
    row.addEventListener("mouseenter", () => path.classList.add("shown"));
    row.addEventListener("mouseleave", () => path.classList.remove("shown"));
    return [path, row];
  });
  axes.forEach(({ name, ticks }, place) => {
    const x = across(place), end = place === axes.length - 1;
    add(svg, "path", { d: `M${x} ${TOP}V${TOP + HEIGHT}` });
    add(svg, "text", { x: place ? x : 0, y: 16, "text-anchor": place && !end ? "middle" : "start", class: "name" }, name);
    for (const [label, height] of Object.entries(ticks)) add(svg, "text", { x: x + 6, y: down(height) + 4 }, label);
  });
  document.querySelector(".filter input").addEventListener("input", () => {
    for (const [path, row] of paths) path.style.display = row.hidden ? "none" : "";
  });
})();
