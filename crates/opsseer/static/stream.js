// Follows a server-sent stream for as long as the page is looked at, and says so when it cannot.

import { clockWords } from "./time.js";

// The server sends a pulse every 5 s. Twice that and a little without any word is a lost connection, even when the
// browser has not noticed yet (a laptop that slept, a network that swallows packets).
const SILENCE_MS = 12_000;
const LONGEST_WAIT_MS = 5_000;
// Browsers allow six connections to a host over HTTP/1.1: tabs in the background give theirs back.
const HIDDEN_MS = 60_000;

// `address()` names the stream from where it was left; `handlers` maps event names to `(data, event) => {}`.
export function follow(address, handlers) {
  const sign = document.getElementById("connection");
  let source, silence, retry, hide, mended;
  let lostSince = null, attempts = 0;

  function open() {
    clearTimeout(retry);
    source?.close();
    source = new EventSource(address());
    source.onerror = lost;
    for (const [name, handle] of Object.entries(handlers)) {
      source.addEventListener(name, (event) => {
        handle(JSON.parse(event.data), event);
        heard();
      });
    }
    watch();
  }

  function watch() {
    clearTimeout(silence);
    silence = setTimeout(lost, SILENCE_MS);
  }

  function heard() {
    attempts = 0;
    watch();
    if (!lostSince) return;
    lostSince = null;
    say("back", `Connection is back since ${clockWords(new Date())}; nothing was missed`);
    mended = setTimeout(() => say("", ""), 6_000);
  }

  function lost() {
    clearTimeout(silence);
    source?.close();
    lostSince ??= new Date();
    say("lost", `Connection lost since ${clockWords(lostSince)}, retrying…`);
    const wait = Math.min(LONGEST_WAIT_MS, 500 * 2 ** attempts);
    attempts += 1;
    clearTimeout(retry);
    retry = setTimeout(open, wait * (0.75 + Math.random() / 2));
  }

  function say(state, words) {
    clearTimeout(mended);
    sign.className = state;
    if (sign.textContent !== words) sign.textContent = words;
  }

  function pause() {
    for (const timer of [silence, retry]) clearTimeout(timer);
    source?.close();
    source = null;
  }

  function watchVisibility() {
    clearTimeout(hide);
    if (document.hidden) hide = setTimeout(pause, HIDDEN_MS);
    else if (!source) open();
  }

  document.addEventListener("visibilitychange", watchVisibility);
  addEventListener("pagehide", pause);
  addEventListener("pageshow", (event) => { if (event.persisted) open(); });
  addEventListener("online", () => { if (lostSince) open(); });
  open();
  watchVisibility();
}
