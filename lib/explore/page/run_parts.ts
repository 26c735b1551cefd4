/**
 * What several views show of how far a run has been read.
 *
 * @module
 */

import { useEffect, useReducer } from "preact/hooks";
import { formatCount, formatShare } from "../../report/format.ts";
import type { Run } from "./model/run.ts";
import { line, messageOf, Problem } from "./parts.ts";
import { html, type VNode } from "./view.ts";

/** Draws again whenever more is known of a run. */
export function useRun(run: Run): void {
  const [, draw] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    run.start();
    return run.listen(() => draw(undefined as never));
  }, [run]);
}

/** How far the quanta have been read, and how to read on. */
export function Progress({ run }: { run: Run }): VNode | null {
  const { state, nExpected, table: { n } } = run;
  const share = formatShare(n, Math.max(n, nExpected));
  const counted = `${formatCount(n)} of ${formatCount(nExpected)} quanta`;
  if (state === "complete") return null;
  if (state === "failed") return html`<${Problem} error=${run.error} />`;
  if (state === "paused") {
    const left = run.bytesLeft();
    return html`
      <div class="notice" role="status">
        <span>Read ${counted} (${share}); figures and lists are about these.</span>
        <button type="button" onClick=${() => run.resume()}>
          Read all${left === null ? "" : ` (${left} more)`}
        </button>
      </div>
    `;
  }
  if (state === "ended") {
    return html`
      <div class="notice" role="status">
        The chunk log is gone: its run was finished or given up. This is what it held last, ${counted}.
        Open the graph that was made of it.
      </div>
    `;
  }
  if (state === "following") {
    return html`
      <div class="notice live" role="status">
        <span><i class="pulse" aria-hidden="true"></i>Following: ${counted} scanned (${share}).</span>
        ${run.error === null ? null : html`<span class="bad">${line(messageOf(run.error))}</span>`}
      </div>
    `;
  }
  return html`
    <div class="notice" role="status">
      <progress max=${Math.max(1, nExpected)} value=${n}></progress>
      <span>Reading: ${counted}</span>
    </div>
  `;
}
