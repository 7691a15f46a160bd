// Turns text and its entities (offsets in UTF-16 units, like JavaScript's own) into nodes.
// What is not on the list below stays plain text, so nothing a bot or a person writes can run.
import { element } from "./elements.js";

const TAGS = {
  bold: "strong",
  italic: "em",
  underline: "u",
  strikethrough: "s",
  code: "code",
  pre: "pre",
  blockquote: "blockquote",
};

// A link to somebody else's page, opened beside this one; null for anything that is no such link.
export function link(address) {
  if (!/^(https?:\/\/|mailto:|tel:)/i.test(address)) return null;
  return element("a", { href: address, target: "_blank", rel: "noopener noreferrer" });
}

function wrapper(entity, text) {
  if (TAGS[entity.type]) return element(TAGS[entity.type]);
  if (entity.type === "spoiler") return element("span", { class: "spoiler", tabindex: "0" });
  if (entity.type === "bot_command") return element("button", { type: "button", class: "command", "data-command": text });
  return link(entity.type === "text_link" ? entity.url : entity.type === "url" ? text : "");
}

export function formatted(text, entities) {
  const root = document.createDocumentFragment();
  const open = [{ node: root, end: text.length }];
  const ordered = entities.toSorted((a, b) => a.offset - b.offset || b.length - a.length);
  let at = 0;
  const sayUntil = (end) => {
    while (open.length > 1 && open.at(-1).end <= end) {
      const closing = open.pop();
      closing.node.append(text.slice(at, closing.end));
      at = closing.end;
    }
    open.at(-1).node.append(text.slice(at, end));
    at = end;
  };
  for (const entity of ordered) {
    if (entity.offset < at) continue; // crosses another one
    sayUntil(entity.offset);
    const end = Math.min(entity.offset + entity.length, open.at(-1).end);
    const node = end > entity.offset ? wrapper(entity, text.slice(entity.offset, end)) : null;
    if (!node) continue;
    open.at(-1).node.append(node);
    open.push({ node, end });
  }
  sayUntil(text.length);
  return root;
}
