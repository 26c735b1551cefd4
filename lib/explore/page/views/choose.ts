/**
 * What the page shows before a run is open.
 *
 * @module
 */

import { useState } from "preact/hooks";
import { Problem } from "../parts.ts";
import { html, type VNode } from "../view.ts";

/** A form for a URL, and a place to drop a file. */
export function Choose(
  { error, onFile }: { error: unknown; onFile: (file: File) => void },
): VNode {
  const [isOver, setIsOver] = useState(false);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setIsOver(false);
    const file = event.dataTransfer?.files[0];
    if (file !== undefined) onFile(file);
  };
  return html`
    <main id="main" class="choose" tabindex="-1">
      <h1>provgraph explorer</h1>
      <p>Opens a provenance graph, the <code>.qg</code> file that <code>aggregate-graph</code> writes, from where
        it lies: only the parts that are looked at are read. Nothing is sent anywhere.</p>
      ${error === null ? null : html`<${Problem} error=${error} />`}
      <form method="get" onSubmit=${openUrl}>
        <label for="url">URL of a graph or chunk log</label>
        <div class="row">
          <input id="url" name="graph" type="text" inputmode="url" required placeholder="https://data.example/run/provenance.qg" />
          <button type="submit">Open</button>
        </div>
      </form>
      <label
        class="drop ${isOver ? "over" : ""}"
        onDragOver=${(event: DragEvent) => {
          event.preventDefault();
          setIsOver(true);
        }}
        onDragLeave=${() => setIsOver(false)}
        onDrop=${drop}
      >
        <span>Drop a file here, or choose one</span>
        <input type="file" onChange=${(event: Event) => {
          const file = (event.target as HTMLInputElement).files?.[0];
          if (file !== undefined) onFile(file);
        }} />
      </label>
    </main>
  `;
}

/** By the address, so that it is a link to the run. */
function openUrl(event: Event): void {
  event.preventDefault();
  const { value } = (event.target as HTMLFormElement).elements.namedItem("url") as HTMLInputElement;
  const url = new URL(location.href);
  url.searchParams.set("graph", value.trim());
  url.hash = "";
  location.assign(url);
}
