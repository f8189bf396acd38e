/** How a table grew: a bar a version, as high as it has rows. */

import type { SiteVersion } from "../data";
import { count, duration, moment } from "./format";

const WIDTH = 640;
const HEIGHT = 72;

export function Growth({ versions }: { versions: SiteVersion[] }) {
  const told = versions.filter((version) => version.rows !== undefined).reverse();
  if (told.length < 2) return null;
  const most = Math.max(1, ...told.map((version) => version.rows ?? 0));
  const step = Math.min(48, WIDTH / told.length);
  const high = (version: SiteVersion) => Math.max(1, ((version.rows ?? 0) / most) * HEIGHT);
  return (
    <figure class="growth">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`Rows of the last ${told.length} versions`}>
        {told.map((version, at) => (
          <rect
            key={version.version}
            class={version.millis === undefined ? "noted" : ""}
            x={at * step + 1}
            y={HEIGHT - high(version)}
            width={Math.max(2, step - 3)}
            height={high(version)}
            rx={2}
          >
            <title>
              {`version ${version.version}: ${count(version.rows ?? 0)} rows`}
              {version.at ? `, ${moment(version.at)}` : ""}
              {version.millis === undefined ? "" : `, ${duration(version.millis)}`}
              {`, ${version.why}`}
            </title>
          </rect>
        ))}
      </svg>
      <figcaption>
        rows by version, {told[0]?.version} to {told.at(-1)?.version}; at most {count(most)}
      </figcaption>
    </figure>
  );
}
