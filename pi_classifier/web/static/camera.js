/** One camera as the page shows it: its picture, what is said of it, and the last minutes. */

import { Feed } from "./feed.js";
import { History } from "./history.js";
import { Picture } from "./picture.js";
import { Reading } from "./reading.js";
import { Timeline } from "./timeline.js";
import { age, duration, write } from "./words.js";

/** Seconds after which a frame is marked as old. */
const OLD = 3;
const template = document.getElementById("camera");

export class Camera {
  #feed;
  #history = new History();
  #picture;
  #reading;
  #timeline;
  #nameLink;
  #veil;
  #status = null;
  #connected = true;
  /** The frame that is shown. */
  #frame = null;

  /** @param ask asks the daemon for one frame of this camera. */
  constructor(name, ask) {
    this.name = name;
    this.element = template.content.cloneNode(true).firstElementChild;
    this.element.dataset.camera = name;
    this.element.querySelector(".save .of").textContent = ` of ${name}`;
    this.#nameLink = this.element.querySelector(".view .name");
    this.#nameLink.firstElementChild.textContent = name;
    this.#veil = this.element.querySelector(".veil");
    this.#picture = new Picture(name, this.element);
    this.#reading = new Reading(name, this.element);
    this.#timeline = new Timeline(this.element.querySelector(".past"));
    this.#feed = new Feed(ask, (frame) => this.#show(frame));
  }

  /** There is a connection. `events`: what is known of the past. */
  connect(status, events, pictures) {
    this.#history = new History();
    for (const event of events) this.#history.add(event);
    this.#connected = true;
    this.element.classList.toggle("without-pictures", !pictures);
    this.setStatus(status);
    this.#feed.restart();
  }

  disconnect() {
    this.#connected = false;
    this.#showCondition();
  }

  /** Whether it can be seen on the page: no frames are asked for if not. */
  set visible(visible) {
    this.#feed.wanted = visible;
  }

  /** The address that enlarges it; null: it is large. */
  set link(address) {
    if (address) this.#nameLink.href = address;
    else this.#nameLink.removeAttribute("href");
  }

  take(frame) {
    this.#feed.take(frame);
  }

  setStatus(status) {
    this.#status = status;
    this.#showCondition();
  }

  add(event) {
    this.#history.add(event);
    // Events alone tell of a camera for which no frames are asked.
    if (!this.#feed.wanted && event.class_id !== undefined) {
      this.#reading.showState(event.event === "started" ? event.label : null, "");
    }
  }

  /** Once a second. `now`: by the daemon's clock, in milliseconds since 1970. */
  tick(now) {
    this.#showCondition();
    this.#timeline.draw(this.#history.episodes, now);
  }

  #show(frame) {
    this.#frame = frame;
    if (frame.bitmap) this.#picture.paint(frame);
    this.element.dataset.sequence = frame.header.sequence;
    this.#showCondition();
    this.#reading.show(frame.header);
  }

  /** Seconds since the frame that is shown was captured. */
  get #age() {
    return this.#frame && this.#frame.header.age + (performance.now() - this.#frame.at) / 1000;
  }

  /** `away`, `awaited` (no frame yet), `live`, or `old`. */
  get #condition() {
    if (this.#connected && this.#status.error) return "away";
    if (!this.#frame) return "awaited";
    return this.#connected && this.#age <= OLD ? "live" : "old";
  }

  /** How the camera is; words over the picture say what is wrong. */
  #showCondition() {
    const { error, last_frame_age: silence } = this.#status;
    const condition = this.#condition;
    this.element.dataset.condition = condition;
    const title = { away: "Camera away", awaited: "Waiting for the first frame", old: "Old picture" }[condition];
    const words = { away: error, old: age(this.#age ?? 0) }[condition];
    write(this.#veil.firstElementChild, title ?? "");
    write(this.#veil.lastElementChild, words ?? "");
    const since = silence === null ? "" : `for ${duration(silence)}`;
    if (condition === "away") this.#reading.showState("camera away", since);
    if (condition === "awaited") this.#reading.showState("no frame yet", "");
    this.#reading.showFigures(this.#connected ? this.#status : null, this.#age);
  }
}
