/** What a camera has shown: its events put together to episodes, each with its beginning and its end. */

/** Milliseconds that are looked back on. */
export const SPAN = 10 * 60 * 1000;

const MOST = 100;

/**
 * @typedef {object} Episode
 * @property {"label" | "watch" | "away"} kind
 * @property {string} text the label, the watch's name, or what the daemon says of the camera.
 * @property {number} classId of a label.
 * @property {number} start in milliseconds since 1970, as `end`.
 * @property {number | null} end null while it lasts.
 */

export class History {
  /** @type {Episode[]} newest first */
  episodes = [];
  #open = new Map();

  /** Take an event of this camera, as the daemon sends it. */
  add(event) {
    const moment = Date.parse(event.time);
    if (event.event === "camera_down") {
      this.#begin("away", { kind: "away", text: event.error, start: moment });
    } else if (event.event === "camera_up") {
      this.#end("away", moment);
    } else if (event.event === "started") {
      const { label, watch, class_id: classId } = event;
      this.#begin(keyOf(event), { kind: watch ? "watch" : "label", text: watch ?? label, classId, start: moment });
    } else if (event.event === "stopped") {
      this.#end(keyOf(event), moment);
    }
  }

  #begin(key, episode) {
    this.#end(key, episode.start);
    const begun = { ...episode, end: null };
    this.#open.set(key, begun);
    this.episodes = [begun, ...this.episodes].slice(0, MOST);
  }

  #end(key, moment) {
    const open = this.#open.get(key);
    if (!open) return;
    open.end = moment;
    this.#open.delete(key);
  }
}

/** A camera shows one label at a time, and each watch is on or off. */
function keyOf({ watch }) {
  return watch === undefined ? "label" : `watch ${watch}`;
}
