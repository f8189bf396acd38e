/** The wildcards `*`, `?` and `[…]`, in names and in paths. */

import { type Written, Wrong } from "./written";

export type Pattern = (text: string) => boolean;

/** A pattern of a whole name; `*` matches any text. `whole`: what to call it if it is malformed. */
export function glob(value: Written, whole = value.text): Pattern {
  // In a name two stars mean no more than one; elsewhere they are folders.
  const pattern = compiled(value.text.replace(/\*+/g, "*"), false, value.at, whole);
  return (name) => pattern.test(name);
}

/** A file, or a folder with all that lies in it; `*` stays inside a folder, `**` does not. */
export function pathGlob(value: Written): Pattern {
  const pattern = compiled(normal(value.text), true, value.at, value.text);
  return (path) => {
    if (pattern.test(path) || pattern.test("")) return true;
    for (let end = path.indexOf("/"); end >= 0; end = path.indexOf("/", end + 1)) {
      if (pattern.test(path.slice(0, end))) return true;
    }
    return false;
  };
}

/** With `/`, and without what does not change the place: `.\models\\staging\` is `models/staging`. */
export function normal(path: string): string {
  return path
    .split(/[/\\]/)
    .filter((part) => part !== "" && part !== ".")
    .join("/");
}

export function hasWildcard(text: string): boolean {
  return /[*?[\]]/.test(text);
}

/** The pattern as a regular expression. `isPath`: only a `/` or a `**` matches a `/`. */
function compiled(text: string, isPath: boolean, at: number, whole: string): RegExp {
  const malformed = (why: string) => new Wrong(at, `\`${whole}\` is not a pattern`, why);
  const characters = [...text];
  const any = isPath ? "[^/]" : ".";
  let found = "";
  for (let next = 0; next < characters.length; ) {
    const start = next;
    const character = characters[next++] as string;
    if (character === "*") {
      while (characters[next] === "*") next++;
      const stars = next - start;
      if (stars > 2) throw malformed("wildcards are either regular `*` or recursive `**`");
      if (stars === 1) {
        found += `${any}*`;
        continue;
      }
      const alone = (beside: string | undefined) => beside === undefined || beside === "/";
      if (!alone(characters[start - 1]) || !alone(characters[next])) {
        throw malformed("recursive wildcards must form a single path component");
      }
      found += next++ < characters.length ? "(?:.*/)?" : ".*";
    } else if (character === "?") {
      found += any;
    } else if (character === "[") {
      const negated = characters[next] === "!";
      if (negated) next++;
      // What comes first belongs to the set, even if it is a bracket.
      const end = characters.indexOf("]", next + 1);
      if (end < 0) throw malformed("invalid range pattern");
      found += `${isPath ? "(?!/)" : ""}[${negated ? "^" : ""}${specifiers(characters.slice(next, end))}]`;
      next = end + 1;
    } else {
      found += literal(character);
    }
  }
  return new RegExp(`^(?:${found})$`, "su");
}

/** The inside of a set: characters, and ranges of them. */
function specifiers(characters: string[]): string {
  let found = "";
  for (let at = 0; at < characters.length; at++) {
    const first = characters[at] as string;
    if (characters[at + 1] !== "-" || at + 2 >= characters.length) {
      found += literal(first);
      continue;
    }
    at += 2;
    const last = characters[at] as string;
    // A range that runs backwards holds nothing.
    if (codePoint(first) <= codePoint(last)) found += `${literal(first)}-${literal(last)}`;
  }
  return found;
}

function literal(character: string): string {
  return /\w/.test(character) ? character : `\\u{${codePoint(character).toString(16)}}`;
}

function codePoint(character: string): number {
  return character.codePointAt(0) as number;
}
