// The incident page, live: new events at the top of the timeline, the other parts replaced where they changed.

import { announce, elementOf, enhance, pulse, swap } from "./page.js";
import { follow } from "./stream.js";

const main = document.getElementById("incident");
const timeline = document.getElementById("timeline");
const news = document.getElementById("news");
const head = document.querySelector(".head");
let last = Number(main.dataset.lastEvent);
// Events that came while the reader was further down; newest first.
let held = [];

// Whether new events at the top would move what the reader looks at.
function readingFurtherDown() {
  return timeline.dataset.newest === undefined
    || timeline.getBoundingClientRect().top < Math.max(0, head.getBoundingClientRect().bottom)
    || timeline.contains(document.activeElement)
    || (!getSelection().isCollapsed && timeline.contains(getSelection().anchorNode));
}

// The newest event that a line of the timeline tells of.
function newestOf(item) {
  return Number(item.dataset.newest ?? item.id.replace("event-", ""));
}

// A line that tells of many events takes the place of the lines at the top that tell of some of them.
function showRun(run) {
  const covered = [];
  for (const item of timeline.children) {
    if (newestOf(item) < Number(run.dataset.oldest)) break;
    covered.push(item);
  }
  if (covered.some((item) => newestOf(item) >= Number(run.dataset.newest))) return;
  if (covered.some((item) => item.querySelector("details[open][id^=run-]"))) run.querySelector("details").open = true;
  for (const item of covered) item.remove();
  timeline.prepend(run);
}

function show(items) {
  for (const item of [...items].reverse()) {
    if (item.dataset.newest) showRun(item);
    else if (!document.getElementById(item.id)) {
      item.classList.add("arrived");
      timeline.prepend(item);
    }
  }
}

// Forms for other things once other things can be done. They are not replaced otherwise: somebody may be writing.
async function refreshTools() {
  const can = document.getElementById("headline").dataset.can;
  const tools = document.getElementById("tools");
  if (tools.dataset.can === can) return;
  tools.dataset.can = can;
  try {
    const answer = await fetch(location.pathname);
    if (!answer.ok) throw new Error(answer.statusText);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const next = page.getElementById("tools");
    enhance(next);
    document.getElementById("tools").replaceWith(next);
  } catch {
    // The server refuses what cannot be done, and says why.
    delete tools.dataset.can;
  }
}

function showHeld() {
  const items = held;
  held = [];
  news.hidden = true;
  show(items);
}

function arrive(items) {
  if (items.length === 0) return;
  if (held.length === 0 && !readingFurtherDown()) {
    show(items);
  } else {
    const runs = items.filter((item) => item.dataset.newest);
    const told = (item) => runs.some((run) => newestOf(item) >= Number(run.dataset.oldest));
    held = [...items, ...held.filter((item) => !told(item))];
    news.textContent = held.length === 1 ? "1 new event" : `${held.length} new events`;
    news.hidden = false;
  }
  announce(items.map((item) => item.querySelector(".what").textContent).join(". "));
}

news.addEventListener("click", () => {
  // On a page of earlier events, the newest ones are on another page.
  if (timeline.dataset.newest === undefined) location.assign(location.pathname);
  showHeld();
  document.activeElement?.blur();
  timeline.closest("section").scrollIntoView({ block: "start" });
});
addEventListener("scroll", () => { if (held.length && !readingFurtherDown()) showHeld(); }, { passive: true });

// Earlier events are fetched in place.
document.addEventListener("click", async (event) => {
  const link = event.target.closest("#earlier a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  try {
    const answer = await fetch(link.href);
    if (!answer.ok) throw new Error(answer.statusText);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    enhance(page.body);
    const items = [...page.querySelectorAll("#timeline > li")];
    timeline.append(...items);
    document.getElementById("earlier").replaceWith(page.getElementById("earlier") ?? "");
    items[0]?.focus();
  } catch {
    location.assign(link.href);
  }
});

follow(() => `${main.dataset.stream}?after=${last}`, {
  change({ items, again, parts, title }, event) {
    last = Math.max(last, Number(event.lastEventId));
    for (const part of parts) swap(part);
    for (const item of again) swap(item);
    refreshTools();
    arrive(items.map(elementOf));
    document.title = title;
  },
  pulse,
});
