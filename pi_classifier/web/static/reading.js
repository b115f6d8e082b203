/** What is said of one camera beside its picture: state, watches, best labels or objects, figures. */

import { colourOf } from "./colours.js";
import { countObjects, zonesText } from "./objects.js";
import { age, duration, percent, write } from "./words.js";

export class Reading {
  #element;
  #parts;

  /** @param {HTMLElement} element of the camera. */
  constructor(name, element) {
    this.#element = element;
    element.querySelector(".state .of").textContent = `${name}: `;
    const selectors = [".state .label", ".state .since", ".watches", ".predictions", ".objects", ".figures"];
    const [label, since, watches, predictions, objects, figures] = selectors.map((one) => element.querySelector(one));
    this.#parts = { state: element.querySelector(".state"), label, since, watches, predictions, objects, figures };
  }

  /** All that the header of a frame says. */
  show({ state, watches, predictions, detections }) {
    this.#showWatches(watches);
    this.#parts.predictions.hidden = Boolean(detections);
    this.#parts.objects.hidden = !detections;
    if (detections) {
      // Of many things at once none is the one that a camera shows.
      this.#parts.state.hidden = true;
      this.#showObjects(countObjects(detections));
    } else {
      this.showState(state.label, `for ${duration(state.seconds)}`);
      this.#showPredictions(predictions);
    }
  }

  /**
   * @param {string | null} label null: the camera shows nothing in particular.
   * @param {string} since for how long.
   */
  showState(label, since) {
    this.#parts.state.hidden = false;
    this.#element.classList.toggle("shows-nothing", label === null);
    write(this.#parts.label, label ?? "nothing in particular");
    write(this.#parts.since, since);
  }

  /**
   * @param status of the camera; null: it is not known, for there is no connection.
   * @param {number | null} seconds since the frame that is shown was captured.
   */
  showFigures(status, seconds) {
    const frameAge = seconds === null ? "no frame" : age(seconds);
    const figures = status ? [`${status.fps.toFixed(1)} fps`, frameAge, dropsOf(status)] : [frameAge];
    const items = itemsOf(this.#parts.figures, figures.length, []);
    for (const [index, figure] of figures.entries()) write(items[index], figure);
  }

  #showWatches(watches) {
    const items = itemsOf(this.#parts.watches, watches.length, ["name", "since"]);
    for (const [index, { name, active, seconds }] of watches.entries()) {
      const [nameElement, since] = items[index].children;
      items[index].classList.toggle("active", active);
      write(nameElement, name);
      write(since, active ? `for ${duration(seconds)}` : "off");
    }
  }

  #showPredictions(predictions) {
    const items = itemsOf(this.#parts.predictions, predictions.length, ["words", "share"]);
    for (const [index, { label, probability }] of predictions.entries()) {
      const [words, share] = items[index].children;
      items[index].style.setProperty("--share", String(probability));
      write(words, label);
      write(share, percent(probability));
    }
  }

  #showObjects(counts) {
    const items = itemsOf(this.#parts.objects, counts.length, ["words", "count", "zones"]);
    for (const [index, counted] of counts.entries()) {
      const [words, count, zones] = items[index].children;
      items[index].style.setProperty("--colour", colourOf(counted.classId));
      write(words, counted.label);
      write(count, String(counted.count));
      write(zones, zonesText(counted));
    }
  }
}

/** What part of a camera's frames never got to the model, and why. */
function dropsOf({ captured, dropped }) {
  const reasons = Object.keys(dropped).filter((reason) => dropped[reason] > 0);
  if (!reasons.length) return "none dropped";
  const drops = reasons.reduce((sum, reason) => sum + dropped[reason], 0);
  return `${percent(drops / captured)} dropped (${reasons.join(", ")})`;
}

/** The items of a list, so many; each has a span of each class. They are kept from frame to frame. */
function itemsOf(list, count, classes) {
  while (list.children.length > count) list.lastElementChild.remove();
  while (list.children.length < count) {
    const item = document.createElement("li");
    for (const name of classes) item.append(Object.assign(document.createElement("span"), { className: name }));
    list.append(item);
  }
  return list.children;
}
