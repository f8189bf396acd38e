/** Numbers and times for people. */

const whole = new Intl.NumberFormat("en");

export const count = (number: number): string => whole.format(number);

export function plural(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
}

export function bytes(number: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (number >= 1024 && unit < units.length - 1) {
    number /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? number : number.toFixed(number < 10 ? 1 : 0)} ${units[unit]}`;
}

export function duration(millis: number): string {
  if (millis < 1000) return `${Math.round(millis)} ms`;
  const seconds = millis / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A moment to the second, in UTC as everything in a lake is. */
export function moment(text: string): string {
  return text.replace("T", " ").replace(/(\.\d+)?Z$/, "Z");
}

/** How long ago a moment was: `3 hours ago`. */
export function ago(text: string): string {
  return `${span(Math.max(0, (Date.now() - Date.parse(text)) / 1000))} ago`;
}

/** A stretch of time in its largest unit: `3 hours`. */
export function span(seconds: number): string {
  const units: [number, string][] = [
    [86400, "day"],
    [3600, "hour"],
    [60, "minute"],
  ];
  for (const [size, name] of units) {
    if (seconds >= size) return plural(Math.floor(seconds / size), name);
  }
  return plural(Math.floor(seconds), "second");
}

/** A value of the settings, short. */
export function value(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
