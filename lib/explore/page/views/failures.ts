/**
 * Failures by what they have in common: task, exception and shape of the message, as the report has them.
 *
 * @module
 */

import { firstLine, formatCount, formatSeconds } from "../../../report/format.ts";
import { block, line } from "../parts.ts";
import { linkTo } from "../model/route.ts";
import type { Run } from "../model/run.ts";
import type { Cluster } from "../model/summary.ts";
import { Progress, useRun } from "../run_parts.ts";
import { html, type VNode } from "../view.ts";

/** Clusters that are shown at once. */
const N_SHOWN = 100;

/** The view. */
export function Failures(
  { run, query }: { run: Run; query: Readonly<Record<string, string>> },
): VNode {
  useRun(run);
  const { clusters } = run.summary;
  const wanted = query.task ? clusters.filter(({ task }) => task === query.task) : clusters;
  const shown = wanted.slice(0, query.all ? wanted.length : N_SHOWN);
  return html`
    <section aria-labelledby="failures-title">
      <h2 id="failures-title">Failures <small>${wanted.length === 1
        ? "1 kind"
        : `${formatCount(wanted.length)} kinds`}</small></h2>
      <${Progress} run=${run} />
      ${wanted.length === 0
        ? html`<p class="soft">${
          run.state === "complete" ? "No attempt failed." : "No failure so far."
        }</p>`
        : html`<ol class="clusters">${
          shown.map((cluster) => html`<${ClusterCard} cluster=${cluster} />`)
        }</ol>`}
      ${shown.length < wanted.length
        ? html`<p><a href=${linkTo("failures", { ...query, all: "1" })}>Show all ${
          formatCount(wanted.length)
        }</a></p>`
        : null}
    </section>
  `;
}

function ClusterCard({ cluster }: { cluster: Cluster }): VNode {
  const { task, exception, shape, sample, number } = cluster;
  const name = exception?.slice(exception.lastIndexOf(".") + 1) ?? "No exception recorded";
  return html`
    <li class="cluster">
      <h3>
        <span class="bad">${line(name)}</span>
        <a class="task" href=${linkTo("quanta", { task })}>${line(task)}</a>
      </h3>
      <p class="counts">
        <a href=${linkTo("quanta", { failure: String(number) })}>
          ${formatCount(cluster.n_failed)} failed</a>
        ${cluster.n_successful > 0
          ? html`<span>${formatCount(cluster.n_successful)} successful all the same</span>`
          : null}
        ${cluster.n_earlier > 0
          ? html`<span>${
            cluster.n_earlier === 1
              ? "1 earlier attempt"
              : `${formatCount(cluster.n_earlier)} earlier attempts`
          }</span>`
          : null}
        ${cluster.n_blocked > 0
          ? html`<span>${formatCount(cluster.n_blocked)} blocked by them</span>`
          : null}
        ${cluster.lost_time > 0
          ? html`<span>${formatSeconds(cluster.lost_time)} lost</span>`
          : null}
        <a href=${linkTo(
          "quantum",
          { attempt: String(sample.attempt), tab: "log" },
          sample.id,
        )}>log of a sample</a>
      </p>
      ${shape === null
        ? html`<p class="soft">Others, of many shapes</p>`
        : html`<p class="shape"><code>${line(firstLine(shape))}</code></p>`}
      ${sample.message === "" || sample.message === shape ? null : html`
        <details>
          <summary>Message of the sample</summary>
          <pre>${block(sample.message)}</pre>
        </details>
      `}
    </li>
  `;
}
