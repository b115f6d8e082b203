/** The classes that there are, one of which is chosen, with their numbers of pictures; others can be added. */

import { write } from "./words.js";

export class Classes {
  #container = document.getElementById("classes");
  #changed;
  /** @type {Map<string, number>} pictures by label, in order. */
  #counts = new Map();
  /** Labels that have no picture yet. */
  #added = [];
  #chosen = null;

  /** @param changed is called when another one is chosen. */
  constructor(changed) {
    this.#changed = changed;
    this.#container.addEventListener("change", ({ target }) => this.#choose(target.value));
    document.getElementById("add").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#add(document.getElementById("label"));
    });
  }

  /** The label of the class that is chosen; null: none is. */
  get chosen() {
    return this.#chosen;
  }

  /** These are on the disk. */
  show(classes) {
    this.#counts = new Map(classes.map(({ label, pictures: count }) => [label, count]));
    this.#added = this.#added.filter((label) => !this.#counts.has(label));
    this.#draw();
  }

  /** The burst that is being taken, which comes on top of what was on the disk; null: there is none. */
  setTaken(burst) {
    for (const row of this.#container.children) {
      const label = row.firstElementChild.value;
      const taken = burst?.label === label ? burst.saved : 0;
      write(row.lastElementChild, pictures((this.#counts.get(label) ?? 0) + taken));
    }
  }

  #add(field) {
    const label = field.value.trim().normalize("NFC");
    if (!label) return;
    if (!this.#counts.has(label) && !this.#added.includes(label)) this.#added.push(label);
    field.value = "";
    this.#choose(label);
    this.#container.querySelector(":checked").focus();
  }

  #choose(label) {
    this.#chosen = label;
    this.#draw();
    this.#changed();
  }

  /** Rows for these classes; those that are there stay, and with them the focus. */
  #draw() {
    const labels = [...this.#counts.keys(), ...this.#added];
    if (!labels.includes(this.#chosen)) this.#chosen = null;
    const rows = new Map([...this.#container.children].map((row) => [row.firstElementChild.value, row]));
    const wanted = labels.map((label) => rows.get(label) ?? newRow(label));
    if (wanted.length !== rows.size || wanted.some((row, place) => row !== this.#container.children[place])) {
      const focused = document.activeElement;
      this.#container.replaceChildren(...wanted);
      if (this.#container.contains(focused)) focused.focus();
    }
    for (const row of wanted) row.firstElementChild.checked = row.firstElementChild.value === this.#chosen;
    this.setTaken(null);
    document.getElementById("none").hidden = labels.length > 1;
    this.#changed();
  }
}

function newRow(label) {
  const row = document.createElement("label");
  const choice = Object.assign(document.createElement("input"), { type: "radio", name: "class", value: label });
  const name = Object.assign(document.createElement("span"), { className: "name", textContent: label });
  row.append(choice, name, Object.assign(document.createElement("span"), { className: "count" }));
  return row;
}

function pictures(count) {
  return count === 1 ? "1 picture" : `${count} pictures`;
}
