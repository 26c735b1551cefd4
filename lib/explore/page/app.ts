/**
 * The page as a whole: a frame around one view.
 *
 * @module
 */

import { useEffect, useReducer, useState } from "preact/hooks";
import { formatCount, formatSize } from "../../report/format.ts";
import { Choose } from "./views/choose.ts";
import { Compare } from "./views/compare.ts";
import { Dataset } from "./views/dataset.ts";
import { Failures } from "./views/failures.ts";
import { HeatMap } from "./views/heat_map.ts";
import type { Opener } from "./model/opener.ts";
import { Overview } from "./views/overview.ts";
import { line, Waiting } from "./parts.ts";
import { Quanta } from "./views/quanta.ts";
import { Quantum } from "./views/quantum.ts";
import { linkTo, parseRoute, type Route, type ViewName } from "./model/route.ts";
import { Run } from "./model/run.ts";
import type { ServedSource } from "../served.ts";
import { html, type VNode } from "./view.ts";

/** Views that the frame has links to. */
const LINKS: readonly [view: ViewName, title: string][] = [
  ["overview", "Overview"],
  ["failures", "Failures"],
  ["quanta", "Quanta"],
  ["map", "Map"],
  ["compare", "Compare"],
];

interface AppProps {
  opener: Opener;
  served: readonly ServedSource[];
}

/** What `?graph=`, or whoever serves the page, says is to be opened; null for nothing. */
function placeOf(served: readonly ServedSource[]): string | null {
  const search = new URLSearchParams(location.search);
  const source = served[Number(search.get("source") ?? 0)] ?? served[0];
  return source?.url ?? search.get("graph");
}

function isRemote(place: string | File, served: readonly ServedSource[]): boolean {
  return served.some((source) => source.url === place && source.isRemote);
}

/** The page. */
export function App({ opener, served }: AppProps): VNode {
  const [place, setPlace] = useState<string | File | null>(placeOf(served));
  const [run, setRun] = useState<Run | null>(null);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    if (place === null) return;
    let opened: Run | null = null;
    let isWanted = true;
    setRun(null);
    setError(null);
    opener.open(place, isRemote(place, served)).then(({ documents, traffic, budget }) =>
      Run.open(documents, traffic, budget)
    )
      .then((run) => {
        opened = run;
        if (isWanted) setRun(run);
        else run.close();
      }).catch((cause) => isWanted && setError(cause));
    return () => {
      isWanted = false;
      opened?.close();
    };
  }, [place]);
  useEffect(() => {
    document.title = run === null ? "provgraph explorer" : `${line(run.name)}: provgraph explorer`;
  }, [run]);
  if (run !== null) return html`<${Frame} run=${run} opener=${opener} served=${served} />`;
  if (place === null || error !== null) {
    return html`<${Choose} error=${error} onFile=${setPlace} />`;
  }
  return html`
    <main id="main" class="choose">
      <h1>provgraph explorer</h1>
      <${Waiting} what="the run" />
    </main>
  `;
}

function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const follow = () => setHash(location.hash);
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return parseRoute(hash);
}

function Frame({ run, opener, served }: AppProps & { run: Run }): VNode {
  const route = useRoute();
  useEffect(() => {
    // Who listens is told where they are now; who came by a link within the page starts at its top.
    scrollTo(0, 0);
    document.getElementById("main")?.focus({ preventScroll: true });
  }, [route.view, route.id]);
  return html`
    <a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
    <header>
      <div class="title">
        <h1 title=${line(run.name)}>${line(run.name)}</h1>
        <span class="soft kind">${run.isGrowing ? "chunk log" : "provenance graph"}</span>
        ${served.length > 1 ? html`<${Sources} served=${served} />` : null}
      </div>
      <div class="bar-row">
        <nav aria-label="Views">
          ${LINKS.map(([view, title]) =>
            html`<a href=${linkTo(view)} aria-current=${
              view === route.view ? "page" : undefined
            }>${title}</a>`
          )}
        </nav>
        <${Find} />
      </div>
    </header>
    <main id="main" tabindex="-1" class=${`v-${route.view}`}>
      <${View} run=${run} route=${route} opener=${opener} served=${served} />
    </main>
    <${Footer} run=${run} />
  `;
}

function View({ run, route, opener, served }: AppProps & { run: Run; route: Route }): VNode {
  switch (route.view) {
    case "overview":
      return html`<${Overview} run=${run} />`;
    case "failures":
      return html`<${Failures} run=${run} query=${route.query} />`;
    case "quanta":
      return html`<${Quanta} key=${route.query.where ?? ""} run=${run} route=${route} />`;
    case "map":
      return html`<${HeatMap} run=${run} route=${route} />`;
    case "quantum":
      return html`<${Quantum} run=${run} route=${route} />`;
    case "dataset":
      return html`<${Dataset} run=${run} id=${route.id} />`;
    case "compare":
      return html`<${Compare} run=${run} route=${route} opener=${opener} served=${served} />`;
  }
}

/** Which of the served sources is shown: another is another address. */
function Sources({ served }: { served: readonly ServedSource[] }): VNode {
  const chosen = Number(new URLSearchParams(location.search).get("source") ?? 0);
  const choose = (event: Event) => {
    const url = new URL(location.href);
    url.searchParams.set("source", (event.target as HTMLSelectElement).value);
    url.hash = "";
    location.assign(url);
  };
  return html`
    <select aria-label="Source" onChange=${choose}>
      ${served.map(({ name }, i) =>
        html`<option value=${i} selected=${i === chosen}>${line(name)}</option>`
      )}
    </select>
  `;
}

/** Goes to a quantum or dataset by its ID. */
function Find(): VNode {
  const [text, setText] = useState("");
  const go = (event: Event) => {
    event.preventDefault();
    if (text.trim() === "") return;
    location.hash = linkTo("dataset", {}, text.trim());
    setText("");
  };
  return html`
    <form class="find" role="search" onSubmit=${go}>
      <input
        type="search"
        aria-label="Quantum or dataset: UUID, beginning of one, or LABEL DIMENSION=VALUE"
        placeholder="UUID or LABEL DIMENSION=VALUE …"
        value=${text}
        onInput=${(event: Event) => setText((event.target as HTMLInputElement).value)}
      />
      <button type="submit">Go</button>
    </form>
  `;
}

function Footer({ run }: { run: Run }): VNode {
  const [, draw] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    const timer = setInterval(() => draw(undefined as never), 1000);
    return () => clearInterval(timer);
  }, []);
  const { nRequests, nBytes } = run.traffic;
  return html`
    <footer>
      <span>${nRequests === 0
        ? "Read from a file of this computer."
        : `Read so far: ${formatSize(nBytes)} in ${formatCount(nRequests)} requests.`}</span>
      <span>Times are UTC.</span>
    </footer>
  `;
}

function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}
