/**
 * The run at a glance: what became of its quanta, by task.
 *
 * @module
 */

import {
  formatCount,
  formatSeconds,
  formatShare,
  formatSize,
  SHOWN_STATUSES,
  statusWords,
} from "../../../report/format.ts";
import { CATEGORIES } from "../model/filters.ts";
import { line, Status, StatusBar } from "../parts.ts";
import { linkTo } from "../model/route.ts";
import type { Run } from "../model/run.ts";
import type { TaskSummary } from "../model/summary.ts";
import { Progress, useRun } from "../run_parts.ts";
import { html, type VNode } from "../view.ts";
import { TimelineFigure } from "./timeline.ts";

/** The view. */
export function Overview({ run }: { run: Run }): VNode {
  useRun(run);
  const { summary, header } = run;
  const statuses = SHOWN_STATUSES.filter((name) =>
    (summary.byStatus.get(name) ?? 0) > 0 || ["SUCCESSFUL", "FAILED", "BLOCKED"].includes(name)
  );
  return html`
    <section aria-labelledby="overview-title">
      <h2 id="overview-title" class="heard">Overview</h2>
      <${Progress} run=${run} />
      <ul class="tiles">
        <${Tile} name="Quanta" value=${formatCount(
          run.nExpected,
        )} more=${summary.n === run.nExpected
          ? `${run.labels.length} tasks`
          : `${formatCount(summary.n)} read`} href=${linkTo("quanta")} />
        ${statuses.map((name) =>
          html`
            <${Tile}
              name=${statusWords(name)}
              status=${name}
              value=${formatCount(summary.byStatus.get(name) ?? 0)}
              more=${formatShare(summary.byStatus.get(name) ?? 0, summary.n)}
              href=${linkTo("quanta", { status: name })}
            />
          `
        )}
        <${Tile} name="Retried" value=${formatCount(summary.nRetried)} more="several attempts"
          href=${linkTo("quanta", { where: "attempts > 1" })} />
        <${Tile} name="Time" value=${formatSeconds(summary.runTime)} more="all attempts together" />
        <${Tile} name="Memory" value=${summary.maxMemory === 0
          ? "–"
          : formatSize(summary.maxMemory)} more="most of one attempt" />
      </ul>
      <div class="scroll" role="region" aria-label="Tasks" tabindex="0">
        <table class="tasks">
          <caption class="heard">Quanta of each task by status, with time and memory</caption>
          <thead>
            <tr>
              <th scope="col">Task</th>
              <th scope="col" class="grow">Status</th>
              <th scope="col" class="number">Quanta</th>
              ${statuses.map((name) =>
                html`<th scope="col" class="number">${statusWords(name)}</th>`
              )}
              <th scope="col" class="number">Median time</th>
              <th scope="col" class="number">Longest</th>
              <th scope="col" class="number">Most memory</th>
            </tr>
          </thead>
          <tbody>
            ${[...summary.tasks].filter(([label, { n }]) =>
              n > 0 || (header.n_task_quanta[label] ?? 0) > 0
            ).map(([label, task]) =>
              html`
                <${TaskRow}
                  label=${label}
                  task=${task}
                  statuses=${statuses}
                  expected=${header.n_task_quanta[label] ?? task.n}
                />
              `
            )}
          </tbody>
        </table>
      </div>
      <${TimelineFigure} run=${run} />
      <${About} run=${run} />
    </section>
  `;
}

function Tile(
  { name, value, more, status, href }: {
    name: string;
    value: string;
    more: string;
    status?: string;
    href?: string;
  },
): VNode {
  const inside = html`
    <span class="name">${status === undefined ? name : html`<${Status} name=${status} />`}</span>
    <span class="value">${value}</span>
    <span class="more">${more}</span>
  `;
  return html`<li>${
    href === undefined ? html`<div>${inside}</div>` : html`<a href=${href}>${inside}</a>`
  }</li>`;
}

function TaskRow(
  { label, task, statuses, expected }: {
    label: string;
    task: TaskSummary;
    statuses: readonly string[];
    expected: number;
  },
): VNode {
  const { runTime, memory } = task;
  return html`
    <tr>
      <th scope="row"><a href=${linkTo("quanta", { task: label })}>${line(label)}</a></th>
      <td class="grow"><${StatusBar} counts=${task.byStatus} total=${Math.max(
        expected,
        task.n,
      )} /></td>
      <td class="number">${formatCount(expected)}</td>
      ${statuses.map((name) => {
        const n = task.byStatus.get(name) ?? 0;
        const isBad = CATEGORIES.bad.has(name) && n > 0;
        return html`
          <td class="number ${n === 0 ? "zero" : isBad ? "bad" : ""}">
            ${n === 0
              ? "0"
              : html`<a href=${linkTo("quanta", { task: label, status: name })}>${
                formatCount(n)
              }</a>`}
          </td>
        `;
      })}
      <td class="number">${runTime.n === 0 ? "–" : formatSeconds(runTime.quantile(0.5))}</td>
      <td class="number">${runTime.n === 0 ? "–" : formatSeconds(runTime.max)}</td>
      <td class="number">${memory.n === 0 ? "–" : formatSize(memory.max)}</td>
    </tr>
  `;
}

/** What the header says of where the run is from. */
function About({ run: { header, documents, isGrowing } }: { run: Run }): VNode {
  const facts: [name: string, value: string | null][] = [
    ["Run", header.output_run],
    ["Output chain", header.output],
    ["Inputs", header.inputs.join(", ")],
    ["User", header.user],
    ["Planned", header.timestamp],
    ["Command", header.command],
    [isGrowing ? "Chunk log" : "Graph", documents.name],
  ];
  return html`
    <details class="about">
      <summary>About this run</summary>
      <dl>
        ${facts.filter(([, value]) => value).map(([name, value]) =>
          html`
            <div>
              <dt>${name}</dt>
              <dd>${line(value!)}</dd>
            </div>
          `
        )}
      </dl>
    </details>
  `;
}
