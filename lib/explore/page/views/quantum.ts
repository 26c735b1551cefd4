/**
 * One quantum: its attempts, and what they left.
 *
 * @module
 */

import { decodeUtf8 } from "../../../base/json_text.ts";
import { indentJson } from "../../../inspect/cat/json_layout.ts";
import {
  type Attempt,
  type QuantumDocument,
  readQuantum,
} from "../../../provenance/documents/quantum.ts";
import { attemptStatusName } from "../../../provenance/quantum_status.ts";
import { caveatNames } from "../../../provenance/success_caveats.ts";
import { formatInstant, formatSeconds, formatSize } from "../../../report/format.ts";
import type { GraphDocuments } from "../../../sources/graph_source.ts";
import { lastStatusName } from "../../../sources/quantum_text.ts";
import { parseSelector } from "../../../sources/selector.ts";
import { Edges } from "./edges.ts";
import { Log } from "./log.ts";
import { block, line, Problem, Status, Waiting } from "../parts.ts";
import { dataIdText } from "../model/quantum_table.ts";
import { linkTo, linkWith, type Route } from "../model/route.ts";
import type { Run } from "../model/run.ts";
import { whyWords } from "../model/why_words.ts";
import { LongText } from "./long_text.ts";
import { useAnswer } from "../use_answer.ts";
import { html, type VNode } from "../view.ts";
import { Walk } from "./walk.ts";

/** Parts that are shown one at a time. */
const TABS: readonly [name: string, title: string][] = [
  ["log", "Log"],
  ["why", "Why"],
  ["metadata", "Metadata"],
  ["inputs", "Inputs and outputs"],
  ["graph", "Graph"],
  ["config", "Config"],
  ["document", "Document"],
];

/** A quantum with the text that it is from. */
interface Found {
  view: QuantumDocument;
  text: Uint8Array;
}

/** The view; its ID may also be the beginning of one. */
export function Quantum({ run, route }: { run: Run; route: Route }): VNode {
  const answer = useAnswer(() => findQuantum(run, route.id), [run, route.id]);
  if (answer.state === "waiting") return html`<${Waiting} what="the quantum" />`;
  if (answer.state === "failed") return html`<${Problem} error=${answer.error} />`;
  const { view, text } = answer.value;
  // A log that grows doesn't tell yet what is blocked, and by what.
  const tabs = run.isGrowing ? TABS.filter(([name]) => name !== "why") : TABS;
  const tab = tabs.some(([name]) => name === route.query.tab) ? route.query.tab : "log";
  const dataId = dataIdText(run.groups.get(view.taskLabel), view.dataCoordinate);
  return html`
    <section aria-labelledby="quantum-title">
      <p class="crumbs"><a href=${linkTo("quanta", { task: view.taskLabel })}>${line(
        view.taskLabel,
      )}</a></p>
      <h2 id="quantum-title">${line(dataId) ||
        line(view.taskLabel)} <${Status} name=${lastStatusName(view)} /></h2>
      <p class="id"><code>${line(view.quantumId)}</code></p>
      <${Attempts} view=${view} route=${route} />
      <nav class="tabs" aria-label="Parts of the quantum">
        ${tabs.map(([name, title]) =>
          html`
            <a href=${linkWith(route, {
              tab: name === "log" ? null : name,
            })} aria-current=${name === tab ? "true" : undefined}>${title}</a>
          `
        )}
      </nav>
      <${Part} run=${run} route=${route} tab=${tab} view=${view}
        text=${text} />
    </section>
  `;
}

async function findQuantum(run: Run, id: string): Promise<Found> {
  const selector = parseSelector(id.trim().split(/\s+/))!;
  const text = "quantumText" in run.documents
    ? await run.documents.quantumText(selector)
    : await run.documents.quantum(selector);
  return { text, view: readQuantum(text) };
}

function Part(
  { run, route, tab, view, text }: { run: Run; route: Route; tab: string } & Found,
): VNode {
  const chosen = Number(route.query.attempt ?? view.attempts.length - 1);
  switch (tab) {
    case "why":
      return html`<${Why} run=${run} id=${view.quantumId} route=${route} />`;
    case "metadata":
      return html`<${Metadata} run=${run} id=${view.quantumId} attempt=${chosen} route=${route} />`;
    case "inputs":
      return html`<${Edges} run=${run} view=${view} />`;
    case "graph":
      return html`<${Walk} run=${run} at=${{ kind: "quantum", id: view.quantumId }} />`;
    case "config":
      return html`<${Config} run=${run} label=${view.taskLabel} route=${route} />`;
    case "document":
      return html`<${LongText} text=${
        decodeUtf8(indentJson(text))
      } name="quantum" route=${route} />`;
    default:
      return html`<${Log} run=${run} id=${view.quantumId} attempt=${chosen} route=${route} />`;
  }
}

function Attempts({ view: { attempts }, route }: { view: QuantumDocument; route: Route }): VNode {
  if (attempts.length === 0) {
    return html`<p>It was never attempted: a quantum upstream failed. <a href=${
      linkWith(route, { tab: "graph" })
    }>Look upstream</a></p>`;
  }
  const chosen = Number(route.query.attempt ?? attempts.length - 1);
  return html`
    <div class="scroll" role="region" aria-label="Attempts" tabindex="0">
      <table class="attempts">
        <caption class="heard">Attempts</caption>
        <thead>
          <tr>
            <th scope="col">Attempt</th>
            <th scope="col">Status</th>
            <th scope="col">Began (UTC)</th>
            <th scope="col" class="number">Preparing</th>
            <th scope="col" class="number">Init</th>
            <th scope="col" class="number">Running</th>
            <th scope="col" class="number">CPU</th>
            <th scope="col" class="number">Memory</th>
          </tr>
        </thead>
        <tbody>
          ${attempts.map((attempt, i) =>
            html`<${Attempt} attempt=${attempt} i=${i} isChosen=${i === chosen} route=${route} />`
          )}
        </tbody>
      </table>
    </div>
  `;
}

function Attempt(
  { attempt: { status, usage, exception, caveats }, i, isChosen, route }: {
    attempt: Attempt;
    i: number;
    isChosen: boolean;
    route: Route;
  },
): VNode {
  const seconds = (value: number | undefined) =>
    value !== undefined && Number.isFinite(value) ? formatSeconds(value) : "–";
  return html`
    <tr class=${isChosen ? "chosen" : ""}>
      <th scope="row"><a href=${linkWith(route, { attempt: String(i) })} aria-current=${isChosen
        ? "true"
        : undefined}>${i}</a></th>
      <td><${Status} name=${attemptStatusName(status)} /> <span class="soft">${caveatNames(
        caveats ?? 0,
      )
        .join(", ")}</span></td>
      <td>${usage === null ? "–" : line(formatInstant(usage.start))}</td>
      <td class="number">${seconds(usage?.prepTime)}</td>
      <td class="number">${seconds(usage?.initTime)}</td>
      <td class="number">${seconds(usage?.runTime)}</td>
      <td class="number">${seconds(usage?.cpuSeconds)}</td>
      <td class="number">${usage !== null && Number.isFinite(usage.memory)
        ? formatSize(usage.memory)
        : "–"}</td>
    </tr>
    ${exception === null ? null : html`
      <tr class="exception">
        <td></td>
        <td colspan="7"><b class="bad">${line(exception.typeName)}</b><pre>${block(
          exception.message,
        )}</pre></td>
      </tr>
    `}
  `;
}

/** The document of an attempt, or why there is none. */
async function readMetadata(
  run: Run,
  id: string,
  attempt: number,
): Promise<{ text: string } | { reason: string }> {
  const documents = await run.documents.attempts("metadata", parseSelector([id])!);
  const range = documents.attempts[attempt] ?? null;
  if (range === null) return { reason: `No metadata: ${await documents.reason(attempt)}.` };
  return { text: decodeUtf8(indentJson(documents.text.subarray(...range))) };
}

function Metadata(
  { run, id, attempt, route }: { run: Run; id: string; attempt: number; route: Route },
): VNode {
  const answer = useAnswer(() => readMetadata(run, id, attempt), [run, id, attempt]);
  if (answer.state === "waiting") return html`<${Waiting} what="the metadata" />`;
  if (answer.state === "failed") return html`<${Problem} error=${answer.error} />`;
  if ("reason" in answer.value) return html`<p class="soft">${answer.value.reason}</p>`;
  return html`<${LongText} text=${answer.value.text} name="metadata" route=${route} />`;
}

/** The words of the command `why`. */
function Why({ run, id, route }: { run: Run; id: string; route: Route }): VNode {
  const answer = useAnswer(() => whyWords(run.documents as GraphDocuments, id), [run, id]);
  if (answer.state === "waiting") return html`<${Waiting} what="what is around it" />`;
  if (answer.state === "failed") return html`<${Problem} error=${answer.error} />`;
  return html`<${LongText} text=${answer.value} name="why" route=${route} />`;
}

function Config({ run, label, route }: { run: Run; label: string; route: Route }): VNode {
  const answer = useAnswer(
    () => run.documents.config({ kind: "dataId", label, terms: [], words: [label] }),
    [run, label],
  );
  if (answer.state === "waiting") return html`<${Waiting} what="the config" />`;
  if (answer.state === "failed") return html`<${Problem} error=${answer.error} />`;
  return html`<${LongText} text=${decodeUtf8(answer.value.text)} name="config" route=${route} />`;
}
