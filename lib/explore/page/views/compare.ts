/**
 * Two graphs beside each other, as `diff` compares them.
 *
 * @module
 */

import { useState } from "preact/hooks";
import { GraphDocuments } from "../../../sources/graph_source.ts";
import {
  diff,
  type DiffQuantum,
  type GraphDiff,
  isTaskDifferent,
  type Pair,
  type TaskDiff,
} from "../../../inspect/diff.ts";
import {
  formatCount,
  formatDataIdTerms,
  formatSeconds,
  formatSize,
  statusWords,
} from "../../../report/format.ts";
import { line, Problem, Status, Waiting } from "../parts.ts";
import type { Opener } from "../model/opener.ts";
import { linkTo, linkWith, type Route } from "../model/route.ts";
import type { Run } from "../model/run.ts";
import type { ServedSource } from "../../served.ts";
import { useAnswer } from "../use_answer.ts";
import { html, type VNode } from "../view.ts";

/** Quanta of a task that are listed, of each kind. */
const N_LISTED = 50;

interface CompareProps {
  run: Run;
  route: Route;
  opener: Opener;
  served: readonly ServedSource[];
}

/** The view: the other graph is that of the link, or one that is chosen. */
export function Compare({ run, route, opener, served }: CompareProps): VNode {
  const [file, setFile] = useState<File | null>(null);
  const other = file ?? (route.query.with || null);
  return html`
    <section aria-labelledby="compare-title">
      <h2 id="compare-title">Compare</h2>
      <p class="soft">Quanta of two graphs are matched by task and data ID; both are read whole.</p>
      <${Chooser} route=${route} served=${served} onFile=${setFile} />
      ${other === null
        ? null
        : html`<${Result} run=${run} other=${other} opener=${opener} served=${served} />`}
    </section>
  `;
}

function Chooser(
  { route, served, onFile }: {
    route: Route;
    served: readonly ServedSource[];
    onFile: (file: File | null) => void;
  },
): VNode {
  const [url, setUrl] = useState(route.query.with ?? "");
  const go = (url: string) => {
    onFile(null);
    location.hash = linkWith(route, { with: url || null });
  };
  return html`
    <form class="filters" onSubmit=${(event: Event) => {
      event.preventDefault();
      go(url.trim());
    }}>
      ${served.length > 1
        ? html`<label>Served
        <select onChange=${(event: Event) => go((event.target as HTMLSelectElement).value)}>
          <option value="">choose …</option>
          ${
          served.map((source) =>
            html`<option value=${source.url} selected=${source.url === route.query.with}>${
              line(source.name)
            }</option>`
          )
        }
        </select></label>`
        : null}
      <label class="where">With the graph at
        <input type="text" inputmode="url" placeholder="https://…/provenance.qg" value=${url}
          onInput=${(event: Event) => setUrl((event.target as HTMLInputElement).value)} />
      </label>
      <button type="submit">Compare</button>
      <label>or the file <input type="file" onChange=${(event: Event) =>
        onFile((event.target as HTMLInputElement).files?.[0] ?? null)} /></label>
    </form>
  `;
}

async function compare(run: Run, other: string | File, opener: Opener): Promise<GraphDiff> {
  if (!(run.documents instanceof GraphDocuments)) {
    throw new Error(
      "Cannot compare a chunk log: its run isn't finished. Open the graph that is made of it.",
    );
  }
  const { documents } = await opener.open(other);
  if (!(documents instanceof GraphDocuments)) {
    throw new Error("Cannot compare with a chunk log: its run isn't finished.");
  }
  try {
    return await diff(run.documents, documents, N_LISTED);
  } finally {
    await documents[Symbol.asyncDispose]();
  }
}

/** A served source is shown as it was named, not by its address here. */
function shownName(name: string, served: readonly ServedSource[]): string {
  return served.find(({ url }) => name.endsWith(`/${url}"`))?.name ?? name;
}

function Result(
  { run, other, opener, served }: {
    run: Run;
    other: string | File;
    opener: Opener;
    served: readonly ServedSource[];
  },
): VNode {
  const answer = useAnswer(() => compare(run, other, opener), [run, other]);
  if (answer.state === "waiting") return html`<${Waiting} what="both graphs" />`;
  if (answer.state === "failed") return html`<${Problem} error=${answer.error} />`;
  const { tasks, isDifferent, names } = answer.value;
  return html`
    <p role="status">${isDifferent
      ? "They differ."
      : "Quanta, statuses and exceptions are the same."}
      <span class="soft"> A: ${line(shownName(names[0], served))}. B: ${line(
        shownName(names[1], served),
      )}.</span></p>
    <div class="scroll" role="region" aria-label="Differences by task" tabindex="0">
      <table>
        <caption class="heard">Differences by task</caption>
        <thead>
          <tr>
            <th scope="col">Task</th>
            <th scope="col" class="number">Quanta</th>
            <th scope="col">Statuses</th>
            <th scope="col" class="number">Changed</th>
            <th scope="col" class="number">Only in A</th>
            <th scope="col" class="number">Only in B</th>
            <th scope="col" class="number">Median time</th>
            <th scope="col" class="number">Median memory</th>
          </tr>
        </thead>
        <tbody>${tasks.map((task) => html`<${TaskRow} task=${task} />`)}</tbody>
      </table>
    </div>
    ${tasks.filter(isTaskDifferent).map((task) => html`<${TaskDetails} task=${task} />`)}
  `;
}

function pair<T>([a, b]: Pair<T>, format: (value: NonNullable<T>) => string): string {
  const text = (value: T) => value == null ? "–" : format(value);
  return text(a) === text(b) ? text(a) : `${text(a)} → ${text(b)}`;
}

function TaskRow({ task }: { task: TaskDiff }): VNode {
  const count = (n: number) =>
    html`<td class="number ${n === 0 ? "zero" : "bad"}">${formatCount(n)}</td>`;
  return html`
    <tr>
      <th scope="row">${line(task.task)}</th>
      <td class="number">${pair(task.nQuanta, formatCount)}</td>
      <td>${[...task.statuses].map(([name, counts]) =>
        html`<div><${Status} name=${name} /> ${pair(counts, formatCount)}</div>`
      )}</td>
      ${count(task.nChanged)}${count(task.nOnly[0])}${count(task.nOnly[1])}
      <td class="number">${pair(task.runTime, formatSeconds)}</td>
      <td class="number">${pair(task.memory, formatSize)}</td>
    </tr>
  `;
}

function TaskDetails({ task }: { task: TaskDiff }): VNode {
  const exceptions = [...task.exceptions].filter(([, [a, b]]) => a !== b);
  return html`
    <h3>${line(task.task)}</h3>
    ${exceptions.length === 0
      ? null
      : html`<ul>${
        exceptions.map(([name, counts]) =>
          html`<li><b class="bad">${line(name)}</b> ${pair(counts, formatCount)}</li>`
        )
      }</ul>`}
    <ul class="changes">
      ${task.changed.map((quantum) =>
        html`<li>${statusWords(quantum.oldStatus)} → <${Status} name=${
          quantum.status ?? "UNKNOWN"
        } /> <${LinkInA} task=${task.task} quantum=${quantum} /></li>`
      )}
      ${task.only[0].map((quantum) =>
        html`<li>only in A: <a href=${linkTo("quantum", {}, quantum.quantumId)}>${
          dataIdOf(quantum)
        }</a></li>`
      )}
      ${task.only[1].map((quantum) => html`<li>only in B: ${dataIdOf(quantum)}</li>`)}
    </ul>
    ${Math.max(task.nChanged, ...task.nOnly) > N_LISTED
      ? html`<p class="soft">The first ${N_LISTED} of each kind.</p>`
      : null}
  `;
}

/** The quantum of A that has the same data ID: the difference names that of B. */
function LinkInA({ task, quantum }: { task: string; quantum: DiffQuantum }): VNode {
  const text = dataIdOf(quantum);
  const words = [task, ...text.split(" ")];
  // A value with a blank in it is no word of a selector.
  const isPlain = words.length === 1 + quantum.requiredDimensions.length;
  return isPlain
    ? html`<a href=${linkTo("quantum", {}, words.join(" "))}>${text}</a>`
    : html`<span>${text}</span>`;
}

function dataIdOf({ dataId, requiredDimensions }: DiffQuantum): string {
  return line(formatDataIdTerms(Object.fromEntries(
    Object.entries(dataId).filter(([name]) => requiredDimensions.includes(name)),
  )));
}
