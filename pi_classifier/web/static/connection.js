/**
 * The WebSocket to the daemon, which comes back by itself.
 *
 * Before each attempt the status is asked for by HTTP: of a refused WebSocket a page is not told why.
 */

const FIRST_DELAY = 1000;
const LONGEST_DELAY = 10000;
const ANSWER_WITHIN = 10000;
/** The daemon sends a status every second: without any message for so long the way to it is broken. */
const SILENCE = 6000;
const GOING_AWAY = 1001;
const TOO_MANY_VIEWERS = 4013;

export class Connection {
  #listener;
  #socket = null;
  #delay = FIRST_DELAY;
  #retryTimer = 0;
  #heardAt = 0;

  /**
   * @param listener is told: `connecting()`, `waiting(problem, milliseconds)` until the next attempt, `loginNeeded()`,
   *   `message(object)` and `frame(ArrayBuffer)`.
   */
  constructor(listener) {
    this.#listener = listener;
    document.addEventListener("visibilitychange", () => this.#awake());
    window.addEventListener("online", () => this.#awake());
    setInterval(() => this.#listenForSilence(), 1000);
  }

  async connect() {
    this.#stopWaiting();
    this.#listener.connecting();
    let answer;
    try {
      answer = await fetch("api/v1/status", { cache: "no-store", signal: AbortSignal.timeout(ANSWER_WITHIN) });
    } catch {
      this.#retry("The daemon does not answer.");
      return;
    }
    if (answer.status === 401) this.#listener.loginNeeded();
    else if (answer.ok) this.#open();
    else this.#retry(await problemOf(answer));
  }

  /** Ask for one frame of a camera, `{ camera }`, or for those of one moment of a group, `{ group }`. */
  ask(credit) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(credit));
  }

  #open() {
    const address = new URL("api/v1/live", document.baseURI);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    this.#heardAt = performance.now();
    // What an abandoned socket still says is nobody's business.
    const unlessAbandoned = (action) => (event) => this.#socket === socket && action(event);
    socket.onmessage = unlessAbandoned(({ data }) => this.#hear(data));
    socket.onclose = unlessAbandoned(({ code }) => this.#lose(code));
    // Of two attempts at once, such as one by hand, one is too many.
    this.#socket?.close();
    this.#socket = socket;
  }

  #hear(data) {
    this.#heardAt = performance.now();
    if (typeof data !== "string") {
      this.#listener.frame(data);
      return;
    }
    this.#delay = FIRST_DELAY;
    this.#listener.message(JSON.parse(data));
  }

  #lose(code) {
    this.#socket = null;
    if (code === TOO_MANY_VIEWERS) this.#delay = LONGEST_DELAY;
    this.#retry(
      { [GOING_AWAY]: "The daemon has stopped.", [TOO_MANY_VIEWERS]: "There are too many viewers." }[code] ??
        "The connection was lost.",
    );
  }

  #retry(problem) {
    const delay = this.#delay * (0.75 + Math.random() / 2);
    this.#delay = Math.min(2 * this.#delay, LONGEST_DELAY);
    this.#stopWaiting();
    this.#retryTimer = setTimeout(() => this.connect(), delay);
    this.#listener.waiting(problem, delay);
  }

  #stopWaiting() {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = 0;
  }

  /** Somebody looks again, or the network is back. */
  #awake() {
    if (document.hidden) return;
    this.#heardAt = performance.now();
    if (this.#retryTimer) this.connect();
  }

  #listenForSilence() {
    if (!this.#socket || document.hidden || performance.now() - this.#heardAt < SILENCE) return;
    const silent = this.#socket;
    this.#socket = null;
    silent.close();
    this.#retry("The daemon does not answer.");
  }
}

/** What the daemon says of its refusal. */
async function problemOf(answer) {
  try {
    const { title, detail } = await answer.json();
    return `The daemon refuses: ${detail ?? title}.`;
  } catch {
    return `The daemon answers with status ${answer.status}.`;
  }
}
