// The page with the virtual phones: one stream of events in, taps out.
import { Bench } from "./bench.js";
import { setClock } from "./clock.js";
import { Phone } from "./phone.js";

const bench = new Bench(document.querySelector(".bench"));
const connection = document.querySelector(".connection");
const tabs = [...document.querySelectorAll("[data-show]")];
const phones = new Map();

function showPhone(id) {
  for (const phone of phones.values()) phone.root.classList.toggle("shown", phone.id === id);
  for (const tab of tabs) {
    const isChosen = tab.dataset.show === id;
    tab.setAttribute("aria-pressed", String(isChosen));
    if (isChosen) tab.querySelector(".unseen").hidden = true;
  }
  phones.get(id).scrollDown();
}

function markUnseen(phone) {
  if (phone.root.classList.contains("shown")) return;
  tabs.find((tab) => tab.dataset.show === phone.id).querySelector(".unseen").hidden = false;
}

for (const root of document.querySelectorAll(".phone")) {
  const phone = new Phone(root, markUnseen);
  phones.set(phone.id, phone);
}
for (const tab of tabs) tab.addEventListener("click", () => showPhone(tab.dataset.show));

function tickClocks() {
  for (const clock of [bench, ...phones.values()]) clock.tickClock();
}

setInterval(tickClocks, 10_000);

const EVENTS = {
  snapshot: ({ phones: shown, faults, clock }) => {
    EVENTS.clock(clock);
    for (const state of shown) {
      phones.get(state.phone)?.show(state);
      bench.showBlocked(state.phone, state.blocked);
    }
    for (const [messenger, troubles] of Object.entries(faults)) EVENTS.faults({ messenger, ...troubles });
    document.body.dataset.ready = "yes";
  },
  message: ({ phone, message }) => phones.get(phone)?.put(message),
  removed: ({ phone, message }) => phones.get(phone)?.remove(message),
  typing: ({ phone }) => phones.get(phone)?.showTyping(true),
  notice: ({ phone, text }) => phones.get(phone)?.notice(text),
  chat: (state) => {
    phones.get(state.phone)?.showState(state);
    bench.showBlocked(state.phone, state.blocked);
  },
  clock: ({ now_ms: nowMs }) => {
    setClock(nowMs);
    tickClocks();
  },
  faults: ({ messenger, ...troubles }) => {
    bench.showFaults(messenger, troubles);
    for (const phone of phones.values()) if (phone.messenger === messenger) phone.showDown(troubles.down);
  },
  exchange: (exchange) => bench.addExchange(exchange),
};

const stream = new EventSource("/phones/events");
for (const [name, handle] of Object.entries(EVENTS)) {
  stream.addEventListener(name, (event) => handle(JSON.parse(event.data)));
}
stream.addEventListener("open", () => (connection.hidden = true));
stream.addEventListener("error", () => (connection.hidden = false));
