/** Where the labels of boxes stand: none over another, all within the picture; by the rule of `sinks/placing.py`. */

/** Lines that a label may move up or down, where there is no room at its box's edges. */
const MOVES = 4;

/**
 * A place for each label: above its box, else below it, inside it, or moved up or down from there. The first ones
 * choose first.
 *
 * @param {number[][]} boxes left, top, right, bottom, in whole pixels; the most important first.
 * @param {number[][]} sizes width and height of their labels.
 * @param {number} width of the picture, as `height`.
 * @returns {(number[] | null)[]} the left and top of each label; null where there is no room for it.
 */
export function place(boxes, sizes, width, height) {
  const taken = [];
  return boxes.map((box, index) => {
    const [across, high] = sizes[index];
    const rectangleAt = ([left, top]) => [left, top, left + across, top + high];
    const isFree = (spot) => !taken.some((other) => overlap(rectangleAt(spot), other));
    const free = candidates(box, sizes[index], width, height).find(isFree);
    if (free) taken.push(rectangleAt(free));
    return free ?? null;
  });
}

/** The places of a label within the picture, the best first: each at the left edge of its box, then at the right. */
function candidates([left, top, right, bottom], [across, high], width, height) {
  if (across > width) return [];
  const tops = [top - high, bottom, top, bottom - high];
  for (let move = 1; move <= MOVES; move += 1) tops.push(top + move * high, top - (move + 1) * high);
  const lefts = [left, right - across].map((at) => Math.min(Math.max(0, at), width - across));
  const within = tops.filter((at) => at >= 0 && at <= height - high);
  return within.flatMap((at) => lefts.map((begin) => [begin, at]));
}

function overlap(one, other) {
  return one[0] < other[2] && other[0] < one[2] && one[1] < other[3] && other[1] < one[3];
}
