/** Lines between boxes. */

/** What is in sight, in the graph's own units, and whether from afar. */
export interface Sight {
  left: number;
  top: number;
  right: number;
  bottom: number;
  far: boolean;
}

/** A line through points that leaves and comes in level; of it only what may come into sight. */
export function curve(points: [number, number][], sight?: Sight): string {
  let path = "";
  let drawn = false;
  for (const [at, [x, y]] of points.slice(0, -1).entries()) {
    const [nextX, nextY] = points[at + 1] ?? [x, y];
    const before = drawn;
    drawn = !sight || (x < sight.right && nextX > sight.left && Math.min(y, nextY) < sight.bottom && Math.max(y, nextY) > sight.top);
    if (!drawn) continue;
    if (!before) path += `M${round(x)},${round(y)}`;
    const middle = round((x + nextX) / 2);
    path += `C${middle},${round(y)} ${middle},${round(nextY)} ${round(nextX)},${round(nextY)}`;
  }
  return path;
}

const round = (number: number): number => Math.round(number * 10) / 10;
