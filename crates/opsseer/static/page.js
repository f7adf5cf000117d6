// What every page has: local times, live ages, keys, copy buttons, forms that do not reload the page.

import { localise, setServerTime, tick } from "./time.js";

const KEYS_OFF = "opsseer-keys-off";

// Makes a part that has just come from the server ready for use.
export function enhance(root) {
  localise(root);
  for (const button of root.querySelectorAll("button[data-copy], button[data-write]")) button.hidden = false;
}

// Makes an element out of HTML that the server rendered and escaped.
export function elementOf(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const element = template.content.firstElementChild;
  enhance(element);
  return element;
}

// Puts a newly rendered part in the place of the one with its id. Nothing moves if nothing changed; what the reader
// had opened stays open, pictures are not fetched again, and the focus stays where it was.
export function swap(html) {
  const next = elementOf(html);
  const old = document.getElementById(next.id);
  if (!old) return;
  for (const opened of old.querySelectorAll("details[open][id]")) {
    next.querySelector(`#${CSS.escape(opened.id)}`)?.setAttribute("open", "");
  }
  for (const field of old.querySelectorAll("input[id], select[id]")) {
    const same = next.querySelector(`#${CSS.escape(field.id)}`);
    if (same) [same.value, same.checked] = [field.value, field.checked];
  }
  if (old.isEqualNode(next)) return;
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  // A chart that the reader looks into stays as it is.
  for (const plot of next.querySelectorAll("[data-chart]")) {
    const same = old.querySelector(`[data-chart="${CSS.escape(plot.dataset.chart)}"]`);
    if (same) plot.replaceWith(same);
  }
  for (const picture of next.querySelectorAll("img")) {
    const same = [...old.querySelectorAll("img")].find((known) => known.src === picture.src);
    if (same) picture.replaceWith(same);
  }
  old.replaceWith(next);
  if (focused) {
    const again = focused.id && document.getElementById(focused.id);
    (again || next.querySelector("button, a, summary, input"))?.focus({ preventScroll: true });
  }
}

// Said aloud by screen readers, seen by nobody.
export function announce(words) {
  document.getElementById("said").textContent = words;
}

// The stream's regular sign of life: the server's time, the pipeline's health, and which pages it now serves.
export function pulse({ now, health, bundle }) {
  setServerTime(now);
  swap(health);
  if (bundle !== document.body.dataset.bundle) document.getElementById("outdated").hidden = false;
}

async function copy(button) {
  const code = button.parentElement.querySelector("code");
  let copied = true;
  try {
    await navigator.clipboard.writeText(code.textContent);
  } catch {
    // The clipboard is only lent to pages over HTTPS or on this machine: mark the text, then ask the old way.
    getSelection().selectAllChildren(code);
    copied = document.execCommand("copy");
  }
  button.textContent = copied ? "Copied" : "Marked: press Ctrl C";
  setTimeout(() => { button.textContent = "Copy"; }, 2_000);
}

// Sends a form without leaving the page. The stream brings what came of it.
async function send(form, button) {
  if (form.dataset.sending) return;
  form.dataset.sending = "yes";
  button?.setAttribute("aria-disabled", "true");
  const failed = form.querySelector(".failed") ?? document.getElementById("failed");
  failed.textContent = "";
  try {
    const body = new URLSearchParams(new FormData(form, button));
    const answer = await fetch(form.action, { method: "POST", body, headers: { accept: "text/plain" }, signal: AbortSignal.timeout(10_000) });
    if (!answer.ok) throw new Error(await answer.text());
    // The stream may have brought the form anew in the meantime.
    const here = (form.id && document.getElementById(form.id)) || form;
    here.reset();
    here.closest("details")?.removeAttribute("open");
    here.querySelector("details")?.removeAttribute("open");
  } catch (error) {
    const why = error instanceof TypeError || error.name === "TimeoutError" ? "OpsSeer cannot be reached" : error.message;
    failed.textContent = `Not done: ${why}. ${form.dataset.keeps ?? "Try again."}`;
  } finally {
    delete form.dataset.sending;
    button?.removeAttribute("aria-disabled");
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-live]");
  if (!form) return;
  event.preventDefault();
  send(form, event.submitter);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-copy]");
  if (button) copy(button);
});

// The next or the previous thing that can be read: a row, an event.
function step(direction) {
  const stops = [...document.querySelectorAll("[data-stop]")];
  const here = stops.findIndex((stop) => stop.contains(document.activeElement));
  const next = stops[here === -1 ? (direction > 0 ? 0 : stops.length - 1) : here + direction];
  const target = next?.matches("[tabindex]") ? next : next?.querySelector("a");
  target?.focus({ preventScroll: true });
  next?.scrollIntoView({ block: "nearest" });
}

function press(key) {
  const target = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (!target) return false;
  if (target.matches("input, textarea")) target.focus();
  else target.click();
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) return;
  const writing = event.target.closest?.("input, textarea, select");
  if (writing) {
    if (event.key === "Escape") writing.blur();
    return;
  }
  const help = document.getElementById("help");
  if (help.open || localStorage.getItem(KEYS_OFF)) return;
  if (event.key === "j" || event.key === "k") step(event.key === "j" ? 1 : -1);
  else if (event.key === "?") help.showModal();
  else if (event.key === "/" && !document.querySelector('[data-key="/"]')) location.assign("/#search");
  else if (!press(event.key)) return;
  event.preventDefault();
});

// In a note, Ctrl Enter sends.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches("textarea")) {
    event.target.form.requestSubmit();
  }
});

const helpOpen = document.getElementById("help-open");
helpOpen.hidden = false;
helpOpen.addEventListener("click", () => document.getElementById("help").showModal());
const keysOn = document.getElementById("keys-on");
keysOn.checked = !localStorage.getItem(KEYS_OFF);
keysOn.addEventListener("change", () => {
  if (keysOn.checked) localStorage.removeItem(KEYS_OFF);
  else localStorage.setItem(KEYS_OFF, "yes");
});
if (location.hash === "#search") document.getElementById("search")?.focus();

enhance(document.body);
setInterval(() => tick(document.body), 1_000);
