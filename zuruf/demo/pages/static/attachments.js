// What a phone's owner can send beside words: from the menu of the paper clip, or dropped onto the chat.
import { words } from "./elements.js";

const MOST_FILE_BYTES = 20 * 1024 * 1024;

function upload(phone, file) {
  if (file.size > MOST_FILE_BYTES) return phone.toast(words.too_big);
  const form = new FormData();
  form.append("file", file, file.name);
  return phone.act("file", form);
}

export function listenToAttachments(phone) {
  const menu = phone.find(".attach-menu");
  const opener = phone.find(".attach > button");
  const picker = phone.find("input[type=file]");
  opener.addEventListener("click", () => {
    menu.hidden = !menu.hidden;
    opener.setAttribute("aria-expanded", String(!menu.hidden));
    if (!menu.hidden) menu.firstElementChild.focus();
  });
  menu.addEventListener("click", (event) => {
    const name = event.target.closest("[data-attach]")?.dataset.attach;
    if (!name) return;
    phone.closeMenus();
    if (name === "file") picker.click();
    else phone.act(name);
  });
  picker.addEventListener("change", () => {
    for (const file of picker.files) upload(phone, file);
    picker.value = "";
  });
  const talk = phone.find(".talk");
  talk.addEventListener("dragover", (event) => event.preventDefault());
  talk.addEventListener("drop", (event) => {
    event.preventDefault();
    for (const file of event.dataTransfer.files) upload(phone, file);
  });
}
