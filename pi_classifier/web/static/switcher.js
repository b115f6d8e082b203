/** All cameras, or one of them: `#camera=NAME` in the address says which, so that it can be kept and the way back works. */

const PREFIX = "#camera=";

export class Switcher {
  #container;
  #nav = document.getElementById("switcher");
  #cameras = new Map();
  #chosen = null;

  /** @param container has the cameras' elements. */
  constructor(container) {
    this.#container = container;
    window.addEventListener("hashchange", () => this.#change());
    document.addEventListener("keydown", ({ key }) => {
      if (key === "Escape" && this.#chosen) location.hash = "";
    });
  }

  /** These cameras are to be chosen from. */
  show(cameras) {
    this.#cameras = cameras;
    this.#nav.replaceChildren(link("#", "All cameras"), ...[...cameras.keys()].map((name) => link(addressOf(name), name)));
    this.#draw();
  }

  #change() {
    const before = this.#chosen;
    this.#draw();
    const next = this.#chosen ? this.#nav.querySelector("[aria-current]") : this.#linkIn(before);
    next?.focus();
  }

  #draw() {
    const name = decodeURIComponent(location.hash.slice(PREFIX.length));
    const isOne = location.hash.startsWith(PREFIX) && this.#cameras.has(name) && this.#cameras.size > 1;
    this.#chosen = isOne ? name : null;
    this.#nav.hidden = !isOne;
    for (const element of this.#nav.children) {
      if (isOne && element.hash === addressOf(name)) element.setAttribute("aria-current", "page");
      else element.removeAttribute("aria-current");
    }
    this.#container.dataset.view = isOne || this.#cameras.size === 1 ? "one" : "all";
    for (const camera of this.#cameras.values()) {
      camera.element.hidden = isOne && camera.name !== name;
      camera.link = isOne || this.#cameras.size === 1 ? null : addressOf(camera.name);
    }
    document.title = isOne ? `${name} – pi-classifier` : "pi-classifier";
  }

  #linkIn(name) {
    return this.#cameras.get(name)?.element.querySelector(".name");
  }
}

function addressOf(name) {
  return PREFIX + encodeURIComponent(name);
}

function link(address, words) {
  return Object.assign(document.createElement("a"), { href: address, textContent: words });
}
