/**
 * Section of the report page that tells causes of failures: clusters, ranked.
 *
 * @module
 */

import {
  exceptionName,
  formatCount,
  formatDataIdTerms,
  formatSeconds,
  sampleCommandLine,
  shapeText,
} from "../format.ts";
import type { ClusterReport, RunReport } from "../model.ts";
import { type Markup, markup } from "./markup.ts";
import {
  amountCell,
  numberCell,
  numberHeadings,
  scrolledTable,
  type Section,
  taskHeading,
} from "./parts.ts";

/** Failed attempts that ended alike, with the first of each kind. */
export function causesSection(report: RunReport): Section {
  const id = "causes";
  const title = "Failures by cause";
  if (report.clusters.length === 0) {
    return { id, title, body: markup`<p>No attempt failed.</p>` };
  }
  const sum = (of: (cluster: ClusterReport) => number) =>
    report.clusters.reduce((total, cluster) => total + of(cluster), 0);
  return {
    id,
    title,
    body: scrolledTable({
      id,
      label: title,
      text:
        "Attempts of one task with one exception whose messages differ in numbers, ids, paths " +
        "and data IDs only. Failed: quanta whose last attempt ended so. Blocks: quanta that weren't " +
        "run because of them, each counted with the failed one that is nearest upstream. Lost: run " +
        "time of these attempts. With caveats: quanta that count as successful all the same. " +
        "Earlier: attempts after which the quantum was tried again.",
      head: markup`<th scope="col">Task</th><th scope="col">Cause, with the first one met</th>${
        numberHeadings(["Failed", "Blocks", "Lost", "With caveats", "Earlier"])
      }`,
      body: report.clusters.map((cluster, i) => clusterRow(report, cluster, i)),
      foot: markup`<th scope="row">All</th><td>${formatCount(report.clusters.length)} causes</td>${
        numberCell(sum(({ n_failed }) => n_failed), true)
      }${numberCell(sum(({ n_blocked }) => n_blocked))}${
        amountCell(sum(({ lost_time }) => lost_time), formatSeconds)
      }${numberCell(sum(({ n_successful }) => n_successful))}${
        numberCell(sum(({ n_earlier }) => n_earlier))
      }`,
    }),
  };
}

function clusterRow(report: RunReport, cluster: ClusterReport, i: number): Markup {
  const { task, exception, shape } = cluster;
  return markup`<tr>${taskHeading(task)}<td class="text"><code>${exceptionName(exception)}</code>${
    shape === "" ? "" : markup`<span class="message">${shapeText(shape)}</span>`
  }${sample(report, cluster)}${
    cluster.n_failed === 0
      ? ""
      : markup`<a class="pick" href="#failed" data-cluster="${i}">List ${
        cluster.n_failed === 1 ? "it" : `all ${formatCount(cluster.n_failed)}`
      }</a>`
  }</td>${numberCell(cluster.n_failed, true)}${numberCell(cluster.n_blocked)}${
    amountCell(cluster.lost_time, formatSeconds)
  }${numberCell(cluster.n_successful)}${numberCell(cluster.n_earlier)}</tr>
`;
}

function sample(report: RunReport, cluster: ClusterReport): Markup {
  const { sample } = cluster;
  const parts: Markup[] = [];
  if (sample.why !== null) parts.push(markup`<p>${sample.why}</p>`);
  if (sample.message !== "") parts.push(markup`<pre>${sample.message}</pre>`);
  if (sample.log !== null) {
    parts.push(markup`<p class="soft">From its log:</p><pre>${sample.log}</pre>`);
  } else if (sample.why === null) {
    parts.push(markup`<p class="soft">It has no exception; its log wasn't looked at.</p>`);
  }
  return markup`<details><summary>${
    formatDataIdTerms(sample.data_id)
  }, attempt ${sample.attempt}</summary>
${parts}<p class="soft">More: <code>${sampleCommandLine(report, cluster)}</code></p></details>`;
}
