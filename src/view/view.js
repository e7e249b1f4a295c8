// Keeps a page of `view` up to date, and gives it keys. Without it all pages work; they are as old as their loading.
"use strict";

const body = document.body;
const live = document.getElementById("live");

// What changes while a run goes on is marked; the page is asked for again, and these parts of it are put in place.
async function refresh() {
  const answer = await fetch(location.href, { credentials: "same-origin", headers: { accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  // The run was read for the first time: all of the page is new.
  if (!document.querySelector("nav.pages") && fresh.querySelector("nav.pages")) { location.reload(); return; }
  // Somebody is typing.
  if (document.activeElement && ["INPUT", "SELECT"].includes(document.activeElement.tagName)) return;
  for (const part of document.querySelectorAll("[data-live]")) {
    const other = fresh.getElementById(part.id);
    if (!other || other.innerHTML === part.innerHTML) continue;
    const open = new Set([...part.querySelectorAll("details[open]")].map(name));
    const scrolled = [...part.querySelectorAll(".scroll")].map((box) => box.scrollLeft);
    const focused = part.contains(document.activeElement) ? path(document.activeElement, part) : null;
    part.replaceChildren(...other.childNodes);
    for (const box of part.querySelectorAll("details")) if (open.has(name(box))) box.open = true;
    part.querySelectorAll(".scroll").forEach((box, at) => { box.scrollLeft = scrolled[at] || 0; });
    if (focused) focused.reduce((at, step) => at && at.children[step], part)?.focus?.({ preventScroll: true });
    prepareMap();
  }
}

function name(box) { return box.id || box.querySelector("summary")?.textContent || ""; }

function path(element, root) {
  const steps = [];
  for (let at = element; at !== root; at = at.parentElement) steps.unshift([...at.parentElement.children].indexOf(at));
  return steps;
}

if (body.dataset.events) {
  let waiting = false, dirty = false, seen = body.dataset.version;
  const run = async () => {
    if (waiting) { dirty = true; return; }
    waiting = true;
    try {
      await refresh();
      live.textContent = "Up to date.";
    } catch { live.textContent = "The program that serves this page does not answer."; }
    setTimeout(() => { waiting = false; if (dirty) { dirty = false; run(); } }, 1000);
  };
  const source = new EventSource(body.dataset.events);
  source.addEventListener("version", (event) => {
    if (event.data !== seen) { seen = event.data; run(); }
  });
  source.onopen = () => { live.textContent = "Up to date."; };
  source.onerror = () => { live.textContent = "The program that serves this page does not answer; it is tried again."; };
}

// Arrow keys go from cell to cell of the heat map, and its line says what a cell is.
function prepareMap() {
  const map = document.querySelector("table.map");
  if (!map) return;
  for (const cell of map.querySelectorAll("tbody td:not(.number)")) cell.tabIndex = -1;
  const first = map.querySelector("tbody td:not(.number)");
  if (first) first.tabIndex = 0;
}

function say(cell) {
  const map = cell.closest("table");
  const line = document.getElementById("cell");
  const of = map.tHead.rows[0].cells[cell.cellIndex];
  const words = { "✓": "right", "✗": "wrong", "?": "no answer", "·": "not asked" };
  const what = cell.textContent.trim();
  line.textContent = `prompt ${cell.parentElement.cells[0].textContent.trim()}, row ${of.textContent.trim()} (${of.firstElementChild.title}): ${words[what] || what + " %"}`;
}

document.addEventListener("focusin", (event) => {
  if (event.target.matches?.("table.map td")) say(event.target);
});
document.addEventListener("click", (event) => {
  const cell = event.target.closest?.("table.map tbody td:not(.number)");
  if (cell) cell.focus();
});

function step(cell, key) {
  const line = cell.parentElement;
  switch (key) {
    case "ArrowRight": return cell.nextElementSibling;
    case "ArrowLeft": return cell.previousElementSibling;
    case "ArrowDown": return line.nextElementSibling?.cells[cell.cellIndex];
    case "ArrowUp": return line.previousElementSibling?.cells[cell.cellIndex];
    case "Home": return line.cells[2];
    case "End": return line.cells[line.cells.length - 1];
    case "Enter": return line.cells[0].querySelector("a");
  }
}

document.addEventListener("keydown", (event) => {
  const at = document.activeElement;
  if (event.ctrlKey || event.metaKey || event.altKey || ["INPUT", "SELECT", "TEXTAREA"].includes(at?.tagName)) return;
  if (at?.matches?.("table.map td")) {
    const to = step(at, event.key);
    if (to?.tagName === "A") { event.preventDefault(); to.click(); return; }
    if (to?.matches("td:not(.number)")) {
      event.preventDefault();
      at.tabIndex = -1;
      to.tabIndex = 0;
      to.focus();
      return;
    }
  }
  if (/^[1-9]$/.test(event.key)) {
    document.querySelectorAll("nav.pages a")[event.key - 1]?.click();
  } else if (event.key === "j" || event.key === "k") {
    const entries = [...document.querySelectorAll("main tbody th a, main details > summary")].filter((it) => it.offsetParent);
    const place = entries.indexOf(at);
    const to = entries[event.key === "j" ? place + 1 : Math.max(place, 1) - 1];
    if (to) { event.preventDefault(); to.focus(); to.scrollIntoView({ block: "nearest" }); }
  } else if (event.key === "n" || event.key === "p") {
    document.querySelector(`a[rel="${event.key === "n" ? "next" : "prev"}"]`)?.click();
  }
});

prepareMap();
