// Beside the phones: switches for what can go wrong, and what is said on the wire.
import { post } from "./calls.js";
import { element, words } from "./elements.js";
import { now, shortDate, timeOfDay } from "./clock.js";

const MOST_LINES = 12;
const NOTE_MS = 2500;

function setSwitch(button, isOn) {
  button.setAttribute("aria-checked", String(isOn));
  const state = button.querySelector(".switch-state");
  state.textContent = isOn ? state.dataset.on : state.dataset.off;
}

export class Bench {
  constructor(root) {
    this.root = root;
    this.wire = root.querySelector(".wire");
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
    const { fault, chat } = button.dataset;
    const on = button.getAttribute("aria-checked") !== "true";
    const path = chat ? `${chat}/${fault}` : `faults/${fault}`;
    await post(path, { on }).catch(() => null);
  }

  async doOnce(button) {
    const { once: name, chat } = button.dataset;
    const note = button.parentElement.querySelector("[data-note]");
    const { done } = await post(`${chat}/${name}`).catch(() => ({ done: false }));
    note.textContent = words[`fault_${name}_${done ? "done" : "none"}`];
    setTimeout(() => (note.textContent = words[`fault_${name}_note`]), NOTE_MS);
  }

  tickClock() {
    const time = this.root.querySelector(".business-time");
    time.textContent = `${shortDate(now())}, ${timeOfDay(now())}`;
    time.dateTime = now().toISOString();
  }

  showFaults(faults) {
    for (const [name, isOn] of Object.entries(faults)) {
      setSwitch(this.root.querySelector(`[data-fault="${name}"]`), isOn);
    }
  }

  showBlocked(chat, blocked) {
    setSwitch(this.root.querySelector(`[data-fault="block"][data-chat="${chat}"]`), blocked);
  }

  addExchange({ direction, what, status, took_ms: tookMs }) {
    const outcome = status >= 200 && status < 300 ? "good" : "bad";
    const meaning = words[direction === "call" ? "wire_call" : "wire_webhook"];
    this.wire.prepend(
      element(
        "li",
        { class: outcome },
        element(
          "span",
          { class: "way", title: meaning },
          element("span", { "aria-hidden": "true" }, direction === "call" ? "Zuruf →" : "→ Zuruf"),
          element("span", { class: "only-for-readers" }, meaning),
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
