/** How the connection is: a word in the bar, and a line below it while something is wrong. */

import { write } from "./words.js";

export class Notice {
  #connection = document.getElementById("connection");
  #notice = document.getElementById("notice");
  #problem = document.getElementById("problem");
  #countdown = document.getElementById("countdown");
  #retry = document.getElementById("retry");
  #timer = 0;

  /** @param retry tries at once, when somebody asks for it. */
  constructor(retry) {
    this.#retry.addEventListener("click", retry);
  }

  /** An attempt is made; what was wrong stays to be read until it has succeeded. */
  connecting() {
    clearInterval(this.#timer);
    this.#show("connecting", "Connecting");
    write(this.#countdown, "Trying again.");
  }

  live() {
    this.#show("live", "Live");
    this.#hide();
  }

  loginNeeded() {
    this.#show("locked", "Locked");
    this.#hide();
  }

  waiting(problem, milliseconds) {
    this.#show("lost", "Not connected");
    this.#notice.hidden = false;
    write(this.#problem, problem);
    const end = performance.now() + milliseconds;
    const count = () =>
      write(this.#countdown, `Trying again in ${Math.max(1, Math.ceil((end - performance.now()) / 1000))} s.`);
    clearInterval(this.#timer);
    this.#timer = setInterval(count, 250);
    count();
  }

  #show(state, words) {
    this.#connection.dataset.state = state;
    write(this.#connection, words);
  }

  #hide() {
    clearInterval(this.#timer);
    this.#notice.hidden = true;
    write(this.#problem, "");
  }
}
