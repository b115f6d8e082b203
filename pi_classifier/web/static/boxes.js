/** The boxes of a frame's objects, with labels, over its picture: in the screen's own pixels, sharp at any size. */

import { colourOf } from "./colours.js";
import { place } from "./placing.js";

// Of the size of letters:
const LINE = 1.35;
const PADDING = 0.4;
const LETTERS_AN_OUTLINE = 6;
/** An outline is this part of its box's shorter side at most, but a pixel at least. */
const OUTLINES_A_SIDE = 10;
/** Its black edges are this part of the outline. */
const OUTLINES_AN_EDGE = 3;
/** Where labels had less room, in sizes of letters, percentages are left out. */
const NARROW = 4;
/** Objects that have a label. */
const LABELLED = 100;
const DEVICE_PIXELS = "devicePixelContentBoxSize";

export class Boxes {
  #canvas = document.createElement("canvas");
  #context = this.#canvas.getContext("2d");
  #detections = [];
  #picture = { width: 1, height: 1 };
  #font = { family: "", size: 0 };

  /** @param {HTMLCanvasElement} picture that they lie over. */
  constructor(picture) {
    this.#canvas.className = "boxes";
    // The picture's own words tell what is in it.
    this.#canvas.setAttribute("aria-hidden", "true");
    picture.after(this.#canvas);
    const known = DEVICE_PIXELS in ResizeObserverEntry.prototype;
    new ResizeObserver(([entry]) => this.#resize(entry)).observe(
      this.#canvas,
      known ? { box: "device-pixel-content-box" } : {},
    );
  }

  /**
   * @param {{class_id: number, label: string, confidence: number, box: number[]}[]} detections the best first.
   * @param {{width: number, height: number}} picture whose pixels the boxes count.
   */
  draw(detections, { width, height }) {
    this.#detections = detections;
    this.#picture = { width, height };
    this.#redraw();
  }

  #resize(entry) {
    const [width, height] = sizeInDevicePixels(entry);
    Object.assign(this.#canvas, { width, height });
    const { fontFamily, fontSize } = getComputedStyle(this.#canvas);
    this.#font = { family: fontFamily, size: parseFloat(fontSize) * devicePixelRatio };
    this.#redraw();
  }

  #redraw() {
    const { width, height } = this.#canvas;
    this.#context.clearRect(0, 0, width, height);
    const boxes = this.#detections.map(({ box }) => this.#onScreen(box));
    // The best on top.
    for (let index = boxes.length - 1; index >= 0; index -= 1) {
      this.#outline(boxes[index], colourOf(this.#detections[index].class_id));
    }
    this.#drawLabels(boxes.slice(0, LABELLED));
  }

  #drawLabels(boxes) {
    const { family, size } = this.#font;
    this.#context.font = `${size}px ${family}`;
    const padding = Math.round(PADDING * size);
    const high = Math.round(LINE * size);
    const texts = boxes.map((_, index) => this.#text(this.#detections[index], this.#canvas.width - 2 * padding));
    const sizes = texts.map((text) => [this.#widthOf(text) + 2 * padding, high]);
    const places = place(boxes, sizes, this.#canvas.width, this.#canvas.height);
    this.#context.textBaseline = "middle";
    for (const [index, spot] of places.entries()) {
      if (!spot) continue;
      const [left, top] = spot;
      this.#context.fillStyle = colourOf(this.#detections[index].class_id);
      this.#context.fillRect(left, top, ...sizes[index]);
      this.#context.fillStyle = "black";
      this.#context.fillText(texts[index], left + padding, top + Math.round(high / 2));
    }
  }

  /** Label and percentage, in the room that there is. */
  #text({ label, confidence }, room) {
    const percentage = ` ${Math.round(100 * confidence)}%`;
    const left = room - this.#widthOf(percentage);
    return left < NARROW * this.#font.size ? this.#shortened(label, room) : this.#shortened(label, left) + percentage;
  }

  /** The label, or as much of its beginning as there is room for, and an ellipsis. */
  #shortened(label, room) {
    if (this.#widthOf(label) <= room) return label;
    const letters = [...label];
    let [fits, tooLong] = [0, letters.length];
    while (tooLong - fits > 1) {
      const middle = Math.floor((fits + tooLong) / 2);
      if (this.#widthOf(`${letters.slice(0, middle).join("")}…`) <= room) fits = middle;
      else tooLong = middle;
    }
    return `${letters.slice(0, fits).join("")}…`;
  }

  #widthOf(text) {
    return Math.ceil(this.#context.measureText(text).width);
  }

  /** In pixels of the screen, what a box touches of them: at least one. */
  #onScreen([left, top, right, bottom]) {
    const { width, height } = this.#canvas;
    const [across, down] = [width / this.#picture.width, height / this.#picture.height];
    const [x, y] = [Math.floor(left * across), Math.floor(top * down)];
    return [x, y, Math.max(x + 1, Math.ceil(right * across)), Math.max(y + 1, Math.ceil(bottom * down))];
  }

  /** Within the box, so that one of the whole picture shows; its black edges set it off from any ground. */
  #outline(box, colour) {
    const [left, top, right, bottom] = box;
    const most = Math.min(right - left, bottom - top) / OUTLINES_A_SIDE;
    const thickness = Math.max(1, Math.round(Math.min(this.#font.size / LETTERS_AN_OUTLINE, most)));
    const edge = Math.max(1, Math.round(thickness / OUTLINES_AN_EDGE));
    this.#frame(box, -edge, thickness + edge, "black");
    this.#frame(box, 0, thickness, colour);
  }

  /** Four bars, which begin and end so far within the box. */
  #frame([left, top, right, bottom], outer, inner, colour) {
    const [x, y, thickness] = [left + outer, top + outer, inner - outer];
    const [width, height] = [right - outer - x, bottom - outer - y];
    this.#context.fillStyle = colour;
    this.#context.fillRect(x, y, width, thickness);
    this.#context.fillRect(x, y + height - thickness, width, thickness);
    this.#context.fillRect(x, y, thickness, height);
    this.#context.fillRect(x + width - thickness, y, thickness, height);
  }
}

function sizeInDevicePixels({ contentRect, [DEVICE_PIXELS]: sizes }) {
  const exact = [sizes?.[0].inlineSize, sizes?.[0].blockSize];
  const near = [contentRect.width, contentRect.height].map((side) => side * devicePixelRatio);
  // The pixels of a screen that a browser's tools emulate are not in the exact ones.
  return near.map((side, axis) => (Math.abs(exact[axis] - side) < 1 ? exact[axis] : Math.round(side)));
}
