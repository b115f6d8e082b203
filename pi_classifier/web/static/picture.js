/** The newest frame of one camera, on a canvas, with its objects, and the button that saves it. */

import { Boxes } from "./boxes.js";
import { countObjects, summary } from "./objects.js";

/** Milliseconds in which a browser surely takes over what it saves. */
const KEPT = 60000;

export class Picture {
  #name;
  #element;
  #canvas;
  #context;
  #saveButton;
  /** Of objects; null: no detector has looked at a frame. */
  #boxes = null;
  /** The frame that is shown. */
  #frame = null;

  /**
   * @param {string} name of the camera.
   * @param {HTMLElement} element of the camera; the proportions of the picture become its `--aspect`.
   */
  constructor(name, element) {
    this.#name = name;
    this.#element = element;
    this.#canvas = element.querySelector("canvas");
    this.#describe(`Picture of ${name}`);
    this.#context = this.#canvas.getContext("2d", { alpha: false });
    this.#saveButton = element.querySelector(".save");
    this.#saveButton.addEventListener("click", () => this.#save());
  }

  /** Draw a frame that has a `bitmap`. */
  paint(frame) {
    const { width, height } = frame.bitmap;
    if (this.#canvas.width !== width || this.#canvas.height !== height || !this.#frame) {
      Object.assign(this.#canvas, { width, height });
      this.#element.style.setProperty("--aspect", String(width / height));
    }
    this.#context.drawImage(frame.bitmap, 0, 0);
    this.#paintObjects(frame.header.detections, frame.bitmap);
    this.#frame = frame;
    this.#saveButton.disabled = false;
  }

  /** @param detections of the same frame; undefined of a classifier. */
  #paintObjects(detections, bitmap) {
    if (detections) this.#boxes ??= new Boxes(this.#canvas);
    this.#boxes?.draw(detections ?? [], bitmap);
    const objects = detections ? `: ${summary(countObjects(detections))}` : "";
    this.#describe(`Picture of ${this.#name}${objects}`);
  }

  #describe(words) {
    if (this.#canvas.getAttribute("aria-label") !== words) this.#canvas.setAttribute("aria-label", words);
  }

  /** The very JPEG that came. */
  #save() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(this.#frame.jpeg);
    link.download = `${this.#name}-${this.#frame.header.sequence}.jpg`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), KEPT);
  }
}
