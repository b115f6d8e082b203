/**
 * Has the daemon take pictures, and says again and again that it shall go on: by itself it stops after two seconds.
 */

const PATH = "api/v1/collect";
/** Milliseconds between two words. */
const INTERVAL = 500;
const ANSWER_WITHIN = 5000;
const CONFLICT = 409;

export class Recorder {
  #changed;
  /** The last burst as the daemon told it; null before it is begun. */
  #burst = null;
  /** What is to be recorded; null: nothing. */
  #wanted = null;
  #stopped = Promise.resolve();

  /** @param changed is told the burst and what is wrong, if something is. */
  constructor(changed) {
    this.#changed = changed;
  }

  /** The label of the class whose pictures are being taken; null: of none. */
  get label() {
    return this.#wanted && this.#wanted.label;
  }

  /** @param wanted `camera`, `label` and `keep_similar`. */
  async start(wanted) {
    this.#wanted = wanted;
    this.#burst = null;
    this.#changed(null, "");
    await this.#stopped;
    const burst = await this.#begun(wanted);
    if (!burst) return;
    this.#burst = burst;
    if (this.#wanted !== wanted) await this.#sayStop(); // it was released meanwhile
    while (this.#wanted === wanted) {
      this.#changed(this.#burst, "");
      await pause();
      if (this.#wanted === wanted) await this.#renew(wanted);
    }
  }

  /** The pictures that are there stay. */
  stop() {
    this.#wanted = null;
    this.#changed(this.#burst, "");
    if (this.#burst) this.#stopped = this.#sayStop();
  }

  /** Delete the pictures of the last burst. */
  async discard() {
    const [burst, problem] = await ask("DELETE", `/burst?id=${this.#burst.id}`);
    if (burst) this.#burst = { ...burst, deleted: true };
    this.#changed(this.#burst, problem ? problem.detail : "");
  }

  /** A burst; null: there is none to be had, or nobody wants it any more. One that was cut off ends within seconds. */
  async #begun(wanted) {
    while (this.#wanted === wanted) {
      const [burst, problem] = await ask("POST", "/burst", wanted);
      if (burst) return burst;
      if (problem.status === CONFLICT) this.#changed(null, problem.detail);
      else this.#end(wanted, problem.detail);
      await pause();
    }
    return null;
  }

  async #renew(wanted) {
    const [burst, problem] = await ask("POST", `/burst/renew?id=${this.#burst.id}`);
    if (this.#wanted !== wanted) return;
    if (burst) this.#burst = burst;
    if (burst && !burst.running) this.#end(wanted, burst.problem || "The daemon heard too little of this page.");
    // Of a word that did not come through nothing is lost: the next one may.
    if (problem?.status) this.#end(wanted, problem.detail);
  }

  async #sayStop() {
    const { id } = this.#burst;
    const [burst, problem] = await ask("POST", `/burst/stop?id=${id}`);
    // Meanwhile another may have been begun.
    if (this.#burst?.id !== id) return;
    if (burst) this.#burst = burst;
    this.#changed(this.#burst, burst ? burst.problem : problem.detail);
  }

  #end(wanted, problem) {
    if (this.#wanted !== wanted) return;
    this.#wanted = null;
    this.#changed(this.#burst, problem);
  }
}

/** The classes that there are, and what is wrong; either is null. */
export function collection() {
  return ask("GET", "");
}

const pause = () => new Promise((resolve) => { setTimeout(resolve, INTERVAL); });

/** What the daemon answers, and its refusal; either is null. Without a status it did not answer at all. */
async function ask(method, path, body) {
  try {
    const answer = await fetch(PATH + path, {
      method,
      headers: body ? { "Content-Type": "application/json" } : {},
      body: body && JSON.stringify(body),
      cache: "no-store",
      keepalive: true, // the word that it was released is often the last one of a page that is left
      signal: AbortSignal.timeout(ANSWER_WITHIN),
    });
    const said = await answer.json();
    return answer.ok ? [said, null] : [null, said];
  } catch {
    return [null, { detail: "The daemon does not answer." }];
  }
}
