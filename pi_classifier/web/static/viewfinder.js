/** The camera that is chosen, and what it shows just now. */

import { Feed } from "./feed.js";
import { age, write } from "./words.js";

/** Seconds after which a frame is marked as old. */
const OLD = 3;

export class Viewfinder {
  #element = document.querySelector(".camera");
  #select = document.getElementById("camera");
  #canvas = document.querySelector(".stage canvas");
  #veil = document.querySelector(".veil");
  #feed;
  #statuses = new Map();
  #connected = false;
  /** The frame that is shown. */
  #frame = null;

  /** @param ask asks the daemon for one frame of a camera. */
  constructor(ask) {
    this.#feed = new Feed(() => ask(this.camera), ([frame]) => this.#show(frame));
    this.#feed.wanted = true;
    this.#select.addEventListener("change", () => this.#change());
    setInterval(() => this.#showCondition(), 1000);
  }

  /** The name of the camera that is chosen. */
  get camera() {
    return this.#select.value;
  }

  /** There is a connection, and there are these cameras. */
  connect(cameras) {
    const chosen = this.camera;
    this.#select.replaceChildren(...cameras.map(({ name }) => new Option(name, name, false, name === chosen)));
    this.#connected = true;
    this.setStatuses(cameras);
    this.#feed.restart();
  }

  disconnect() {
    this.#connected = false;
    this.#showCondition();
  }

  setStatuses(cameras) {
    this.#statuses = new Map(cameras.map((camera) => [camera.name, camera]));
    this.#showCondition();
  }

  take(frame) {
    // One of the camera that was chosen before may still come.
    if (frame.header.camera === this.camera) this.#feed.take(frame);
  }

  #change() {
    this.#frame = null;
    delete this.#element.dataset.sequence;
    this.#showCondition();
    this.#feed.restart();
  }

  #show(frame) {
    if (!frame.bitmap) return;
    const { width, height } = frame.bitmap;
    if (this.#canvas.width !== width || this.#canvas.height !== height || !this.#frame) {
      Object.assign(this.#canvas, { width, height });
      this.#canvas.setAttribute("aria-label", `Picture of ${this.camera}`);
      this.#element.style.setProperty("--aspect", String(width / height));
    }
    this.#canvas.getContext("2d", { alpha: false }).drawImage(frame.bitmap, 0, 0);
    this.#frame = frame;
    this.#element.dataset.sequence = frame.header.sequence;
    this.#showCondition();
  }

  #showCondition() {
    const error = this.#statuses.get(this.camera)?.error ?? "";
    const seconds = this.#frame && this.#frame.header.age + (performance.now() - this.#frame.at) / 1000;
    const [condition, title, words] = this.#describe(error, seconds);
    this.#element.dataset.condition = condition;
    write(this.#veil.firstElementChild, title);
    write(this.#veil.lastElementChild, words);
  }

  #describe(error, seconds) {
    if (this.#connected && error) return ["away", "Camera away", error];
    if (seconds === null) return ["awaited", "Waiting for the first frame", ""];
    return this.#connected && seconds <= OLD ? ["live", "", ""] : ["old", "Old picture", age(seconds)];
  }
}
