/** Cameras that belong together: their frames of one moment are asked for, and drawn, at once. */

import { Feed } from "./feed.js";
import { write } from "./words.js";

const template = document.getElementById("group");

export class Group {
  #cameras;
  #feed;
  #spread;
  /** The frames of a moment, until all have come. */
  #coming = [];
  /** Of the moments since the last tick: the longest time between two frames, in seconds, and who was missing. */
  #skew = null;
  #missing = [];

  /**
   * @param {string} name
   * @param {import("./camera.js").Camera[]} cameras of this group.
   * @param ask asks the daemon for one moment of it.
   */
  constructor(name, cameras, ask) {
    this.#cameras = cameras;
    this.element = template.content.cloneNode(true).firstElementChild;
    const heading = this.element.querySelector("h2");
    heading.id = `group-${name}`;
    heading.querySelector(".of").textContent = name;
    this.element.setAttribute("aria-labelledby", heading.id);
    this.element.querySelector(".members").append(...cameras.map(({ element }) => element));
    this.#spread = this.element.querySelector(".spread");
    this.#feed = new Feed(ask, (frames) => this.#show(frames));
  }

  /** There is a connection. */
  connect() {
    this.#coming = [];
    this.#feed.restart();
  }

  /** Which of the cameras can be seen has changed: one alone asks for itself, and gets frames sooner. */
  look() {
    const together = this.#cameras.filter(({ visible }) => visible).length > 1;
    for (const camera of this.#cameras) camera.inStep = together;
    this.#feed.wanted = together;
  }

  take(frame) {
    const { sequence, frames } = frame.header.group;
    if (this.#coming[0]?.header.group.sequence !== sequence) this.#coming = [];
    this.#coming.push(frame);
    if (this.#coming.length === frames) this.#feed.take(...this.#coming.splice(0));
  }

  /** Once a second: figures that changed with every moment could not be read. */
  tick() {
    if (this.#skew === null) return;
    const without = this.#missing.length ? `, without ${this.#missing.join(", ")}` : "";
    write(this.#spread, `in step within ${Math.round(this.#skew * 1000)} ms${without}`);
    this.#skew = null;
  }

  #show(frames) {
    const shown = new Map(frames.map((frame) => [frame.header.camera, frame]));
    for (const camera of this.#cameras) {
      if (shown.has(camera.name)) camera.show(shown.get(camera.name));
      else camera.miss();
    }
    const { skew, missing } = frames[0].header.group;
    this.#skew = Math.max(this.#skew ?? 0, skew);
    this.#missing = missing;
  }
}
