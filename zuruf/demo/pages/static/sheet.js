// A list of choices that opens over the phone's screen: one is picked, then sent.
import { element, icon, words } from "./elements.js";

export function openSheet(screen, { button: title, rows }, opener, onChoose) {
  const close = () => {
    backdrop.remove();
    opener.focus();
  };
  const send = element("button", { type: "submit", class: "button primary", disabled: true }, words.send_choice);
  const name = `picker-${crypto.randomUUID()}`;
  const choices = rows.map(({ id, title: row, description }) =>
    element(
      "label",
      {},
      element(
        "span",
        { class: "row-words" },
        element("strong", {}, row),
        description ? element("span", {}, description) : "",
      ),
      element("input", { type: "radio", name, value: id, onchange: () => (send.disabled = false) }),
    ),
  );
  const sheet = element(
    "form",
    { class: "sheet", role: "dialog", "aria-modal": "true", "aria-label": title },
    element(
      "header",
      {},
      element("button", { type: "button", class: "bare", "aria-label": words.close, onclick: close }, icon("close")),
      element("strong", {}, title),
    ),
    element("div", { class: "rows" }, ...choices),
    element("footer", {}, send),
  );
  const backdrop = element("div", { class: "backdrop" }, sheet);
  backdrop.addEventListener("click", (event) => event.target === backdrop && close());
  backdrop.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    if (event.key === "Tab") keepInside(event, sheet);
  });
  sheet.addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = new FormData(sheet).get(name);
    if (!chosen) return;
    close();
    onChoose(chosen);
  });
  screen.append(backdrop);
  sheet.querySelector("input").focus({ preventScroll: true });
}

function keepInside(event, sheet) {
  const stops = [...sheet.querySelectorAll("button:not(:disabled), input")];
  const edge = event.shiftKey ? stops[0] : stops.at(-1);
  if (document.activeElement !== edge) return;
  event.preventDefault();
  (event.shiftKey ? stops.at(-1) : stops[0]).focus();
}
