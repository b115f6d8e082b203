/** The page: puts the connection, the cameras and the choice of one of them together. */

import { Camera } from "./camera.js";
import { Connection } from "./connection.js";
import { parseFrame } from "./feed.js";
import { Login } from "./login.js";
import { Notice } from "./notice.js";
import { Switcher } from "./switcher.js";
import { write } from "./words.js";

const RUNTIMES = { litert: "LiteRT", torchscript: "TorchScript" };
const container = document.getElementById("cameras");
/** @type {Map<string, Camera>} by name, in the daemon's order. */
let cameras = new Map();
/** Milliseconds that the daemon's clock is ahead of this machine's. */
let clockOffset = 0;

const connection = new Connection({
  connecting: () => notice.connecting(),
  waiting(problem, milliseconds) {
    notice.waiting(problem, milliseconds);
    for (const camera of cameras.values()) camera.disconnect();
  },
  loginNeeded() {
    notice.loginNeeded();
    container.hidden = true;
    login.show();
  },
  message: (message) => MESSAGES[message.type]?.(message),
  frame(message) {
    const frame = parseFrame(message);
    cameras.get(frame.header.camera)?.take(frame);
  },
});
const notice = new Notice(() => connection.connect());
const login = new Login(() => connection.connect());
const switcher = new Switcher(container);

/** By type. */
const MESSAGES = {
  hello(hello) {
    clockOffset = hello.time ? Date.parse(hello.time) - Date.now() : 0;
    login.hide();
    container.hidden = false;
    notice.live();
    describe(hello);
    build(hello.cameras);
    for (const status of hello.cameras) {
      const events = hello.history.filter((event) => event.camera === status.name);
      cameras.get(status.name).connect(status, events, hello.pictures);
    }
    tick();
  },
  status({ cameras: statuses }) {
    for (const status of statuses) cameras.get(status.name)?.setStatus(status);
  },
  event(event) {
    cameras.get(event.camera)?.add(event);
    tick();
  },
};

/** Cards for these cameras, unless they are there: a daemon that comes back may have others. */
function build(statuses) {
  const names = statuses.map(({ name }) => name);
  if (names.join() === [...cameras.keys()].join()) return;
  onScreen.disconnect();
  cameras = new Map(names.map((name) => [name, new Camera(name, () => connection.ask(name))]));
  container.replaceChildren(...[...cameras.values()].map(({ element }) => element));
  for (const { element } of cameras.values()) onScreen.observe(element);
  switcher.show(cameras);
}

/** Frames are asked for of those cameras alone that are on the screen, or nearly so. */
const onScreen = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      const camera = cameras.get(target.dataset.camera);
      if (camera) camera.visible = isIntersecting;
    }
  },
  { rootMargin: "200px" },
);

function describe({ model, pictures, version }) {
  const words = [`${model.name} on ${RUNTIMES[model.runtime] ?? model.runtime}`];
  if (model.weights === "untrained") words.unshift("Untrained weights: labels mean nothing");
  if (!pictures) words.unshift("Pictures are turned off");
  const about = document.getElementById("about");
  write(about, words.join(" · "));
  about.title = `pi-classifier ${version}`;
}

function tick() {
  if (document.hidden) return;
  for (const camera of cameras.values()) camera.tick(Date.now() + clockOffset);
}

setInterval(tick, 1000);
connection.connect();
