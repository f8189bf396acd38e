/** One criterion as written: `@`, `2+`, `method:`, the value, `+3`. */

import { splitLast, splitOnce } from "./texts";
import { said } from "./near";

/** What may stand before the colon. */
const METHOD = /^[\p{Alphabetic}\p{N}_.]+$/u;
const DIGITS = /^[0-9]*$/;

/** One criterion: `2+method:value+3`. */
export interface Criterion {
  /** All of it. */
  text: string;
  /** Which of the matched nodes' relatives come along: `@`, or so many steps up and down, if any. */
  reach: "around" | { parents: number | undefined; children: number | undefined };
  /** What stands before the colon, if there is one. */
  method: Written | undefined;
  /** What is looked for; never empty. */
  value: Written;
}

/** A part of what is written, and where it stands. */
export interface Written {
  text: string;
  at: number;
}

/** What is wrong with what is written, and where. */
export class Wrong extends Error {
  constructor(
    readonly at: number,
    message: string,
    ...hints: (string | undefined)[]
  ) {
    super(said(message, hints));
  }
}

/** Reads a word without a blank or comma. */
export function criterion(text: string, at: number): Criterion {
  const around = text.startsWith("@");
  let rest = around ? text.slice(1) : text;
  let [parents, children]: [number | undefined, number | undefined] = [undefined, undefined];
  const above = splitOnce(rest, "+");
  if (above && DIGITS.test(above[0])) [parents, rest] = [depth(above[0]), above[1]];
  let method: Written | undefined;
  const colon = splitOnce(rest, ":");
  if (colon && METHOD.test(colon[0])) {
    method = { text: colon[0], at: at + text.length - rest.length };
    rest = colon[1];
  }
  const value = { text: rest, at: at + text.length - rest.length };
  const below = splitLast(rest, "+");
  if (below && DIGITS.test(below[1])) [value.text, children] = [below[0], depth(below[1])];
  if (value.text === "") throw nothingNamed(text, at, method);
  if (!around) return { text, reach: { parents, children }, method, value };
  // The ancestors that `@+x` asks for are in `@x` already.
  if (children !== undefined) throw atAndPlus(text, at, value.at + value.text.length);
  return { text, reach: "around", method, value };
}

/** From the digits beside a `+`. */
function depth(digits: string): number {
  return digits === "" ? Infinity : Number(digits);
}

export function loneComma(at: number): Wrong {
  return new Wrong(
    at,
    "a comma must stand between two criteria",
    "write an intersection without blanks: `tag:nightly,stg_*`",
  );
}

function nothingNamed(text: string, at: number, method: Written | undefined): Wrong {
  const hint = method
    ? `a value must follow \`${method.text}:\``
    : "write it without a space: `+name`, `name+`, `@name`";
  return new Wrong(at, `\`${text}\` names nothing`, hint);
}

function atAndPlus(text: string, at: number, plus: number): Wrong {
  return new Wrong(
    plus,
    `\`${text}\` has both \`@\` and a \`+\` after it`,
    `write \`@${text.slice(1, plus - at)}\``,
  );
}
