/** Draws the last minutes of one camera: a strip for the eye, and a list for reading. */

import { hueOf } from "./colours.js";
import { SPAN } from "./history.js";
import { duration, timeOfDay, write } from "./words.js";

/** Of the list; the strip has all. */
const MOST_ROWS = 14;

export class Timeline {
  #lane;
  #list;
  #rows = new Map();

  /** @param {HTMLElement} section has the strip and the list. */
  constructor(section) {
    this.#lane = section.querySelector(".lane");
    this.#list = section.querySelector(".episodes");
  }

  /**
   * @param {import("./history.js").Episode[]} episodes newest first.
   * @param {number} now by the daemon's clock.
   */
  draw(episodes, now) {
    const recent = episodes.filter((episode) => (episode.end ?? now) > now - SPAN);
    this.#lane.replaceChildren(...recent.map((episode) => segment(episode, now)));
    this.#drawList(recent.slice(0, MOST_ROWS), now);
  }

  #drawList(recent, now) {
    const rows = new Map(recent.map((episode) => [episode, this.#rows.get(episode) ?? row(episode)]));
    const isNew = rows.size !== this.#rows.size || recent.some((episode) => !this.#rows.has(episode));
    // Left alone while nothing happens, so that it can be read aloud or marked.
    if (isNew) this.#list.replaceChildren(...rows.values());
    for (const [episode, element] of rows) {
      const seconds = ((episode.end ?? now) - episode.start) / 1000;
      write(element.lastElementChild, episode.end === null ? `for ${duration(seconds)}` : duration(seconds));
    }
    this.#rows = rows;
  }
}

function segment(episode, now) {
  const element = coloured("span", episode);
  const start = Math.max(0, 1 - (now - episode.start) / SPAN);
  const end = Math.min(1, 1 - (now - (episode.end ?? now)) / SPAN);
  element.style.left = `${100 * start}%`;
  element.style.width = `${100 * Math.max(0, end - start)}%`;
  element.title = wordsOf(episode);
  return element;
}

function row(episode) {
  const item = document.createElement("li");
  const time = document.createElement("time");
  time.dateTime = new Date(episode.start).toISOString();
  time.textContent = timeOfDay(episode.start);
  const words = document.createElement("span");
  words.className = "words";
  words.textContent = wordsOf(episode);
  const length = document.createElement("span");
  length.className = "length";
  item.append(time, coloured("i", episode), words, length);
  return item;
}

function coloured(tag, { kind, classId }) {
  const element = document.createElement(tag);
  element.className = kind;
  if (kind === "label") element.style.setProperty("--hue", String(hueOf(classId)));
  return element;
}

function wordsOf({ kind, text }) {
  return { label: text, watch: `watch: ${text}`, away: `camera away: ${text}` }[kind];
}
