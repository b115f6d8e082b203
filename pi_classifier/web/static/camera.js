/** One camera as the page shows it: picture, state, watches, best labels, figures and the last minutes. */

import { Feed } from "./feed.js";
import { History } from "./history.js";
import { Timeline } from "./timeline.js";
import { age, duration, percent, write } from "./words.js";

/** Seconds after which a frame is marked as old. */
const OLD = 3;
const template = document.getElementById("camera");

export class Camera {
  #feed;
  #history = new History();
  #timeline;
  #parts;
  #context;
  #status = null;
  #connected = true;
  /** The frame that is shown. */
  #frame = null;

  /** @param ask asks the daemon for one frame of this camera. */
  constructor(name, ask) {
    this.name = name;
    this.element = template.content.cloneNode(true).firstElementChild;
    this.element.dataset.camera = name;
    this.#parts = partsOf(this.element);
    this.#context = this.#parts.canvas.getContext("2d", { alpha: false });
    this.#timeline = new Timeline(this.element.querySelector(".past"));
    this.#feed = new Feed(ask, (frame) => this.#show(frame));
    this.#nameParts();
    this.#parts.save.addEventListener("click", () => this.#save());
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
    this.tick(NaN);
  }

  /** Whether it can be seen on the page: no frames are asked for if not. */
  set visible(visible) {
    this.#feed.wanted = visible;
  }

  /** The link that enlarges it; null: it is shown alone. */
  set link(address) {
    if (address) this.#parts.name.href = address;
    else this.#parts.name.removeAttribute("href");
  }

  take(frame) {
    this.#feed.take(frame);
  }

  setStatus(status) {
    this.#status = status;
    this.#drawCondition();
    this.#drawFigures();
  }

  add(event) {
    this.#history.add(event);
    // Without frames, events alone tell.
    if (!this.#feed.wanted && event.class_id !== undefined) {
      this.#drawState(event.event === "started" ? event.label : null, "");
    }
  }

  /** Once a second. `now`: by the daemon's clock, in milliseconds since 1970. */
  tick(now) {
    this.#drawCondition();
    this.#drawFigures();
    if (now) this.#timeline.draw(this.#history.episodes, now);
  }

  #show(frame) {
    this.#frame = frame;
    const { header, bitmap } = frame;
    if (bitmap) this.#paint(bitmap);
    this.element.dataset.sequence = header.sequence;
    this.#drawCondition();
    this.#drawState(header.state.label, `for ${duration(header.state.seconds)}`);
    this.#drawWatches(header.watches);
    this.#drawPredictions(header.predictions);
  }

  #paint(bitmap) {
    const { canvas, save } = this.#parts;
    if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
      canvas.width = bitmap.width;
      canvas.height = bitmap.height;
      this.element.style.setProperty("--aspect", `${bitmap.width / bitmap.height}`);
    }
    this.#context.drawImage(bitmap, 0, 0);
    save.disabled = false;
  }

  /** Seconds since the frame that is shown was captured. */
  get #age() {
    return this.#frame ? this.#frame.header.age + (performance.now() - this.#frame.at) / 1000 : null;
  }

  /** How the camera is: live, away, old or awaited. Words over the picture say so. */
  #drawCondition() {
    const { error, last_frame_age: silence } = this.#status;
    const isOld = this.#frame !== null && (!this.#connected || this.#age > OLD);
    const condition = this.#connected && error ? "away" : isOld ? "old" : this.#frame ? "live" : "awaited";
    this.element.dataset.condition = condition;
    const [title, words] = {
      away: ["Camera away", error],
      old: [age(this.#age ?? 0), ""],
      live: ["", ""],
      awaited: [this.#connected ? "Waiting for the first frame" : "", ""],
    }[condition];
    write(this.#parts.veilTitle, title);
    write(this.#parts.veilWords, words);
    if (condition === "away") this.#drawState("camera away", silence === null ? "" : `for ${duration(silence)}`);
    if (condition === "awaited") this.#drawState("no frame yet", "");
  }

  #drawState(label, since) {
    this.element.classList.toggle("shows-nothing", label === null);
    write(this.#parts.label, label ?? "nothing in particular");
    write(this.#parts.since, since);
  }

  #drawWatches(watches) {
    const items = itemsOf(this.#parts.watches, watches.length, ["name", "since"]);
    for (const [index, { name, active, seconds }] of watches.entries()) {
      const [nameElement, since] = items[index].children;
      items[index].classList.toggle("active", active);
      write(nameElement, name);
      write(since, active ? `for ${duration(seconds)}` : "off");
    }
  }

  #drawPredictions(predictions) {
    const items = itemsOf(this.#parts.predictions, predictions.length, ["words", "share"]);
    for (const [index, { label, probability }] of predictions.entries()) {
      const [words, share] = items[index].children;
      items[index].style.setProperty("--share", probability);
      write(words, label);
      write(share, percent(probability));
    }
  }

  #drawFigures() {
    const { fps, captured, dropped } = this.#status;
    const drops = Object.values(dropped).reduce((sum, count) => sum + count, 0);
    const reasons = Object.entries(dropped).filter(([, count]) => count > 0);
    const figures = [
      this.#status.up ? `${fps.toFixed(1)} fps` : "0 fps",
      this.#age === null ? "no frame" : age(this.#age),
      drops ? `${percent(drops / captured)} dropped (${reasons.map(([name]) => name).join(", ")})` : "none dropped",
    ];
    const items = itemsOf(this.#parts.figures, figures.length, []);
    for (const [index, figure] of figures.entries()) write(items[index], figure);
  }

  /** The very JPEG that came. */
  #save() {
    const { header, jpeg } = this.#frame;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(jpeg);
    link.download = `${this.name}-${header.sequence}.jpg`;
    link.click();
    // The browser has taken it over by then.
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  }

  #nameParts() {
    const { name, nameText, canvas } = this.#parts;
    name.title = `Enlarge ${this.name}`;
    nameText.textContent = this.name;
    canvas.setAttribute("aria-label", `Picture of ${this.name}`);
    const [ofSave, ofState] = this.element.querySelectorAll(".of");
    ofSave.textContent = ` of ${this.name}`;
    ofState.textContent = `${this.name}: `;
  }
}

function partsOf(element) {
  const selectors = {
    name: ".name",
    nameText: ".name .text",
    save: ".save",
    canvas: "canvas",
    veilTitle: ".veil strong",
    veilWords: ".veil span",
    label: ".state .label",
    since: ".state .since",
    watches: ".watches",
    predictions: ".predictions",
    figures: ".figures",
  };
  return Object.fromEntries(Object.entries(selectors).map(([name, selector]) => [name, element.querySelector(selector)]));
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
