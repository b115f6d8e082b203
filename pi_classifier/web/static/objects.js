/** What a detector has found in a frame, counted. */

/**
 * @param {{class_id: number, label: string, zones?: string[]}[]} detections of one frame.
 * @returns {{classId: number, label: string, count: number, zones: Map<string, number>}[]} by class, the most first;
 *   `zones`: how many of them are in each.
 */
export function countObjects(detections) {
  const counts = new Map();
  for (const { class_id: classId, label, zones = [] } of detections) {
    const counted = counts.get(classId) ?? { classId, label, count: 0, zones: new Map() };
    counts.set(classId, counted);
    counted.count += 1;
    for (const zone of zones) counted.zones.set(zone, (counted.zones.get(zone) ?? 0) + 1);
  }
  return [...counts.values()].sort((one, other) => other.count - one.count || one.classId - other.classId);
}

/** Where they are: "2 in drive, 1 in porch". */
export function zonesText({ zones }) {
  return [...zones].map(([zone, count]) => `${count} in ${zone}`).join(", ");
}

/** All in one line: "person 2, dog 1". */
export function summary(counts) {
  return counts.map(({ label, count }) => `${label} ${count}`).join(", ") || "no objects";
}
