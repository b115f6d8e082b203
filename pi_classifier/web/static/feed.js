/**
 * The frames of one camera, or of a group: those of one moment are asked for, shown when the browser paints, and only
 * then the next ones are asked for.
 *
 * So the newest is shown always, by a slow phone as well, and a hidden page, which is not painted, asks for nothing.
 */

const LENGTH_BYTES = 4;
const text = new TextDecoder();

/**
 * Take a message apart: the length of the header (uint32, big-endian), the header as JSON, the JPEG.
 *
 * @param {ArrayBuffer} message
 * @returns {{header: object, jpeg: Blob | null, at: number}} `jpeg` is null where pictures are turned off; `at` is the
 *   moment of its arrival by `performance.now()`.
 */
export function parseFrame(message) {
  const end = LENGTH_BYTES + new DataView(message).getUint32(0);
  const header = JSON.parse(text.decode(new Uint8Array(message, LENGTH_BYTES, end - LENGTH_BYTES)));
  const jpeg = end < message.byteLength ? new Blob([new Uint8Array(message, end)], { type: "image/jpeg" }) : null;
  return { header, jpeg, at: performance.now() };
}

export class Feed {
  #ask;
  #show;
  #wanted = false;
  #asked = false;
  #connection = 0;

  /**
   * @param ask asks the daemon for one moment.
   * @param show draws the frames of it; each has a `bitmap` if it has a JPEG.
   */
  constructor(ask, show) {
    this.#ask = ask;
    this.#show = show;
  }

  get wanted() {
    return this.#wanted;
  }

  /** Whether anybody can see it at all. */
  set wanted(wanted) {
    this.#wanted = wanted;
    this.#askWhenPainted();
  }

  /** There is a new connection: of what was asked on the last one nothing will come. */
  restart() {
    this.#connection += 1;
    this.#asked = false;
    this.#askWhenPainted();
  }

  /** The frames of the moment that was asked for: they are drawn together. */
  async take(...frames) {
    const connection = this.#connection;
    const decoded = await Promise.all(frames.map(decode));
    requestAnimationFrame(() => {
      if (connection === this.#connection) {
        // Who has looked away meanwhile may be shown frames from elsewhere.
        if (this.#wanted) this.#show(decoded);
        this.#asked = false;
        this.#askIfWanted();
      }
      for (const { bitmap } of decoded) bitmap?.close();
    });
  }

  #askWhenPainted() {
    requestAnimationFrame(() => this.#askIfWanted());
  }

  #askIfWanted() {
    if (!this.#wanted || this.#asked) return;
    this.#asked = true;
    this.#ask();
  }
}

async function decode(frame) {
  const bitmap = frame.jpeg && (await createImageBitmap(frame.jpeg).catch(() => null));
  return { ...frame, bitmap };
}
