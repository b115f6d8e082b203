/**
 * A button that is held, or the space bar anywhere but where it means something else.
 *
 * Who cannot hold, as with a screen reader, presses it once to begin and once more to end.
 */

/** Where the space bar has a meaning of its own. */
const OWN_SPACE = "input[type=text], input[type=password], input[type=checkbox], select, a, button:not(#record)";

export class Hold {
  #button;
  #start;
  #end;
  #isHeld = false;

  /** @param actions `start` and `end`. */
  constructor(button, { start, end }) {
    this.#button = button;
    this.#start = start;
    this.#end = end;
    this.#listenToPointers();
    this.#listenToKeys();
    button.addEventListener("click", (event) => this.#click(event));
    button.addEventListener("contextmenu", (event) => event.preventDefault());
    window.addEventListener("blur", () => this.release());
  }

  /** Let it go, whatever holds it. */
  release() {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#end();
  }

  #press() {
    if (this.#isHeld || this.#button.disabled) return;
    this.#isHeld = true;
    this.#start();
  }

  #listenToPointers() {
    this.#button.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.#button.setPointerCapture(event.pointerId);
      // Who has begun by one click ends by another.
      if (this.#isHeld) this.release();
      else this.#press();
    });
    for (const kind of ["pointerup", "pointercancel", "lostpointercapture"]) {
      this.#button.addEventListener(kind, () => this.release());
    }
  }

  #listenToKeys() {
    document.addEventListener("keydown", (event) => {
      if (!this.#means(event)) return;
      event.preventDefault();
      if (!event.repeat) this.#press();
    });
    document.addEventListener("keyup", (event) => {
      if (!this.#means(event)) return;
      event.preventDefault();
      this.release();
    });
  }

  /** Whether a key means this button. */
  #means({ key, target, altKey, ctrlKey, metaKey }) {
    if (altKey || ctrlKey || metaKey) return false;
    return key === " " ? !target.closest?.(OWN_SPACE) : key === "Enter" && target === this.#button;
  }

  /** That of a pointer was dealt with when it was pressed; one of a program that reads the screen has no detail. */
  #click({ detail }) {
    if (detail) return;
    if (this.#isHeld) this.release();
    else this.#press();
  }
}
