/**
 * One dataset: what it is, who wrote it and who reads it.
 *
 * @module
 */

import { formatCount } from "../../../report/format.ts";
import { parseSelector } from "../../../sources/selector.ts";
import type { TracedDataset, TraceKey } from "../../../sources/trace/trace_source.ts";
import { line, Problem, Waiting } from "../parts.ts";
import { dataIdText } from "../model/quantum_table.ts";
import { linkTo } from "../model/route.ts";
import type { Run } from "../model/run.ts";
import { useAnswer } from "../use_answer.ts";
import { html, type VNode } from "../view.ts";
import { Walk } from "./walk.ts";

/** The view. An ID that is a quantum's leads there. */
export function Dataset({ run, id }: { run: Run; id: string }): VNode {
  const answer = useAnswer(() => readDataset(run, id), [run, id]);
  if (answer.state === "waiting") return html`<${Waiting} what="the dataset" />`;
  if (answer.state === "failed") return html`<${Problem} error=${answer.error} />`;
  const { key, dataset } = answer.value;
  if (dataset === null) {
    location.replace(linkTo("quantum", {}, key.id));
    return html`<${Waiting} what="the quantum" />`;
  }
  const { row, consumers } = dataset;
  const { groups } = answer.value;
  const facts: [name: string, value: string | VNode][] = [
    ["Dataset type", line(row.typeName) || "not known, so far"],
    ["RUN", line(row.run) || "–"],
    [
      "Written",
      row.produced === null ? "not known" : row.produced ? "yes" : html`<b class="bad">no</b>`,
    ],
    [
      "Written by",
      row.producer === null
        ? "nothing in this run: it is an overall input"
        : html`<a href=${linkTo("quantum", {}, row.producer)}><code>${
          line(row.producer)
        }</code></a>`,
    ],
    ["Read by", consumers.length === 1 ? "1 quantum" : `${formatCount(consumers.length)} quanta`],
  ];
  return html`
    <section aria-labelledby="dataset-title">
      <p class="crumbs">Dataset</p>
      <h2 id="dataset-title">${line(row.typeName)} ${line(
        dataIdText(groups, row.dataCoordinate),
      )}</h2>
      <p class="id"><code>${line(key.id)}</code></p>
      <dl class="facts">${facts.map(([name, value]) =>
        html`
          <div>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>
        `
      )}</dl>
      <${Walk} run=${run} at=${key} />
    </section>
  `;
}

async function readDataset(run: Run, id: string) {
  const trace = await run.trace();
  const key: TraceKey = await trace.locate(parseSelector(id.trim().split(/\s+/))!);
  const dataset: TracedDataset | null = key.kind === "quantum" ? null : await trace.dataset(key.id);
  return { key, dataset, groups: trace.group("dataset", dataset?.row.typeName ?? "") };
}
