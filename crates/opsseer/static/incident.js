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

function show(items) {
  for (const item of [...items].reverse()) {
    if (document.getElementById(item.id)) continue;
    item.classList.add("arrived");
    timeline.prepend(item);
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
    held = [...items, ...held];
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
  change({ items, parts, title }, event) {
    last = Math.max(last, Number(event.lastEventId));
    for (const part of parts) swap(part);
    arrive(items.map(elementOf));
    document.title = title;
  },
  pulse,
});
