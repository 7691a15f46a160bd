// The time on the phones: the gateway's own, which may be set forward, as people see it in Germany.
import { locale } from "./elements.js";

const REGION = locale === "en" ? "en-GB" : locale;
const ZONE = { timeZone: "Europe/Berlin" };
let aheadMs = 0;

export const setClock = (nowMs) => (aheadMs = nowMs - Date.now());

export const now = () => new Date(Date.now() + aheadMs);

export const timeOfDay = (at) =>
  at.toLocaleTimeString(REGION, { ...ZONE, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

export const longDate = (at) =>
  at.toLocaleDateString(REGION, { ...ZONE, weekday: "long", day: "numeric", month: "long" });

export const shortDate = (at) =>
  at.toLocaleDateString(REGION, { ...ZONE, weekday: "short", day: "numeric", month: "short" });

export const weekday = (at) => at.toLocaleDateString(REGION, { ...ZONE, weekday: "short" });

export const dayOf = (at) => at.toLocaleDateString("en-CA", ZONE);
