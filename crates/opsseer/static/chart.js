// Looking into a picture: a read-out under the pointer or at the arrow keys, and a closer look at a part of its time.

import { announce } from "./page.js";

const numbers = new Map();
// What the reader looks at in each picture: its numbers, all its times, the point, and where a part begins.
const views = new WeakMap();

async function load(address) {
  if (!numbers.has(address)) {
    numbers.set(address, fetch(address).then((answer) => {
      if (!answer.ok) throw new Error(answer.statusText);
      return answer.json();
    }));
    numbers.get(address).catch(() => numbers.delete(address));
  }
  return numbers.get(address);
}

function part(element, name) {
  const made = document.createElement(element);
  made.className = name;
  return made;
}

// Makes a picture ready, once somebody points at it or comes to it by keys.
async function open(plot) {
  if (views.has(plot)) return views.get(plot);
  const view = { picture: plot.querySelector("img"), cross: part("div", "cross"), chosen: part("div", "chosen"), read: part("div", "read"), whole: part("button", "whole") };
  views.set(plot, view);
  view.whole.type = "button";
  view.whole.textContent = "Whole time";
  view.words = view.picture.alt;
  for (const hidden of [view.cross, view.chosen, view.read, view.whole]) hidden.hidden = true;
  plot.append(view.chosen, view.cross, view.read, view.whole);
  try {
    await show(plot, view, "");
  } catch (error) {
    // It is tried anew when somebody points at it again.
    views.delete(plot);
    for (const added of [view.chosen, view.cross, view.read, view.whole]) added.remove();
    throw error;
  }
  return view;
}

async function show(plot, view, query) {
  const data = await load(`${plot.dataset.chart}/numbers.json${query}`);
  if (query || view.data) view.picture.src = `${plot.dataset.chart}/picture.svg${query}`;
  const all = [...data.series.flatMap((one) => one.points), ...(data.forecast?.points ?? [])].map(([at]) => at);
  Object.assign(view, { data, times: [...new Set(all)].sort((a, b) => a - b), anchor: null });
  const keys = keysOf(plot);
  keys.max = Math.max(0, view.times.length - 1);
  keys.value = keys.max;
  view.index = Number(keys.max);
  view.whole.hidden = !query;
  view.picture.alt = query ? `${data.title}, ${clock(data, data.from)} to ${clock(data, data.plot.end)}` : view.words;
  for (const hidden of [view.cross, view.chosen, view.read]) hidden.hidden = true;
}

function keysOf(plot) {
  return plot.querySelector("input[type=range]");
}

// The picture may be smaller than its element: it keeps its shape, at the left and in the middle.
function frame(view) {
  const { width, height } = view.data.plot;
  const box = view.picture;
  const scale = Math.min(box.clientWidth / width, box.clientHeight / height);
  return { scale, top: (box.clientHeight - height * scale) / 2 };
}

function xOf(view, at) {
  const { left, right, end } = view.data.plot;
  const share = (at - view.data.from) / Math.max(1, end - view.data.from);
  return (left + share * (right - left)) * frame(view).scale;
}

function nearest(view, x) {
  const { left, right, end } = view.data.plot;
  const share = (x / frame(view).scale - left) / (right - left);
  const at = view.data.from + share * (end - view.data.from);
  let best = 0;
  view.times.forEach((time, index) => {
    if (Math.abs(time - at) < Math.abs(view.times[best] - at)) best = index;
  });
  return best;
}

function clock(data, at) {
  const iso = new Date(at).toISOString();
  const isLong = data.plot.end - data.from > 86_400_000;
  return `${isLong ? `${iso.slice(5, 10)} ` : ""}${iso.slice(11, 19)} UTC`;
}

function text(data, value) {
  if (value === null) return "no number";
  const scaled = Number((value / data.plot.factor).toPrecision(3));
  return `${scaled}${data.plot.suffix}`;
}

// What stands at a time: a line each for the time, the lines of the picture, and what is expected.
function linesAt(data, at) {
  const lines = [[clock(data, at), ""]];
  for (const one of data.series.slice(0, 8)) {
    const point = one.points.find(([time]) => time === at);
    if (point) lines.push([one.label || "measured", text(data, point[1])]);
  }
  const ahead = data.forecast?.points.find(([time]) => time === at)?.[1];
  if (ahead) {
    lines.push(["expected", text(data, ahead[0])]);
    for (const [share, low, high] of [["80 %", ahead[1], ahead[2]], ["95 %", ahead[3], ahead[4]]]) {
      if (low !== null && high !== null) lines.push([share, `${text(data, low)} to ${text(data, high)}`]);
    }
  }
  if (data.limit) lines.push(["limit", text(data, data.limit.value)]);
  return lines;
}

// The lowest and the highest value of the lines within a part.
function linesBetween(data, from, to) {
  const lines = [[`${clock(data, from)} to ${clock(data, to)}`, ""]];
  for (const one of data.series.slice(0, 8)) {
    const values = one.points.filter(([at, value]) => value !== null && from <= at && at <= to).map(([, value]) => value);
    if (values.length) lines.push([one.label || "measured", `${text(data, Math.min(...values))} to ${text(data, Math.max(...values))}`]);
  }
  return lines;
}

function point(plot, view, index) {
  if (view.times.length === 0) return;
  const { data, times, cross, chosen, read, anchor, picture } = view;
  const { scale, top } = frame(view);
  const x = xOf(view, times[index]);
  const isPart = anchor !== null && anchor !== index;
  const [from, to] = isPart ? [Math.min(anchor, index), Math.max(anchor, index)] : [index, index];
  const place = (element, left, width) => Object.assign(element.style, {
    left: `${left}px`, width: `${width}px`, top: `${top + data.plot.top * scale}px`, height: `${(data.plot.bottom - data.plot.top) * scale}px`,
  });
  view.index = index;
  place(cross, x, 1);
  cross.hidden = false;
  chosen.hidden = !isPart;
  if (isPart) place(chosen, xOf(view, times[from]), xOf(view, times[to]) - xOf(view, times[from]));
  const lines = isPart ? linesBetween(data, times[from], times[to]) : linesAt(data, times[index]);
  read.replaceChildren(...lines.map(([name, value]) => {
    const line = part("div", "");
    const strong = document.createElement("b");
    strong.textContent = value;
    line.append(name, " ", strong);
    return line;
  }));
  read.hidden = false;
  const isRight = x > picture.clientWidth / 2;
  Object.assign(read.style, { left: isRight ? "auto" : `${x + 8}px`, right: isRight ? `${plot.clientWidth - x + 8}px` : "auto", top: `${top + data.plot.top * scale}px` });
  const keys = keysOf(plot);
  keys.value = index;
  keys.setAttribute("aria-valuetext", lines.map((line) => line.join(" ").trim()).join(", "));
}

function leave(view) {
  view.anchor = null;
  for (const hidden of [view.cross, view.chosen, view.read]) hidden.hidden = true;
}

async function closer(plot, view) {
  const { anchor, index, times } = view;
  if (anchor === null || anchor === index) return;
  const [from, to] = [times[Math.min(anchor, index)], times[Math.max(anchor, index)]];
  await show(plot, view, `?from=${from}&to=${to}`);
  announce(`${view.picture.alt} is shown`);
}

async function whole(plot, view) {
  if (!view.whole.hidden) await show(plot, view, "");
  leave(view);
}

const plotOf = (event) => event.target.closest?.("[data-chart]");
// Without its numbers, a picture is still a picture.
const quietly = (work) => work.catch((error) => console.info("The chart's numbers did not come:", error));

document.addEventListener("pointermove", (event) => {
  const plot = plotOf(event);
  if (!plot) return;
  quietly(open(plot).then((view) => {
    if (!view.data) return;
    if (event.buttons === 0) view.anchor = null;
    point(plot, view, nearest(view, event.clientX - plot.getBoundingClientRect().left));
  }));
});
document.addEventListener("pointerdown", (event) => {
  const plot = plotOf(event);
  const view = plot && views.get(plot);
  if (!view?.data || event.button !== 0 || event.target === view.whole) return;
  // A finger that moves scrolls the page; its tap reads out.
  if (event.pointerType !== "touch") view.anchor = nearest(view, event.clientX - plot.getBoundingClientRect().left);
});
document.addEventListener("pointerup", (event) => {
  const plot = plotOf(event);
  const view = plot && views.get(plot);
  if (view?.data && view.anchor !== null) quietly(closer(plot, view).then(() => { view.anchor = null; }));
});
document.addEventListener("pointerout", (event) => {
  const plot = plotOf(event);
  const view = plot && views.get(plot);
  if (view?.data && !plot.contains(event.relatedTarget) && !plot.contains(document.activeElement)) leave(view);
});
document.addEventListener("dragstart", (event) => { if (plotOf(event)) event.preventDefault(); });
document.addEventListener("click", (event) => {
  const plot = plotOf(event);
  const view = plot && views.get(plot);
  if (event.target === view?.whole) quietly(whole(plot, view));
});

document.addEventListener("focusin", (event) => {
  const plot = plotOf(event);
  if (plot && event.target === keysOf(plot)) quietly(open(plot).then((view) => { if (view.data) point(plot, view, Number(keysOf(plot).value)); }));
});
document.addEventListener("focusout", (event) => {
  const view = plotOf(event) && views.get(plotOf(event));
  if (view?.data) leave(view);
});
document.addEventListener("input", (event) => {
  const plot = plotOf(event);
  const view = plot && views.get(plot);
  if (view?.data) point(plot, view, Number(event.target.value));
});
document.addEventListener("keydown", (event) => {
  const plot = plotOf(event);
  const view = plot && views.get(plot);
  if (!view?.data) return;
  if (event.key.startsWith("Arrow")) {
    if (!event.shiftKey) view.anchor = null;
    else view.anchor ??= view.index;
  } else if (event.key === "Enter") quietly(closer(plot, view));
  else if (event.key === "Escape") quietly(whole(plot, view));
});
