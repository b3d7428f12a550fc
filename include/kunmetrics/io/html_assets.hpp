// The style sheet and the script of html.hpp's page, as the page carries them.
#pragma once

#include <string_view>

namespace kunmetrics::detail {

inline constexpr std::string_view page_style = R"css(:root { color-scheme: light dark; --ground: #fff; --ink: #1c2430; --soft: #5d6b7c; --grid: #e3e8ee; --tile: #f5f7fa;
  --c0: #1f6fd1; --c1: #d9661f; --c2: #2a9d63; --c3: #9a4fc4; --c4: #c43b52; --c5: #8a7a1a; --c6: #14919b; --c7: #7d8896; }
@media screen and (prefers-color-scheme: dark) { :root { --ground: #12171e; --ink: #e6ebf1; --soft: #97a5b5; --grid: #2a323d; --tile: #1a212a;
  --c0: #6aa9f5; --c1: #f0955a; --c2: #5cc98f; --c3: #c48ae6; --c4: #ee7a8c; --c5: #d1c05a; --c6: #54c6cf; --c7: #a9b4c0; } }
@media print { :root { color-scheme: light; --ground: #fff; --ink: #000; --soft: #444; --grid: #ccc; --tile: #fff; } figure, .tile { break-inside: avoid; } }
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .2rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
.lead, .unit, .absent, .tile p { color: var(--soft); } .lead { margin-top: 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(12.5rem, 1fr)); gap: .7rem; margin: 1.2rem 0; }
.tile { background: var(--tile); border: 1px solid var(--grid); border-radius: .5rem; padding: .6rem .8rem; }
.tile dt { font-size: .85rem; } .tile dd { margin: 0; font-size: 1.45rem; font-variant-numeric: tabular-nums; } .tile p { margin: 0; font-size: .78rem; }
figure { margin: 1.6rem 0; } figcaption { font-weight: 600; } .unit { font-weight: 400; font-size: .85rem; }
.legend { margin: .2rem 0; font-size: .85rem; } .key { print-color-adjust: exact; -webkit-print-color-adjust: exact; display: inline-block; width: .8rem; height: .8rem; border-radius: .2rem; margin: 0 .3rem 0 .6rem; }
.chart { position: relative; } svg { width: 100%; height: auto; display: block; }
svg text { fill: var(--soft); font-size: 12px; } .grid { stroke: var(--grid); } .pointer { stroke: var(--soft); visibility: hidden; }
.line { fill: none; stroke-width: 1.6; } .area { stroke: none; fill-opacity: .85; }
.s0 { --c: var(--c0); } .s1 { --c: var(--c1); } .s2 { --c: var(--c2); } .s3 { --c: var(--c3); } .s4 { --c: var(--c4); } .s5 { --c: var(--c5); } .s6 { --c: var(--c6); } .s7 { --c: var(--c7); } .s8 { --c: var(--ink); }
.line { stroke: var(--c); } .area, circle { fill: var(--c); } .key { background: var(--c); }
output { position: absolute; top: .4rem; display: none; pointer-events: none; background: var(--ground); border: 1px solid var(--grid); border-radius: .4rem;
  padding: .3rem .6rem; font-size: .82rem; white-space: pre; font-variant-numeric: tabular-nums; }
table { border-collapse: collapse; font-size: .9rem; } th { text-align: left; font-weight: 400; color: var(--soft); padding-right: 1.5rem; vertical-align: top; }
)css";

// Shows the values nearest to the pointer; nothing of the page depends on it.
inline constexpr std::string_view page_script = R"js("use strict";
for (const figure of document.querySelectorAll("figure")) {
  const source = figure.querySelector("script");
  if (!source) continue;
  const data = JSON.parse(source.textContent);
  const area = figure.querySelector(".chart"), svg = area.querySelector("svg");
  const line = svg.querySelector(".pointer"), shown = area.querySelector("output");
  const nearest = (xs, x) => {
    let low = 0, high = xs.length - 1;
    while (high - low > 1) { const middle = (low + high) >> 1; if (xs[middle] <= x) low = middle; else high = middle; }
    return x - xs[low] <= xs[high] - x ? low : high;
  };
  area.addEventListener("pointermove", event => {
    const box = svg.getBoundingClientRect();
    const at = (event.clientX - box.left) / box.width * data.width;
    if (at < data.left || at > data.right) return;
    const step = data.low + (at - data.left) / (data.right - data.left) * (data.high - data.low);
    const lines = [];
    for (const series of data.series) {
      if (!series.x.length) continue;
      const i = nearest(series.x, step);
      if (!lines.length) lines.push("step " + series.x[i]);
      lines.push(series.name + "  " + series.y[i] + " " + data.unit);
    }
    line.setAttribute("x1", at); line.setAttribute("x2", at); line.style.visibility = "visible";
    shown.textContent = lines.join("\n"); shown.style.display = "block";
    const left = at / data.width * box.width;
    shown.style.left = left > box.width / 2 ? "auto" : left + 12 + "px";
    shown.style.right = left > box.width / 2 ? box.width - left + 12 + "px" : "auto";
  });
  area.addEventListener("pointerleave", () => { line.style.visibility = "hidden"; shown.style.display = "none"; });
}
)js";

}  // namespace kunmetrics::detail
