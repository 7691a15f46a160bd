// What can be done with one message: it depends on the messenger, and on whose message it is.
import { THUMBS } from "./bubble.js";
import { element, icon, words } from "./elements.js";

const REACTIONS = { telegram: ["👍"], threema: ["👍", "👎"] };

async function copy(phone, text) {
  await navigator.clipboard.writeText(text);
  phone.toast(words.copied);
}

function choices(phone, message) {
  const { id, mine, content, reaction, text } = message;
  const react = (emoji) => () => phone.act("react", { message: id, emoji });
  const offered = [["reply", words.reply, () => phone.speakAbout({ mode: "reply", message })]];
  if (phone.can.has("react")) {
    for (const emoji of REACTIONS[phone.messenger]) {
      const { icon: name, word } = THUMBS[emoji];
      if (emoji === reaction) offered.push([name, words.unreact, react("")]);
      else offered.push([name, words[word], react(emoji)]);
    }
  }
  if (text) offered.push(["copy", words.copy, () => copy(phone, text)]);
  if (phone.can.has("edit") && mine && !content) {
    offered.push(["edit", words.edit, () => phone.speakAbout({ mode: "edit", message })]);
  }
  if (phone.can.has("delete") && mine) {
    offered.push(["delete", words.delete, () => phone.act("delete", { message: id })]);
  }
  return offered;
}

export function openMenu(phone, row, opener, message) {
  const items = choices(phone, message).map(([name, label, act]) => {
    const chosen = () => {
      phone.closeMenus();
      act();
    };
    return element("button", { type: "button", onclick: chosen }, icon(name), label);
  });
  const menu = element("div", { class: "menu" }, ...items);
  opener.setAttribute("aria-expanded", "true");
  row.querySelector(".bubble").append(menu);
  menu.scrollIntoView({ block: "nearest" });
  menu.firstElementChild.focus();
}
