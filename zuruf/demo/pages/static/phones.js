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
    const isChosen = Number(tab.dataset.show) === id;
    tab.setAttribute("aria-pressed", String(isChosen));
    if (isChosen) tab.querySelector(".unseen").hidden = true;
  }
  phones.get(id).scrollDown();
}

function markUnseen(phone) {
  if (phone.root.classList.contains("shown")) return;
  tabs.find((tab) => Number(tab.dataset.show) === phone.id).querySelector(".unseen").hidden = false;
}

for (const root of document.querySelectorAll(".phone")) {
  const phone = new Phone(root, markUnseen);
  phones.set(phone.id, phone);
}
for (const tab of tabs) tab.addEventListener("click", () => showPhone(Number(tab.dataset.show)));

function tickClocks() {
  for (const clock of [bench, ...phones.values()]) clock.tickClock();
}

setInterval(tickClocks, 10_000);

const EVENTS = {
  snapshot: ({ bot, chats, faults, clock }) => {
    EVENTS.clock(clock);
    for (const chat of chats) {
      phones.get(chat.id)?.show(chat, bot);
      if (phones.has(chat.id)) bench.showBlocked(chat.id, chat.blocked);
    }
    bench.showFaults(faults);
    document.body.dataset.ready = "yes";
  },
  message: ({ chat, message }) => phones.get(chat)?.put(message),
  removed: ({ chat, message }) => phones.get(chat)?.remove(message),
  typing: ({ chat }) => phones.get(chat)?.showTyping(true),
  notice: ({ chat, text }) => phones.get(chat)?.notice(text),
  chat: ({ chat, blocked }) => {
    if (!phones.has(chat)) return;
    phones.get(chat).showBlocked(blocked);
    bench.showBlocked(chat, blocked);
  },
  clock: ({ now_ms: nowMs }) => {
    setClock(nowMs);
    tickClocks();
  },
  faults: (faults) => bench.showFaults(faults),
  exchange: (exchange) => bench.addExchange(exchange),
};

const stream = new EventSource("/phones/events");
for (const [name, handle] of Object.entries(EVENTS)) {
  stream.addEventListener(name, (event) => handle(JSON.parse(event.data)));
}
stream.addEventListener("open", () => (connection.hidden = true));
stream.addEventListener("error", () => (connection.hidden = false));
