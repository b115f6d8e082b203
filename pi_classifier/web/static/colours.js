/** Colours that stay with a class, wherever it is drawn: those of `sinks/colours.py`, which draws on JPEGs. */

/** Degrees between the hues of two classes that are numbered one after the other: however many, they spread evenly. */
const GOLDEN_ANGLE = 137.508;

/** In degrees. */
export function hueOf(classId) {
  return (classId * GOLDEN_ANGLE) % 360;
}

/** Of a box, and of the ground of its label, on which black is readable. */
export function colourOf(classId) {
  return `hsl(${hueOf(classId)} 100% 70%)`;
}
