/**
 * All cameras, or one of them: `#camera=NAME` in the address says which.
 *
 * So a view can be kept as a bookmark, and the browser's way back works.
 */

const PREFIX = "#camera=";

export class Switcher {
  #container;
  #nav = document.getElementById("switcher");
  #cameras = new Map();
  /** The name of the one that is chosen; null: all are shown. */
  #chosen = null;

  /** @param container has the cameras' elements. */
  constructor(container) {
    this.#container = container;
    window.addEventListener("hashchange", () => this.#change());
    document.addEventListener("keydown", ({ key }) => {
      if (key === "Escape" && this.#chosen !== null) location.hash = "";
    });
  }

  /** These cameras are to be chosen from. */
  show(cameras) {
    this.#cameras = cameras;
    const links = [...cameras.keys()].map((name) => link(addressOf(name), name));
    this.#nav.replaceChildren(link("#", "All cameras"), ...links);
    this.#draw();
  }

  /** The focus goes along: into the row of cameras, and back to the camera that was large. */
  #change() {
    const before = this.#cameras.get(this.#chosen);
    this.#draw();
    const next = this.#nav.querySelector("[aria-current]") ?? before?.element.querySelector(".view .name");
    next?.focus();
  }

  #draw() {
    const isOnly = this.#cameras.size === 1;
    this.#chosen = isOnly ? null : this.#named();
    const isOne = isOnly || this.#chosen !== null;
    this.#container.dataset.view = isOne ? "one" : "all";
    for (const [name, camera] of this.#cameras) {
      camera.element.hidden = this.#chosen !== null && this.#chosen !== name;
      camera.link = isOne ? null : addressOf(name);
    }
    this.#markChosen();
    document.title = this.#chosen === null ? "pi-classifier" : `${this.#chosen} – pi-classifier`;
  }

  #markChosen() {
    this.#nav.hidden = this.#chosen === null;
    for (const element of this.#nav.children) {
      element.removeAttribute("aria-current");
      if (element.textContent === this.#chosen) element.setAttribute("aria-current", "page");
    }
  }

  /** The camera that the address names, null if there is none. */
  #named() {
    return [...this.#cameras.keys()].find((name) => addressOf(name) === location.hash) ?? null;
  }
}

function addressOf(name) {
  return PREFIX + encodeURIComponent(name);
}

function link(address, words) {
  return Object.assign(document.createElement("a"), { href: address, textContent: words });
}
