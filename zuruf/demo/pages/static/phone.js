// One virtual phone: what it shows, and what its owner's taps do.
import { listenToAttachments } from "./attachments.js";
import { bubble, gist } from "./bubble.js";
import { post } from "./calls.js";
import { dayOf, longDate, now, timeOfDay, weekday } from "./clock.js";
import { element, icon, words } from "./elements.js";
import { openMenu } from "./menu.js";
import { openSheet } from "./sheet.js";

const TYPING_MS = 5000;
const TOAST_MS = 3500;

// Taken off again, so that a phone that is hidden and shown does not play it anew.
function arrive(row) {
  row.classList.add("arriving");
  row.addEventListener("animationend", () => row.classList.remove("arriving"), { once: true });
}

export class Phone {
  constructor(root, onUnseen) {
    this.root = root;
    this.id = root.dataset.phone; // messenger and chat
    this.messenger = root.dataset.messenger;
    this.can = new Set(root.dataset.can.split(" "));
    this.messages = new Map();
    this.follows = true;
    this.lastTop = 0;
    this.about = null; // the message that is being answered or edited
    this.onUnseen = onUnseen;
    this.bubbles = this.find(".bubbles");
    this.input = this.find("textarea");
    this.input.value = sessionStorage.getItem(this.draftKey) ?? "";
    this.listen();
  }

  get draftKey() {
    return `zuruf.draft.${this.id}`;
  }

  find(selector) {
    return this.root.querySelector(selector);
  }

  listen() {
    this.find(".start").addEventListener("click", () => this.act("say", { text: "/start" }));
    for (const question of this.root.querySelectorAll("[data-try]")) {
      question.addEventListener("click", () => this.act("say", { text: question.textContent }));
    }
    this.find(".composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.input.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.speakAbout(null);
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.submit();
    });
    this.input.addEventListener("input", () => {
      this.fitInput();
      if (this.about?.mode !== "edit") sessionStorage.setItem(this.draftKey, this.input.value);
    });
    this.find(".about button").addEventListener("click", () => this.speakAbout(null));
    this.find(".to-bottom").addEventListener("click", () => this.scrollDown("smooth"));
    this.bubbles.addEventListener("scroll", () => this.scrolled());
    this.bubbles.addEventListener("click", (event) => this.tapped(event));
    this.bubbles.addEventListener("load", () => this.follow(), true); // a picture has its height only now
    this.root.addEventListener("keydown", (event) => event.key === "Escape" && this.closeMenus());
    this.root.addEventListener("focusout", (event) => {
      if (!event.relatedTarget?.closest?.(".menu, .more, .attach")) this.closeMenus();
    });
    listenToAttachments(this);
    new ResizeObserver(() => this.follow()).observe(this.bubbles);
  }

  show({ bot, messages, ...state }) {
    this.bot = bot;
    this.find(".bot-name").textContent = bot;
    this.find(".avatar").textContent = bot.slice(0, 1);
    this.showState(state);
    this.messages.clear();
    this.bubbles.replaceChildren();
    for (const message of messages) this.put(message, false);
    this.showEmptiness();
    this.scrollDown();
  }

  put(message, isNew = true) {
    const known = this.messages.get(message.id);
    this.messages.set(message.id, message);
    const row = bubble(message, this.bot, this.messenger);
    if (known) {
      this.row(message.id).replaceWith(row);
    } else {
      this.separateDays(message);
      if (isNew && this.bubbles.offsetParent) arrive(row);
      this.bubbles.append(row);
      if (!message.mine) this.showTyping(false);
    }
    this.tail();
    this.showEmptiness();
    this.showWindow();
    if (!isNew) return;
    if (message.mine && !known) this.follows = true;
    this.follow("smooth");
    if (!message.mine && !known) this.onUnseen(this);
  }

  remove(message) {
    this.messages.delete(message.id);
    this.row(message.id)?.remove();
    this.tail();
    this.showEmptiness();
  }

  row(id) {
    return this.bubbles.querySelector(`[data-message="${id}"]`);
  }

  separateDays(message) {
    const day = dayOf(new Date(message.at_ms));
    if (this.bubbles.lastElementChild && this.bubbles.dataset.day === day) return;
    this.bubbles.dataset.day = day;
    this.bubbles.append(element("li", { class: "day", "data-at": message.at_ms }, element("span")));
    this.nameDays();
  }

  nameDays() {
    for (const row of this.bubbles.querySelectorAll(".day")) {
      const at = new Date(Number(row.dataset.at));
      row.firstElementChild.textContent = dayOf(at) === dayOf(now()) ? words.today : longDate(at);
    }
  }

  tail() {
    let last = null;
    for (const row of this.bubbles.children) {
      const side = row.classList.contains("mine");
      const isDay = row.classList.contains("day");
      last?.row.classList.toggle("last", isDay || last.side !== side);
      row.classList.toggle("first", !isDay && last?.side !== side);
      last = isDay ? null : { row, side };
    }
    last?.row.classList.add("last");
  }

  showEmptiness() {
    const isEmpty = this.messages.size === 0;
    this.find(".empty").hidden = !isEmpty;
    const mustStart = isEmpty && this.messenger === "telegram"; // elsewhere people just write
    this.find(".start").hidden = !mustStart;
    this.find(".composer").hidden = mustStart;
    this.fitInput();
  }

  showState({ blocked, window_closes_at_ms: closesAtMs }) {
    this.showBlocked(blocked);
    this.windowClosesAt = closesAtMs;
    this.showWindow();
  }

  // Until when the bot may write freely, where the messenger sets a time for that.
  showWindow() {
    const tag = this.find(".window");
    if (!tag) return;
    const closesAt = new Date(this.windowClosesAt ?? 0);
    const isOpen = closesAt > now();
    tag.hidden = this.messages.size === 0;
    tag.classList.toggle("closed", !isOpen);
    tag.textContent = isOpen
      ? `${words.window_until} ${weekday(closesAt)} ${timeOfDay(closesAt)}`
      : words.window_closed;
  }

  showBlocked(blocked) {
    this.find(".blocked-note").hidden = !blocked;
    this.root.classList.toggle("blocked", blocked);
  }

  showTyping(isTyping) {
    clearTimeout(this.typingEnds);
    const presence = this.find(".presence");
    const usual = this.isDown ? words.presence_down : words[`presence_${this.messenger}`];
    presence.textContent = isTyping ? words.typing : usual;
    presence.classList.toggle("busy", isTyping);
    if (isTyping) this.typingEnds = setTimeout(() => this.showTyping(false), TYPING_MS);
  }

  showDown(isDown) {
    this.isDown = isDown;
    this.showTyping(false);
  }

  notice(text) {
    for (const button of this.bubbles.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
    if (text) this.toast(text);
  }

  toast(text) {
    const toast = this.find(".toast");
    toast.textContent = text;
    toast.hidden = false;
    clearTimeout(this.toastEnds);
    this.toastEnds = setTimeout(() => (toast.hidden = true), TOAST_MS);
  }

  // The chat follows new messages until its reader scrolls up, and again from the end on.
  scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.bubbles;
    if (scrollHeight - scrollTop - clientHeight < 60) this.follows = true;
    else if (scrollTop < this.lastTop) this.follows = false;
    this.lastTop = scrollTop;
    this.find(".to-bottom").hidden = this.follows;
  }

  follow(behavior = "instant") {
    if (this.follows) this.scrollDown(behavior);
    else this.find(".to-bottom").hidden = false;
  }

  scrollDown(behavior = "instant") {
    this.follows = true;
    this.bubbles.scrollTo({ top: this.bubbles.scrollHeight, behavior });
  }

  fitInput() {
    if (!this.input.offsetParent) return; // hidden: has no height to fit
    this.input.style.height = "auto";
    this.input.style.height = `${Math.min(this.input.scrollHeight, 120)}px`;
  }

  async submit() {
    const text = this.input.value.trim();
    if (!text) return;
    const about = this.about;
    const isEdit = about?.mode === "edit";
    const sent = isEdit
      ? await this.act("edit", { message: about.message.id, text })
      : await this.act("say", { text, reply_to: about?.message.id });
    if (!sent) return;
    this.speakAbout(null);
    this.input.value = "";
    sessionStorage.removeItem(this.draftKey);
    this.fitInput();
  }

  async act(name, body = {}) {
    const failure = this.find(".failure");
    try {
      const result = await post(`${this.id}/${name}`, body);
      failure.hidden = true;
      return result;
    } catch {
      failure.textContent = words.failed;
      failure.hidden = false;
      return null;
    }
  }

  tapped(event) {
    const row = event.target.closest("[data-message]");
    const message = row && this.messages.get(Number(row.dataset.message));
    if (!message) return;
    const offered = event.target.closest("[data-button]");
    if (offered) {
      offered.setAttribute("aria-busy", "true");
      this.follows = true; // who taps waits for the answer
      setTimeout(() => offered.removeAttribute("aria-busy"), TYPING_MS);
      this.act("tap", { message: message.id, button: offered.dataset.button });
    }
    const opener = event.target.closest("[data-picker]");
    if (opener) {
      openSheet(this.find(".screen"), message.picker, opener, (id) => {
        this.follows = true;
        this.act("tap", { message: message.id, button: id });
      });
    }
    const command = event.target.closest("[data-command]")?.dataset.command;
    if (command) this.act("say", { text: command });
    const goto = event.target.closest("[data-goto]")?.dataset.goto;
    if (goto) this.pointOut(goto);
    event.target.closest(".spoiler")?.classList.add("open");
    const more = event.target.closest(".more");
    if (more) this.toggleMenu(row, more, message);
  }

  pointOut(id) {
    const row = this.row(id);
    row?.scrollIntoView({ block: "center", behavior: "smooth" });
    row?.classList.remove("pointed-out");
    requestAnimationFrame(() => row?.classList.add("pointed-out"));
  }

  toggleMenu(row, opener, message) {
    const wasOpen = opener.getAttribute("aria-expanded") === "true";
    this.closeMenus();
    if (!wasOpen) openMenu(this, row, opener, message);
  }

  closeMenus() {
    const openers = [...this.root.querySelectorAll("[aria-expanded=true]")];
    for (const opener of openers) {
      opener.setAttribute("aria-expanded", "false");
      // The opener takes the focus back, before what has it disappears.
      if (opener.parentElement.querySelector(":scope > .menu :focus, :scope > .attach-menu :focus")) opener.focus();
    }
    this.find(".menu")?.remove();
    this.find(".attach-menu").hidden = true;
  }

  speakAbout(about) {
    if (this.about?.mode === "edit") this.input.value = "";
    this.about = about;
    const bar = this.find(".about");
    bar.hidden = !about;
    if (about) {
      const { mode, message } = about;
      bar.querySelector("strong").textContent =
        mode === "edit" ? words.editing : `${words.reply}: ${message.mine ? words.you : this.bot}`;
      bar.querySelector(".about-words > span").textContent = gist({ words: message.text, kind: message.content?.kind });
      if (mode === "edit") this.input.value = message.text;
      this.input.focus();
    }
    this.fitInput();
  }

  tickClock() {
    this.find(".clock").textContent = timeOfDay(now());
    this.nameDays();
    this.showWindow();
  }
}
