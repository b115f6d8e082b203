/** How numbers and times read. */

const UNITS = [["d", 86400], ["h", 3600], ["min", 60]];
const clockFormat = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

/** In the largest unit that fits, as in the log: "12 s", "3 min". */
export function duration(seconds) {
  const [unit, length] = UNITS.find(([, least]) => seconds >= least) ?? ["s", 1];
  return `${Math.floor(Math.max(0, seconds) / length)} ${unit}`;
}

/** How old a frame is: "41 ms old", "1.2 s old", "3 min old". */
export function age(seconds) {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms old`;
  return `${seconds < 10 ? `${seconds.toFixed(1)} s` : duration(seconds)} old`;
}

/** A probability or a share from 0 to 1: "62.1%". */
export function percent(share) {
  return `${(100 * share).toFixed(1)}%`;
}

/** The time of day here of a moment in milliseconds since 1970. */
export function timeOfDay(moment) {
  return clockFormat.format(moment);
}

/** Put a text into an element, unless it is there: what has not changed is not drawn or announced again. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
