/** Choices that stay: in the browser's storage, if the page is let at it. */

import { useState } from "preact/hooks";

export function remembered<T extends string>(key: string, usual: T, known: readonly T[]): [T, (value: T) => void] {
  const [value, setValue] = useState<T>(() => {
    const stored = read(key);
    return known.find((one) => one === stored) ?? usual;
  });
  const change = (next: T) => {
    try {
      localStorage.setItem(key, next);
    } catch {
      // A page from a disk may have no storage: the choice lasts as long as the page.
    }
    setValue(next);
  };
  return [value, change];
}

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
