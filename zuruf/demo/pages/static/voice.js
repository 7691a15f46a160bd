// A voice note: play, pause, and how far it got.
import { chance, drawn, element, icon, minutes, words } from "./elements.js";

const BARS = 34;

function wave(seed) {
  const random = chance(seed * 7919);
  const bars = [];
  for (let bar = 0; bar < BARS; bar += 1) {
    const swell = 0.35 + 0.65 * Math.abs(Math.sin(bar * 0.47 + seed));
    const height = 3 + Math.round(19 * swell * (0.35 + 0.65 * random()));
    bars.push(drawn("rect", { x: bar * 4, y: 12 - height / 2, width: 2.4, height, rx: 1.2 }));
  }
  return drawn("svg", { class: "wave", viewBox: "0 0 136 24", "aria-hidden": "true" }, ...bars);
}

let playing = null;

export function voice(content, seed) {
  const bars = wave(seed);
  const length = element("span", { class: "length" }, minutes(content.duration ?? 0));
  const button = element("button", { type: "button", class: "play", "aria-label": words.play }, icon("play"));
  const sound = new Audio();
  sound.preload = "none";
  sound.src = content.url;

  const show = () => {
    const isPlaying = !sound.paused && !sound.ended;
    button.setAttribute("aria-label", isPlaying ? words.pause : words.play);
    button.replaceChildren(icon(isPlaying ? "pause" : "play"));
    const duration = content.duration || sound.duration || 1;
    const heard = sound.ended ? 0 : sound.currentTime;
    [...bars.children].forEach((bar, index) => bar.classList.toggle("heard", index / BARS < heard / duration));
    length.textContent = minutes(isPlaying || heard ? heard : duration);
  };
  for (const event of ["play", "pause", "ended", "timeupdate"]) sound.addEventListener(event, show);
  button.addEventListener("click", () => {
    if (!sound.paused) return sound.pause();
    if (playing && playing !== sound) playing.pause();
    playing = sound;
    return sound.play().catch(show);
  });
  return element("div", { class: "voice" }, button, element("div", {}, bars, length));
}
