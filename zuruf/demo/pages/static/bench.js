// Beside the phones: switches for what can go wrong, and what is said on the wire.
import { post } from "./calls.js";
import { element, words } from "./elements.js";
import { now, shortDate, timeOfDay } from "./clock.js";

const MOST_LINES = 12;
const NOTE_MS = 2500;

export class Bench {
  constructor(root) {
    this.root = root;
    this.wire = root.querySelector(".wire");
    this.notes = new Map(); // note -> the timer that puts its usual words back
    root.addEventListener("click", (event) => this.tapped(event));
  }

  async tapped(event) {
    const once = event.target.closest("[data-once]");
    const fault = event.target.closest("[data-fault]");
    const step = event.target.closest("[data-advance]")?.dataset.advance;
    if (step) await post(`clock/${step}`).catch(() => null);
    else if (once) await this.doOnce(once);
    else if (fault) await this.toggle(fault);
  }

  async toggle(button) {
    const { fault, phone, messenger } = button.dataset;
    const on = button.getAttribute("aria-checked") !== "true";
    const path = phone ? `${phone}/${fault}` : `${messenger}/faults/${fault}`;
    await post(path, { on }).catch(() => null);
  }

  async doOnce(button) {
    const { once: name, phone } = button.dataset;
    const note = button.closest("tbody").querySelector("[data-note]");
    const { done } = await post(`${phone}/${name}`).catch(() => ({ done: false }));
    note.textContent = words[`fault_${name}_${done ? "done" : "none"}`];
    clearTimeout(this.notes.get(note));
    const restored = setTimeout(() => (note.textContent = words[`fault_${name}_note`]), NOTE_MS);
    this.notes.set(note, restored);
  }

  tickClock() {
    const time = this.root.querySelector(".business-time");
    time.textContent = `${shortDate(now())}, ${timeOfDay(now())}`;
    time.dateTime = now().toISOString();
  }

  showFaults(messenger, faults) {
    for (const [name, isOn] of Object.entries(faults)) {
      const button = this.root.querySelector(`[data-fault="${name}"][data-messenger="${messenger}"]`);
      button?.setAttribute("aria-checked", String(isOn));
    }
  }

  showBlocked(phone, blocked) {
    const button = this.root.querySelector(`[data-fault="block"][data-phone="${phone}"]`);
    button?.setAttribute("aria-checked", String(blocked));
  }

  addExchange({ messenger, direction, what, status, took_ms: tookMs }) {
    const outcome = status >= 200 && status < 300 ? "good" : "bad";
    const meaning = words[direction === "call" ? "wire_call" : "wire_webhook"];
    this.wire.prepend(
      element(
        "li",
        { class: outcome },
        element(
          "span",
          { class: "way", title: meaning },
          element("span", { "aria-hidden": "true" }, direction === "call" ? `→ ${words[`messenger_${messenger}`]}` : `${words[`messenger_${messenger}`]} →`),
          element("span", { class: "only-for-readers" }, `${words[`messenger_${messenger}`]}: ${meaning}`),
        ),
        element("code", {}, what),
        element("span", { class: "status" }, status || words.no_answer),
        element("span", { class: "took" }, `${tookMs} ms`),
      ),
    );
    while (this.wire.children.length > MOST_LINES) this.wire.lastElementChild.remove();
    this.root.querySelector(".wire-empty").hidden = true;
  }
}
