// A little map around a pin, drawn here: nothing is loaded from anybody, so nobody learns the place.
import { chance, drawn, locale, words } from "./elements.js";

const FIELDS = ["field-1", "field-2", "field-3", "field-4"];

function fields(random) {
  const patches = [];
  for (let y = -40; y < 190; y += 46) {
    for (let x = -60; x < 300; x += 62) {
      const skew = random() * 14 - 7;
      const kind = FIELDS[Math.floor(random() * FIELDS.length)];
      patches.push(drawn("path", { class: kind, d: `M${x} ${y + skew}h60v44h-60z` }));
      if (kind === "field-1") {
        for (let row = 7; row < 44; row += 7) {
          patches.push(drawn("path", { class: "furrow", d: `M${x + 3} ${y + skew + row}h54` }));
        }
      }
    }
  }
  return drawn("g", { transform: `rotate(${-16 + random() * 10} 120 70)` }, ...patches);
}

function ways(random) {
  const bend = 20 + random() * 50;
  const road = `M-10 ${110 + random() * 30}C70 ${70 + bend} 120 ${120 - bend} 250 ${30 + random() * 30}`;
  return [
    drawn("path", { class: "stream", d: `M${150 + random() * 60}-10C130 50 ${200 - bend} 90 ${180 + bend} 160` }),
    drawn("path", { class: "road-edge", d: road }),
    drawn("path", { class: "road", d: road }),
    drawn("path", { class: "track", d: `M60-10C80 40 ${70 + bend} 60 ${100 + bend} 160` }),
  ];
}

const degrees = (value, positive, negative) =>
  `${Math.abs(value).toLocaleString(locale, { minimumFractionDigits: 4, maximumFractionDigits: 4 })}° ${value < 0 ? negative : positive}`;

export const coordinates = ({ latitude, longitude }) =>
  `${degrees(latitude, "N", "S")}, ${degrees(longitude, locale === "de" ? "O" : "E", "W")}`;

export function map(place) {
  const random = chance((place.latitude + 90) * 10000 + (place.longitude + 180) * 777);
  return drawn(
    "svg",
    { class: "map", viewBox: "0 0 240 140", role: "img", "aria-label": `${words.location}: ${coordinates(place)}` },
    drawn("rect", { class: "field-2", width: 240, height: 140 }),
    fields(random),
    ...ways(random),
    drawn("ellipse", { class: "pin-shadow", cx: 120, cy: 83, rx: 8, ry: 3 }),
    drawn("path", { class: "pin", d: "M120 82c-3-8-15-17-15-29a15 15 0 0 1 30 0c0 12-12 21-15 29z" }),
    drawn("circle", { class: "pin-eye", cx: 120, cy: 53, r: 5.5 }),
  );
}
