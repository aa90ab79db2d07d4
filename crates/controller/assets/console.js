// What a page is without this is all there; with it, times are in the reader's zone and the page stays true while it is open.
"use strict";

const zone = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function localize(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.getTime())) time.title = zone.format(at) + " (" + time.dateTime + ")";
  }
}

// Only what a person does not hold at the moment is replaced: nothing that has the focus, and no form.
async function refresh() {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  localize(fresh);
  reveal(fresh);
  for (const part of document.querySelectorAll("[data-live]")) {
    const other = part.id && fresh.getElementById(part.id);
    if (!other || part.contains(document.activeElement)) continue;
    // What was typed into a form is no part of its markup.
    if (part.querySelector("form") && other.querySelector("form")) continue;
    if (part.innerHTML !== other.innerHTML) part.innerHTML = other.innerHTML;
  }
}

let asked = false;
function soon() {
  if (asked) return;
  asked = true;
  setTimeout(() => {
    asked = false;
    refresh().catch(() => {});
  }, 500);
}

function follow() {
  if (!document.querySelector("[data-live]")) return;
  // Reconnects by itself, also to a controller that was started anew.
  const stream = new EventSource("/live");
  stream.onmessage = soon;
  stream.onopen = soon;
  // Ages grow while nothing happens; the log of a run that goes on grows faster.
  const every = document.querySelector("[data-every]");
  setInterval(soon, every ? 1000 * every.dataset.every : 30000);
}

// A button that needs an id typed is there once it is.
function confirmations() {
  for (const input of document.querySelectorAll("input[data-expected]")) {
    const button = input.form.querySelector("button");
    const look = () => { button.disabled = input.value.trim() !== input.dataset.expected; };
    input.addEventListener("input", look);
    look();
  }
}

// Without a script nothing can be copied by a button, and it is hidden.
function reveal(root) {
  for (const button of root.querySelectorAll("button[data-copy]")) button.hidden = false;
}

async function copy(event) {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
  button.textContent = "Copied";
}

localize(document);
confirmations();
reveal(document);
document.addEventListener("click", copy);
follow();
