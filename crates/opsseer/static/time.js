// Times in the reader's zone, and ages that keep up. The server writes both for readers without JavaScript.

const MINUTE = 60, HOUR = 3600, DAY = 86400;

// The server's clock minus this machine's, in milliseconds: a wrong clock on a laptop must not make ages wrong.
let skew = 0;

export function setServerTime(iso) {
  skew = Date.parse(iso) - Date.now();
}

// The same words as `web/moment.rs`.
export function ageWords(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 5) return "now";
  if (s < MINUTE) return `${s} s`;
  if (s < HOUR) return `${Math.floor(s / MINUTE)} min`;
  if (s < DAY) {
    const minutes = Math.floor((s % HOUR) / MINUTE);
    return `${Math.floor(s / HOUR)} h${minutes ? ` ${minutes} min` : ""}`;
  }
  const days = Math.floor(s / DAY);
  return days === 1 ? "1 day" : `${days} days`;
}

export function clockWords(date) {
  const clock = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  const today = new Date(Date.now() + skew).toDateString() === date.toDateString();
  return today ? clock : `${date.toLocaleDateString([], { day: "numeric", month: "short" })} ${clock}`;
}

// Turns every time under `root` local. The UTC text stays on hover.
export function localise(root) {
  for (const time of root.querySelectorAll("time[data-clock]")) {
    const words = clockWords(new Date(time.dateTime));
    if (time.textContent !== words) time.textContent = words;
  }
  for (const note of root.querySelectorAll("[data-zone]")) {
    note.textContent = `Times are local (${Intl.DateTimeFormat().resolvedOptions().timeZone}); UTC on hover`;
  }
  tick(root);
}

// Brings the ages under `root` up to date.
export function tick(root) {
  const now = Date.now() + skew;
  for (const age of root.querySelectorAll("[data-since]")) {
    const words = ageWords((now - Date.parse(age.dataset.since)) / 1000) + (age.dataset.ago !== undefined ? " ago" : "");
    const shown = words === "now ago" ? "just now" : words;
    if (age.textContent !== shown) age.textContent = shown;
  }
  for (const away of root.querySelectorAll("[data-away]")) {
    const ahead = (Date.parse(away.dataset.away) - now) / 1000;
    const words = ageWords(Math.abs(ahead));
    const shown = words === "now" ? words : ahead > 0 ? `in ${words}` : `${words} ago`;
    if (away.textContent !== shown) away.textContent = shown;
  }
  for (const passing of root.querySelectorAll("[data-until]")) {
    passing.hidden = Date.parse(passing.dataset.until) <= now;
  }
}
