/** Texts taken apart. */

/** What stands before and after the first of these. */
export function splitOnce(text: string, at: string): [string, string] | undefined {
  const place = text.indexOf(at);
  return place < 0 ? undefined : [text.slice(0, place), text.slice(place + at.length)];
}

/** What stands before and after the last of these. */
export function splitLast(text: string, at: string): [string, string] | undefined {
  const place = text.lastIndexOf(at);
  return place < 0 ? undefined : [text.slice(0, place), text.slice(place + at.length)];
}
