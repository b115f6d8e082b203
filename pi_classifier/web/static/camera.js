/** One camera as the page shows it: its picture, what is said of it, and the last minutes. */

import { Feed } from "./feed.js";
import { History } from "./history.js";
import { Picture } from "./picture.js";
import { Reading } from "./reading.js";
import { Timeline } from "./timeline.js";
import { age, duration, write } from "./words.js";

/** Seconds after which a frame is marked as old. */
const OLD = 3;
/** Seconds after which a camera that is missing in its group says so: now and then one has no frame of a moment. */
const MISSING = 1;
/** Over the picture, by condition. */
const TITLES = {
  away: "Camera away",
  awaited: "Waiting for the first frame",
  missing: "Missing in its group",
  old: "Old picture",
};
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
  #visible = false;
  #inStep = false;
  #isMissing = false;

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
    this.#feed = new Feed(ask, ([frame]) => this.show(frame));
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

  get visible() {
    return this.#visible;
  }

  /** Whether it can be seen on the page: no frames are asked for if not. */
  set visible(visible) {
    this.#visible = visible;
    this.#wantFrames();
  }

  /** Whether its group asks for its frames. */
  set inStep(inStep) {
    this.#inStep = inStep;
    this.#isMissing &&= inStep;
    this.#wantFrames();
  }

  /** Its group has no frame of it, of the moment that is shown. */
  miss() {
    this.#isMissing = true;
    this.#showCondition();
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
    if (!this.#visible && event.class_id !== undefined) {
      this.#reading.showState(event.event === "started" ? event.label : null, "");
    }
  }

  /** Once a second. `now`: by the daemon's clock, in milliseconds since 1970. */
  tick(now) {
    this.#showCondition();
    this.#timeline.draw(this.#history.episodes, now);
  }

  /** Draw a frame, with all that is said of it. */
  show(frame) {
    this.#frame = frame;
    this.#isMissing = false;
    if (frame.bitmap) this.#picture.paint(frame);
    this.element.dataset.sequence = frame.header.sequence;
    this.#showCondition();
    this.#reading.show(frame.header);
  }

  #wantFrames() {
    this.#feed.wanted = this.#visible && !this.#inStep;
  }

  /** Seconds since the frame that is shown was captured. */
  get #age() {
    return this.#frame && this.#frame.header.age + (performance.now() - this.#frame.at) / 1000;
  }

  /** `away`, `awaited` (no frame yet), `missing` (in its group), `live`, or `old`. */
  get #condition() {
    if (!this.#connected) return this.#frame ? "old" : "awaited";
    if (this.#status.error) return "away";
    if (!this.#frame) return "awaited";
    if (this.#isMissing && this.#age > MISSING) return "missing";
    return this.#age <= OLD ? "live" : "old";
  }

  /** How the camera is; words over the picture say what is wrong. */
  #showCondition() {
    const { error, last_frame_age: silence } = this.#status;
    const condition = this.#condition;
    this.element.dataset.condition = condition;
    const shownAge = age(this.#age ?? 0);
    const title = TITLES[condition];
    const words = { away: error, missing: shownAge, old: shownAge }[condition];
    write(this.#veil.firstElementChild, title ?? "");
    write(this.#veil.lastElementChild, words ?? "");
    const since = silence === null ? "" : `for ${duration(silence)}`;
    if (condition === "away") this.#reading.showState("camera away", since);
    if (condition === "awaited") this.#reading.showState("no frame yet", "");
    this.#reading.showFigures(this.#connected ? this.#status : null, this.#age);
  }
}
