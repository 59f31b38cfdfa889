// Curves by uPlot: hover shows the figures, dragging zooms, a double click shows all.
"use strict";
(() => {
  const colour = name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const DASHES = [[8, 5], [2, 4], [10, 3, 2, 3]];

  function draw(figure) {
    const { unit, epochs, lines } = JSON.parse(figure.querySelector("script[type='application/json']").textContent);
    const place = figure.querySelector(".plot"), logarithmic = figure.querySelector(".log").checked;
    const axis = { stroke: colour("soft"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line") } };
    const form = value => value == null ? "–" : value.toFixed(unit === "%" ? 1 : 3);
    let baselines = 0;
    const series = lines.map(line => line.baseline
      ? { label: line.name, stroke: colour("soft"), dash: DASHES[baselines++ % DASHES.length], width: 1.5,
          points: { show: epochs.length === 1 } }
      : { label: line.name, stroke: colour(line.name === "training" ? "train" : "val"), width: 2, spanGaps: true,
          points: { show: epochs.length < 40, size: 5 } });
    for (const each of series) each.value = (_, value) => form(value);
    place.replaceChildren();
    return new uPlot({
      width: place.clientWidth, height: 280, scales: { x: { time: false }, y: { distr: logarithmic ? 3 : 1 } },
      axes: [{ ...axis, label: "epoch", incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] }, { ...axis, label: unit, size: 56 }],
      series: [{ label: "epoch" }, ...series], cursor: { drag: { x: true, y: true, uni: 20 } },
    }, [epochs, ...lines.map(line => line.values)], place);
  }

  for (const figure of document.querySelectorAll(".chart")) {
    let plot = draw(figure);
    const again = () => { plot.destroy(); plot = draw(figure); };
    figure.querySelector(".log").addEventListener("change", again);
    for (const media of ["(prefers-color-scheme: dark)", "print"]) matchMedia(media).addEventListener("change", again);
    addEventListener("resize", () => plot.setSize({ width: figure.querySelector(".plot").clientWidth, height: 280 }));
  }
})();
