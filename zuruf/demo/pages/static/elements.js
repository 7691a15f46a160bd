// Small helpers for building the page; text goes in as text nodes only.
const SVG = "http://www.w3.org/2000/svg";

export const words = JSON.parse(document.getElementById("words").textContent);
export const locale = words.language;

function built(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child || child === 0));
  return node;
}

export const element = (tag, attributes = {}, ...children) =>
  built(document.createElement(tag), attributes, children);

export const drawn = (tag, attributes = {}, ...children) =>
  built(document.createElementNS(SVG, tag), attributes, children);

export const icon = (name) =>
  drawn(
    "svg",
    { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" },
    drawn("use", { href: `/phones/static/icons.svg#${name}` }),
  );

export const minutes = (seconds) =>
  `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

// Numbers that look like chance but are the same each time for the same seed.
export function chance(seed) {
  let state = Math.abs(Math.floor(seed)) % 2147483647 || 1;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}
