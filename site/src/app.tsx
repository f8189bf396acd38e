/** The page around the pages. */

import { useEffect, useMemo } from "preact/hooks";
import { Find } from "./pages/find";
import { LineagePage } from "./pages/lineage";
import { ListPage } from "./pages/list";
import { MacroPage } from "./pages/macro";
import { NodePage } from "./pages/node";
import { Overview } from "./pages/overview";
import { type By, Sidebar } from "./pages/sidebar";
import type { Project } from "./project";
import { link, useRoute } from "./route";
import { Columns } from "./trace";
import { title } from "./ui/bits";
import { remembered } from "./ui/memory";

type Light = "auto" | "light" | "dark";
const LIGHTS: Light[] = ["auto", "light", "dark"];

export function App({ project }: { project: Project }) {
  const route = useRoute();
  const columns = useMemo(() => new Columns(project), [project]);
  const [light, setLight] = remembered<Light>("headwater-light", "auto", LIGHTS);
  useEffect(() => {
    document.documentElement.style.colorScheme = light === "auto" ? "light dark" : light;
  }, [light]);

  const [place, name = "", more = ""] = route.path;
  const node = place === "node" ? project.byId.get(name) : undefined;
  const macro = place === "macro" ? project.site.macros.find((macro) => macro.name === name) : undefined;
  const current = node?.id ?? (macro && `macro.${macro.name}`);
  const heading = node ? title(node) : (macro?.name ?? (place === "lineage" ? "Lineage" : place === "by" ? more : ""));
  useEffect(() => {
    document.title = heading ? `${heading} · ${project.site.project}` : project.site.project;
  }, [heading, project]);
  useEffect(() => {
    document.querySelector("main")?.scrollTo(0, 0);
  }, [place, name, more]);

  const page = () => {
    if (place === undefined) return <Overview project={project} />;
    if (place === "lineage") return <LineagePage project={project} columns={columns} route={route} />;
    if (place === "licences") return <Licences />;
    if (place === "by") return <ListPage project={project} by={name as By} value={more} />;
    if (node) return <NodePage key={node.id} project={project} columns={columns} node={node} />;
    if (macro) return <MacroPage project={project} macro={macro} />;
    return (
      <article>
        <h1>Not here</h1>
        <p>
          There is no <code>{route.path.join("/")}</code> in this project. Begin at the <a href="#/">overview</a>.
        </p>
      </article>
    );
  };
  return (
    <div class={`app ${place === "lineage" ? "wide" : ""}`}>
      <header class="top">
        <a class="brand" href="#/">
          <svg viewBox="0 0 32 32" width="20" height="20" aria-hidden="true">
            <path d="M16 3c5 7 9 11 9 17a9 9 0 0 1-18 0c0-6 4-10 9-17z" fill="currentColor" />
          </svg>
          {project.site.project}
        </a>
        <Find project={project} />
        <nav aria-label="Pages">
          <a href="#/" aria-current={place === undefined ? "page" : undefined}>
            Overview
          </a>
          <a href={link(["lineage"])} aria-current={place === "lineage" ? "page" : undefined}>
            Lineage
          </a>
          <button type="button" class="light" title={`Colours: ${light}`} onClick={() => setLight(LIGHTS[(LIGHTS.indexOf(light) + 1) % LIGHTS.length] ?? "auto")}>
            {{ auto: "◐", light: "☀", dark: "☾" }[light]}
            <span class="hidden">Colours: {light}</span>
          </button>
        </nav>
      </header>
      <Sidebar project={project} current={current} />
      <main>{page()}</main>
    </div>
  );
}

/** What the libraries in this page want to be said. */
function Licences() {
  return (
    <article>
      <h1>Licences</h1>
      <p>This page is made with these libraries.</p>
      <pre class="licences">{document.getElementById("licences")?.textContent}</pre>
    </article>
  );
}
