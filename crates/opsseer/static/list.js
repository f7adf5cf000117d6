// The incident list, live: rows change where they stand; new ones come at the top, or wait behind a chip.

import { announce, elementOf, pulse, swap } from "./page.js";
import { follow } from "./stream.js";

const rows = document.getElementById("rows");
const news = document.getElementById("news");
// New rows by id, and the order in which the server would list everything now.
const held = new Map();
let order = [];

function reading() {
  return rows.getBoundingClientRect().top < 0 || rows.contains(document.activeElement) || rows.matches(":hover");
}

function replace(old, next) {
  if (old.isEqualNode(next)) return;
  const focused = old.contains(document.activeElement);
  old.replaceWith(next);
  if (focused) next.querySelector("a").focus({ preventScroll: true });
}

function showHeld() {
  for (const id of order) {
    const row = held.get(id) ?? document.getElementById(id);
    if (!row) continue;
    if (held.has(id)) row.classList.add("arrived");
    rows.append(row);
  }
  // What the server no longer lists stays until the page is loaded again, below the rest.
  for (const row of [...rows.children]) if (!order.includes(row.id)) rows.append(row);
  held.clear();
  news.hidden = true;
}

news.addEventListener("click", () => {
  showHeld();
  scrollTo({ top: 0 });
});
addEventListener("scroll", () => { if (held.size && !reading()) showHeld(); }, { passive: true });

// The stream's address, with the numbers of the incidents that stand here, so that it can tell what became of each.
function address() {
  const shown = [...rows.children].map((row) => row.id.replace("incident-", "")).join();
  return `${rows.dataset.stream}${rows.dataset.stream.includes("?") ? "&" : "?"}shown=${shown}`;
}

follow(address, {
  change(change) {
    order = change.order;
    const arrived = [];
    for (const html of change.rows) {
      const row = elementOf(html);
      const old = document.getElementById(row.id);
      if (old) replace(old, row);
      else {
        if (!held.has(row.id)) arrived.push(row.querySelector(".subject").textContent);
        held.set(row.id, row);
      }
    }
    for (const part of change.parts) swap(part);
    if (held.size) {
      document.getElementById("empty").hidden = true;
      document.getElementById("table").hidden = false;
      if (reading()) {
        news.textContent = held.size === 1 ? "1 new incident" : `${held.size} new incidents`;
        news.hidden = false;
      } else showHeld();
    }
    if (arrived.length) announce(`New: ${arrived.join(". ")}`);
    document.title = change.title;
  },
  pulse,
});
