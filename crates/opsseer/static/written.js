// A language model's words, sentence by sentence as they come, each with links to what it rests on.

import { announce } from "./page.js";
import { clockWords } from "./time.js";

const card = document.getElementById("written");
const words = card.querySelector(".words");
const outcome = card.querySelector(".outcome");
const sent = card.querySelector("details");
// What is being written, and about what; whoever asks anew lets go of what came before.
let writing = null;
let about = { sent: card.dataset.sent };

// The events of a stream that was asked for by POST, which EventSource cannot.
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; ;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (text + value).split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const field = (name) => block.split("\n").find((line) => line.startsWith(`${name}:`))?.slice(name.length + 1).trim();
      if (field("event")) yield [field("event"), JSON.parse(field("data"))];
    }
  }
}

function addressOf(source) {
  if (source.runbook) return source.runbook.page;
  if (document.getElementById(`event-${source.event}`)) return `#event-${source.event}`;
  return `${card.dataset.page}?before=${source.event + 1}#event-${source.event}`;
}

function nameOf({ runbook, event }) {
  if (!runbook) return document.querySelector(`#event-${event} time`)?.textContent ?? "event";
  const { file, line_start: first, line_end: last } = runbook;
  return `${file}, ${first === last ? `line ${first}` : `lines ${first} to ${last}`}`;
}

// A sentence without its labels, then a link for each of them.
function show({ text, sources }) {
  const line = document.createElement("li");
  line.append(text.replace(/\s*\[\s*[ER]\d+[^\]]*\]/gi, ""));
  for (const source of sources) {
    const link = document.createElement("a");
    link.href = addressOf(source);
    link.textContent = nameOf(source);
    link.title = source.runbook?.heading ?? "What happened, on the timeline";
    line.append(" ", link);
  }
  words.append(line);
}

function doneWords({ model, left_out_without_source: unsourced, left_out_for_a_number: invented, took_ms: took }) {
  const left = [];
  if (unsourced) left.push(`${unsourced} that named no source`);
  if (invented) left.push(`${invented} with a number that stands in no source`);
  return `Written by ${model} in ${(took / 1000).toFixed(1)} s.${left.length ? ` Left out: ${left.join(", ")}.` : ""}`;
}

async function write(button) {
  writing?.abort();
  const mine = writing = new AbortController();
  const { write: address, question, incident, sent: place } = button.dataset;
  about = { sent: place ?? card.dataset.sent };
  words.replaceChildren();
  sent.open = false;
  card.hidden = false;
  card.querySelector(".about").textContent = question ? `To the question: ${question}` : "";
  outcome.textContent = "Asking the model…";
  const failed = (reason) => {
    words.replaceChildren();
    outcome.textContent = `Nothing written: ${reason}. ${question ? "What the runbooks say stands." : "The summary at the top stands; it is made of the events alone."}`;
  };
  try {
    const body = question && JSON.stringify(incident ? { question, incident } : { question });
    const headers = question ? { "content-type": "application/json" } : {};
    const answer = await fetch(address, { method: "POST", body, headers, signal: mine.signal });
    if (!answer.ok) throw new Error((await answer.json()).detail);
    for await (const [name, data] of events(answer.body)) {
      if (name === "sentence") show(data);
      else if (name === "unavailable") return failed(data.reason);
      else if (name === "done") {
        outcome.textContent = doneWords(data);
        return announce(words.textContent);
      }
    }
    failed("the answer broke off");
  } catch (error) {
    if (mine.signal.aborted) return;
    failed(error instanceof TypeError ? "OpsSeer cannot be reached" : error.message);
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-write]");
  if (button) write(button);
});

// What left this machine, or would.
sent.addEventListener("toggle", async () => {
  if (!sent.open) return;
  const [note, text] = [sent.querySelector("p"), sent.querySelector("pre")];
  note.textContent = "Looking…";
  text.textContent = "";
  try {
    const answer = await fetch(about.sent);
    if (!answer.ok) throw new Error();
    const { last_sent: last, would_send: would, redacted, address, model } = await answer.json();
    const taken = `${redacted} ${redacted === 1 ? "place was" : "places were"} taken out as secret.`;
    note.textContent = last
      ? `Sent at ${clockWords(new Date(last.at))} to ${last.model} at ${last.address}.`
      : `Nothing was sent yet. This would go to ${model} at ${address}. ${taken}`;
    const prompt = last?.prompt ?? would;
    text.textContent = `${prompt.system}\n\n${prompt.user}`;
  } catch {
    note.textContent = "What was sent cannot be read.";
  }
});
