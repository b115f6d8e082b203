/** The page that takes pictures: puts the connection, the viewfinder, the classes and the recorder together. */

import { Classes } from "./classes.js";
import { Connection } from "./connection.js";
import { parseFrame } from "./feed.js";
import { Hold } from "./hold.js";
import { Login } from "./login.js";
import { Notice } from "./notice.js";
import { collection, Recorder } from "./recorder.js";
import { Viewfinder } from "./viewfinder.js";
import { write } from "./words.js";

/** Milliseconds until the classes are looked at again while another page has pictures taken. */
const AGAIN_AFTER = 1000;

const container = document.getElementById("collect");
const button = document.getElementById("record");
const status = document.getElementById("burst");
const deleteButton = document.getElementById("delete");
const similar = document.getElementById("similar");

const connection = new Connection({
  connecting: () => notice.connecting(),
  waiting(problem, milliseconds) {
    notice.waiting(problem, milliseconds);
    viewfinder.disconnect();
    hold.release();
  },
  loginNeeded() {
    notice.loginNeeded();
    container.hidden = true;
    login.show();
  },
  message: (message) => MESSAGES[message.type]?.(message),
  frame: (message) => viewfinder.take(parseFrame(message)),
});
const notice = new Notice(() => connection.connect());
const login = new Login(() => connection.connect());
const viewfinder = new Viewfinder((camera) => connection.ask({ camera }));
const classes = new Classes(showButton);
const recorder = new Recorder(showBurst);
const hold = new Hold(button, {
  start: () => recorder.start({ camera: viewfinder.camera, label: classes.chosen, keep_similar: similar.checked }),
  end: () => recorder.stop(),
});

/** By type. */
const MESSAGES = {
  async hello(hello) {
    login.hide();
    container.hidden = false;
    notice.live();
    viewfinder.connect(hello.cameras);
    await look();
  },
  status: ({ cameras }) => viewfinder.setStatuses(cameras),
};

let lookingAgain = 0;

/** What there is on the disk. A burst that another page has taken, or this one when it was left, still adds to it. */
async function look() {
  const [found, problem] = await collection();
  if (problem) {
    say(problem.detail, true);
    return;
  }
  classes.show(found.classes);
  showCommand(document.getElementById("train"), found.train);
  document.getElementById("next").hidden = found.classes.length < 2;
  clearTimeout(lookingAgain);
  if (found.burst?.running) lookingAgain = setTimeout(() => recorder.label === null && look(), AGAIN_AFTER);
}

function showCommand(element, command) {
  if (element.textContent === command) return;
  const words = command.split(" ").map((textContent) => Object.assign(document.createElement("span"), { textContent }));
  element.replaceChildren(...words.flatMap((word) => [" ", word]).slice(1));
}

function showButton() {
  const { chosen } = classes;
  const { label } = recorder;
  button.disabled = !chosen;
  button.setAttribute("aria-pressed", String(label !== null));
  const words = chosen ? `Take pictures of ${chosen}` : "Choose a class";
  write(button.querySelector(".words"), label === null ? words : `Taking pictures of ${label}`);
}

/** @param burst as the daemon tells it; @param problem why there is none, or why it has ended. */
function showBurst(burst, problem) {
  showButton();
  const isRecording = recorder.label !== null;
  say(problem || describe(burst), Boolean(problem));
  deleteButton.hidden = !burst?.saved || isRecording;
  if (isRecording) classes.setTaken(burst);
  else look();
}

function say(words, isProblem) {
  write(status, words);
  status.dataset.problem = String(isProblem);
}

function describe(burst) {
  if (!burst) return recorder.label === null ? "No pictures taken yet." : "Begins.";
  if (burst.deleted) return `Deleted the last pictures of ${burst.label}.`;
  const count = `${burst.saved} ${burst.saved === 1 ? "picture" : "pictures"} of ${burst.label}`;
  return burst.similar ? `${count}; ${burst.similar} left out as the same: move it a little` : count;
}

deleteButton.addEventListener("click", async () => {
  await recorder.discard();
  button.focus();
});
document.addEventListener("visibilitychange", () => document.hidden && hold.release());
window.addEventListener("pagehide", () => hold.release());

connection.connect();
