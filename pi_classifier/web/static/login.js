/** The form for the token. */

import { duration } from "./words.js";

export class Login {
  #form = document.getElementById("login");
  #token = document.getElementById("token");
  #refusal = document.getElementById("refusal");
  #loggedIn;

  /** @param loggedIn is called when the daemon has taken the token. */
  constructor(loggedIn) {
    this.#loggedIn = loggedIn;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
  }

  show() {
    this.#form.hidden = false;
    this.#token.focus();
  }

  hide() {
    this.#form.hidden = true;
  }

  async #submit() {
    this.#refusal.textContent = "";
    const refusal = await logIn(this.#token.value);
    if (refusal) {
      this.#refusal.textContent = refusal;
      this.#token.select();
    } else {
      this.#token.value = "";
      this.#loggedIn();
    }
  }
}

/** What is wrong; empty if nothing is. */
async function logIn(token) {
  let answer;
  try {
    answer = await fetch("login", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token }),
    });
  } catch {
    return "The daemon does not answer. Try again.";
  }
  if (answer.ok) return "";
  if (answer.status === 401) return "This is not the token.";
  if (answer.status !== 429) return `The daemon answers with status ${answer.status}.`;
  const seconds = Number(answer.headers.get("Retry-After"));
  return `Too many wrong tokens. Try again in ${duration(seconds)}.`;
}
