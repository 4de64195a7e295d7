// What does the page do when somebody chooses? Models and a scenario for all figures and tables at
// once; tables sort by a column; texts are copied. Without this script everything is there to see.
"use strict";

const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const one = (selector) => document.querySelector(selector);
const hidden = new Set();  // models
const scenario = one("#scenario");

document.documentElement.classList.add("scripted");
one("#bar").hidden = false;

// Models and scenario: what is of a hidden model, or of another scenario, is off.

function show() {
  const chosen = scenario.value;
  document.documentElement.classList.toggle("chosen", chosen !== "");
  for (const button of all("[data-toggle]"))
    button.setAttribute("aria-pressed", String(!hidden.has(button.dataset.toggle)));
  for (const part of all("main [data-m], main [data-s]")) {
    const { m, s } = part.dataset;
    part.classList.toggle("off", hidden.has(m) || Boolean(chosen && s && s !== chosen));
  }
  const figures = all("figure").map((figure) => focus(figure, chosen));
  one("#nothing").hidden = figures.length === 0 || figures.some(Boolean);
  tell(chosen);
}

// A figure with panels of scenarios shows the chosen one's alone, as large as it is readable.
function focus(figure, chosen) {
  const svg = figure.querySelector(".drawing svg");
  const panels = all(".drawing g[data-s]", figure);
  figure.hidden = false;
  if (!svg || panels.length === 0) return true;
  figure.classList.add("has-panels");
  svg.dataset.whole ??= svg.getAttribute("viewBox");
  svg.setAttribute("viewBox", svg.dataset.whole);
  svg.removeAttribute("width");
  svg.style.maxWidth = "";
  if (!chosen) return true;
  const boxes = panels.filter((p) => p.dataset.s === chosen).map((p) => p.getBBox());
  figure.hidden = boxes.length === 0;
  if (figure.hidden) return false;
  const [, , wide, high] = svg.dataset.whole.split(" ").map(Number);
  const left = Math.max(0, Math.min(...boxes.map((b) => b.x)) - 6);
  const top = Math.max(0, Math.min(...boxes.map((b) => b.y)) - 6);
  const right = Math.min(wide, Math.max(...boxes.map((b) => b.x + b.width)) + 6);
  const bottom = Math.min(high, Math.max(...boxes.map((b) => b.y + b.height)) + 6);
  svg.setAttribute("viewBox", [left, top, right - left, bottom - top].join(" "));
  svg.style.maxWidth = `${Math.round((right - left) * 2.6)}px`;
  return true;
}

function tell(chosen) {
  const models = all("[data-toggle]");
  const shown = models.length - hidden.size;
  const words = [];
  if (shown < models.length) words.push(`${shown} of ${models.length} models are shown`);
  if (chosen) words.push(`only what is of ${chosen}, and what is of no single scenario`);
  one("#said").textContent = words.join("; ");
}

for (const button of all("[data-toggle]"))
  button.addEventListener("click", () => {
    const model = button.dataset.toggle;
    if (!hidden.delete(model)) hidden.add(model);
    show();
  });
one("#all").addEventListener("click", () => { hidden.clear(); show(); });
one("#none").addEventListener("click", () => {
  for (const button of all("[data-toggle]")) hidden.add(button.dataset.toggle);
  show();
});
scenario.addEventListener("change", show);
show();  // a browser may remember a choice over a reload

// What a link leads to must not come to lie below the bar.
function makeRoom() {
  document.documentElement.style.scrollPaddingTop = `${one("#bar").offsetHeight + 12}px`;
}
addEventListener("resize", makeRoom);
makeRoom();

// Sorting: numbers by what they mean, with their unit; what has none comes last.

const UNITS = { ns: 1e-9, "µs": 1e-6, ms: 1e-3, s: 1, min: 60, h: 3600, B: 1, kB: 1e3, MB: 1e6,
  GB: 1e9, TB: 1e12, "%": 1e-2, "×": 1 };

function value(text) {
  const found = /^[≥<±]?\s*(-?[\d,]*\.?\d+)\s*([a-zµ%×]*)/i.exec(text);
  if (!found) return null;
  return Number(found[1].replaceAll(",", "")) * (UNITS[found[2]] ?? 1);
}

function keyOf(row, column) {
  const text = (row.cells[column]?.textContent ?? "").trim();
  const number = value(text);
  return { text, number, none: text === "" || text === "–" || text === "not known" };
}

function compare(a, b, turn) {
  if (a.none || b.none) return a.none - b.none;
  if (a.number !== null && b.number !== null) return turn * (a.number - b.number);
  return turn * a.text.localeCompare(b.text, "en", { numeric: true });
}

function sort(table, column) {
  const heads = [...table.tHead.rows[0].cells];
  const turn = heads[column].getAttribute("aria-sort") === "ascending" ? -1 : 1;
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [keyOf(row, column), row]);
  rows.sort(([a], [b]) => compare(a, b, turn));
  body.append(...rows.map(([, row]) => row));
  for (const head of heads) head.removeAttribute("aria-sort");
  heads[column].setAttribute("aria-sort", turn === 1 ? "ascending" : "descending");
}

for (const table of all("table.sortable"))
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => sort(table, column));
  });

// Copying, also where a browser has no clipboard for files: then the text is left selected.

for (const button of all("[data-copy]"))
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    getSelection().selectAllChildren(source);
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      document.execCommand("copy");
    }
    const words = button.firstChild;
    words.data = "Copied";
    setTimeout(() => { words.data = "Copy"; }, 2000);
  });

// On paper nothing can be opened.
addEventListener("beforeprint", () => { for (const part of all("details")) part.open = true; });
