/** The page: puts the connection, the cameras and the choice of one of them together. */

import { Camera } from "./camera.js";
import { Connection } from "./connection.js";
import { parseFrame } from "./feed.js";
import { Group } from "./group.js";
import { Login } from "./login.js";
import { Notice } from "./notice.js";
import { Switcher } from "./switcher.js";
import { write } from "./words.js";

const RUNTIMES = { litert: "LiteRT", onnx: "ONNX Runtime", torchscript: "TorchScript" };
const container = document.getElementById("cameras");
/** @type {Map<string, Camera>} by name, in the daemon's order. */
let cameras = new Map();
/** @type {Map<string, Group>} by name. */
let groups = new Map();
/** The names and groups that there are cards for. */
let built = "";
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
    const { camera, group } = frame.header;
    (group ? groups.get(group.name) : cameras.get(camera))?.take(frame);
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
    for (const group of groups.values()) group.connect();
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
  const described = JSON.stringify(statuses.map(({ name, group }) => [name, group]));
  if (described === built) return;
  built = described;
  onScreen.disconnect();
  cameras = new Map(statuses.map(({ name: camera }) => [camera, new Camera(camera, () => connection.ask({ camera }))]));
  groups = new Map();
  container.replaceChildren();
  for (const { name, group } of statuses) {
    if (!group) container.append(cameras.get(name).element);
    else if (!groups.has(group)) container.append(addGroup(group, statuses).element);
  }
  for (const { element } of cameras.values()) onScreen.observe(element);
  switcher.show(cameras);
}

function addGroup(name, statuses) {
  const members = statuses.filter(({ group }) => group === name).map((status) => cameras.get(status.name));
  const group = new Group(name, members, () => connection.ask({ group: name }));
  groups.set(name, group);
  return group;
}

/** Frames are asked for of those cameras alone that are on the screen, or nearly so. */
const onScreen = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      const camera = cameras.get(target.dataset.camera);
      if (camera) camera.visible = isIntersecting;
    }
    for (const group of groups.values()) group.look();
  },
  { rootMargin: "200px" },
);

function describe({ collect, model, pictures, version }) {
  document.getElementById("to-collect").hidden = !collect;
  const words = [`${model.name} on ${RUNTIMES[model.runtime] ?? model.runtime}`];
  if (model.weights === "untrained") words.unshift("Untrained weights: labels mean nothing");
  if (model.weights === "demo") words.unshift("Demonstration model: it knows drawn scenes alone");
  if (!pictures) words.unshift("Pictures are turned off");
  const about = document.getElementById("about");
  write(about, words.join(" · "));
  about.title = `pi-classifier ${version}`;
}

function tick() {
  if (document.hidden) return;
  for (const camera of cameras.values()) camera.tick(Date.now() + clockOffset);
  for (const group of groups.values()) group.tick();
}

setInterval(tick, 1000);
connection.connect();
