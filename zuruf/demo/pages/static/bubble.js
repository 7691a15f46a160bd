// One message as its messenger shows it.
import { timeOfDay } from "./clock.js";
import { element, icon, locale, words } from "./elements.js";
import { formatted, link } from "./formatting.js";
import { coordinates, map } from "./map.js";
import { voice } from "./voice.js";

const size = (bytes) =>
  bytes < 1_000_000
    ? `${Math.max(1, Math.round(bytes / 1000)).toLocaleString(locale)} kB`
    : `${(bytes / 1_000_000).toLocaleString(locale, { maximumFractionDigits: 1 })} MB`;

const CONTENTS = {
  photo: (content) =>
    element(
      "a",
      { class: "photo", href: content.url, target: "_blank", rel: "noopener" },
      element("img", { src: content.url, alt: words.photo, width: 240, loading: "lazy" }),
    ),
  voice: (content, message) => voice(content, message.id),
  audio: (content) => element("audio", { controls: true, preload: "none", src: content.url }),
  video: (content) => element("video", { controls: true, preload: "metadata", src: content.url, width: 240 }),
  document: (content) =>
    element(
      "a",
      { class: "document", href: content.url, download: content.file_name ?? true },
      element("span", { class: "disc" }, icon("file")),
      element(
        "span",
        {},
        element("strong", {}, content.file_name ?? words.file),
        element("span", { class: "fine" }, size(content.file_size ?? 0)),
      ),
    ),
  location: (content) =>
    element("div", { class: "place" }, map(content), element("span", { class: "fine" }, coordinates(content))),
  contact: (content) =>
    element(
      "div",
      { class: "card" },
      element("span", { class: "disc" }, icon("contact")),
      element(
        "span",
        {},
        element("strong", {}, [content.first_name, content.last_name].filter(Boolean).join(" ")),
        element("span", { class: "fine" }, content.phone_number),
      ),
    ),
};

export const gist = ({ words: said, kind }) => said || words[kind === "document" ? "file" : kind] || words.message;

export const THUMBS = {
  "👍": { icon: "thumb", word: "react" },
  "👎": { icon: "thumb-down", word: "react_down" },
};

// What each messenger shows for "on its way" and "there".
const TICKS = {
  telegram: { waiting: "wait", accepted: "tick" },
  whatsapp: { waiting: "tick", accepted: "ticks" },
  threema: { waiting: "outgoing", accepted: "inbox" },
};

function meta(message, messenger) {
  const parts = [message.edited ? `${words.edited} ` : "", element("time", {}, timeOfDay(new Date(message.at_ms)))];
  if (message.mine) {
    const state = message.accepted ? "accepted" : "waiting";
    const meaning = (message.accepted && words[`accepted_${messenger}`]) || words[state];
    parts.push(
      element(
        "span",
        { class: `tick ${state}`, title: meaning },
        icon(TICKS[messenger][state]),
        element("span", { class: "only-for-readers" }, meaning),
      ),
    );
  }
  return element("span", { class: "meta" }, ...parts);
}

const quote = (quoted, bot) =>
  element(
    "button",
    { type: "button", class: "quote", "data-goto": quoted.id },
    element("strong", {}, quoted.mine ? words.you : bot),
    element("span", {}, gist(quoted.text)),
  );

function button(offered) {
  const target = offered.url && link(offered.url);
  if (target) target.append(offered.text, icon("link"));
  return (
    target ||
    element("button", { type: "button", "data-button": offered.callback_data }, element("span", {}, offered.text))
  );
}

const keyboard = (rows) =>
  element("div", { class: "keyboard" }, ...rows.map((row) => element("div", {}, ...row.map(button))));

const picker = (list) =>
  element("button", { type: "button", class: "picker", "data-picker": true, "aria-haspopup": "dialog" }, icon("list"), list.button);

export function bubble(message, bot, messenger) {
  const content = message.content && CONTENTS[message.content.kind];
  const body = element("div", { class: "bubble", "data-kind": message.content?.kind ?? "text" });
  if (message.quote) body.append(quote(message.quote, bot));
  if (content) body.append(content(message.content, message));
  const said = message.text ? element("div", { class: "said" }, formatted(message.text, message.entities)) : "";
  if (message.reaction) {
    const thumb = THUMBS[message.reaction] ?? THUMBS["👍"];
    const reaction = element("span", { class: "reaction", title: words[thumb.word] }, icon(thumb.icon));
    body.append(said, element("div", { class: "foot" }, reaction, meta(message, messenger)));
  } else if (said) {
    said.append(meta(message, messenger));
    body.append(said);
  } else {
    body.append(meta(message, messenger));
  }
  if (message.picker) body.append(picker(message.picker));
  body.append(
    element("button", { type: "button", class: "more", "aria-label": words.more, "aria-expanded": "false" }, icon("more")),
  );
  return element(
    "li",
    { class: message.mine ? "mine" : "theirs", "data-message": message.id },
    body,
    message.keyboard.length ? keyboard(message.keyboard) : "",
  );
}
