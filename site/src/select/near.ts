/** Hints: names that are near to one that is not known. */

/** A message with its hints. */
export function said(message: string, hints: (string | undefined)[]): string {
  return [message, ...hints.filter((hint) => hint !== undefined)].join("; ");
}

/** The question to ask about `wanted`, if any of the names is near it. */
export function question(wanted: string, names: Iterable<string>): string | undefined {
  const lower = wanted.toLowerCase();
  const near = [...names]
    .filter((name) => name !== wanted)
    .map((name) => ({ name, score: score(lower, name.toLowerCase()) }))
    .filter(({ score }) => score >= 0.7)
    .sort((a, b) => b.score - a.score || (a.name < b.name ? -1 : 1))
    .slice(0, 3)
    .map(({ name }) => `\`${name}\``);
  const last = near.pop();
  if (!last) return undefined;
  return near.length === 0 ? `did you mean ${last}?` : `did you mean ${near.join(", ")} or ${last}?`;
}

/** How near two names are, from 0 to 1. */
function score(a: string, b: string): number {
  const contained = a.length >= 3 && b.length >= 3 && (a.includes(b) || b.includes(a)) ? 0.75 : 0;
  const [left, right] = [[...a], [...b]];
  const longer = Math.max(left.length, right.length);
  return longer === 0 ? 1 : Math.max(1 - distance(left, right) / longer, contained);
}

/** How many characters to insert, remove, replace or swap with their neighbour (Damerau and Levenshtein). */
function distance(a: string[], b: string[]): number {
  const most = a.length + b.length;
  // One row and one column of `most` stand before those of the empty text.
  const width = b.length + 2;
  const steps = new Array<number>((a.length + 2) * width).fill(most);
  const cell = (i: number, j: number) => steps[(i + 1) * width + j + 1] as number;
  for (let i = 0; i <= a.length; i++) steps[(i + 1) * width + 1] = i;
  for (let j = 0; j <= b.length; j++) steps[width + j + 1] = j;
  const rows = new Map<string, number>();
  for (let i = 1; i <= a.length; i++) {
    let column = 0;
    for (let j = 1; j <= b.length; j++) {
      const row = rows.get(b[j - 1] as string) ?? 0;
      const same = a[i - 1] === b[j - 1];
      const swapped = cell(row - 1, column - 1) + (i - row - 1) + 1 + (j - column - 1);
      const replaced = cell(i - 1, j - 1) + (same ? 0 : 1);
      steps[(i + 1) * width + j + 1] = Math.min(replaced, cell(i - 1, j) + 1, cell(i, j - 1) + 1, swapped);
      if (same) column = j;
    }
    rows.set(a[i - 1] as string, i);
  }
  return cell(a.length, b.length);
}
