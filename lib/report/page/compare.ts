/**
 * Sections of the report page that show this run beside another one, and the software it ran with.
 *
 * @module
 */

import {
  exceptionName,
  failedThenText,
  formatCount,
  formatEfficiency,
  formatSeconds,
  formatSize,
  nProblems,
  shapeText,
} from "../format.ts";
import type { BaselineReport, RunReport, TaskFigures } from "../model.ts";
import { type Markup, markup } from "./markup.ts";
import {
  amountCell,
  numberCell,
  numberHeadings,
  scrolledTable,
  type Section,
  taskHeading,
  textHeadings,
} from "./parts.ts";

/** Null without another run. */
export function baselineSection({ baseline }: RunReport): Section | null {
  if (baseline === null) return null;
  return {
    id: "baseline",
    title: "Beside the baseline",
    body: markup`<p>Baseline: ${baseline.output_run}, ${baseline.source}.</p>
${fates(baseline)}${tasksTable(baseline)}${clustersTable(baseline)}${versionsTable(baseline)}`,
  };
}

function fates(baseline: BaselineReport): Markup {
  const text = failedThenText(baseline) ??
    "Too many quanta failed in the baseline to be compared one by one";
  return markup`<p>${text}.</p>`;
}

function tasksTable({ tasks, output_run }: BaselineReport): Markup {
  const pair = (
    task: BaselineReport["tasks"][number],
    cell: (figures: TaskFigures) => Markup,
  ) => [task.now, task.baseline].map((of) => of === null ? amountCell(null, String) : cell(of));
  const titles = [
    "Quanta",
    "Failed",
    "Blocked",
    "Median time",
    "Most memory",
    "Efficiency",
    "Lost",
  ];
  return scrolledTable({
    id: "baseline-tasks",
    label: "Tasks beside the baseline",
    text: markup`Each number beside that of ${output_run}.`,
    head: markup`<th scope="col">Task</th>${
      numberHeadings(titles.flatMap((title) => [title, "then"]))
    }`,
    body: tasks.map((task) =>
      markup`<tr>${taskHeading(task.task)}${pair(task, ({ n_quanta }) => numberCell(n_quanta))}${
        pair(task, ({ by_status }) => numberCell(nProblems(by_status), true))
      }${pair(task, ({ by_status }) => numberCell(by_status.BLOCKED))}${
        pair(task, ({ median_run_time }) => amountCell(median_run_time, formatSeconds))
      }${pair(task, ({ max_memory }) => amountCell(max_memory, formatSize))}${
        pair(task, ({ cpu_efficiency }) => amountCell(cpu_efficiency, formatEfficiency))
      }${pair(task, ({ lost_time }) => amountCell(lost_time, formatSeconds))}</tr>
`
    ),
  });
}

function clustersTable({ clusters, n_clusters_left }: BaselineReport): Markup {
  if (clusters.length === 0) return markup`<p>Each cause has as many failed quanta as then.</p>`;
  return scrolledTable({
    id: "baseline-causes",
    label: "Causes beside the baseline",
    text: `Causes with other numbers of failed quanta than then.${
      n_clusters_left === 0 ? "" : ` ${formatCount(n_clusters_left)} more are not listed.`
    }`,
    head: markup`${textHeadings(["Task", "Cause"])}${
      numberHeadings(["Failed", "then", "Difference"])
    }`,
    body: clusters.map(({ task, exception, shape, n_now, n_baseline }) =>
      markup`<tr>${taskHeading(task)}<td class="text"><code>${
        exceptionName(exception)
      }</code><span class="message">${shapeText(shape)}</span></td>${numberCell(n_now, true)}${
        numberCell(n_baseline)
      }<td class="number" data-v="${n_now - n_baseline}">${n_now > n_baseline ? "+" : "−"}${
        formatCount(Math.abs(n_now - n_baseline))
      }</td></tr>
`
    ),
  });
}

function versionsTable({ versions }: BaselineReport): Markup {
  if (versions === null) return markup`<p>Versions of software are not recorded in both.</p>`;
  if (versions.length === 0) return markup`<p>All packages have the same versions as then.</p>`;
  return scrolledTable({
    id: "baseline-versions",
    label: "Versions beside the baseline",
    text: "Packages with other versions than then.",
    head: markup`${textHeadings(["Package", "Now", "Then"])}`,
    body: versions.map(({ name, now, baseline }) =>
      markup`<tr><th scope="row">${name}</th><td class="text">${now ?? "–"}</td><td class="text">${
        baseline ?? "–"
      }</td></tr>
`
    ),
  });
}

/** Packages that ran. Null if they aren't recorded. */
export function versionsSection({ versions }: RunReport): Section | null {
  if (versions === null) return null;
  const names = Object.keys(versions).sort();
  return {
    id: "versions",
    title: "Software",
    body: markup`<details><summary>${formatCount(names.length)} packages</summary>
${
      scrolledTable({
        id: "versions",
        label: "Versions of software",
        text: "As the run, and the tool that recorded it, wrote them down.",
        head: markup`${textHeadings(["Package", "Version"])}`,
        body: names.map((name) =>
          markup`<tr><th scope="row">${name}</th><td class="text">${versions[name]}</td></tr>
`
        ),
      })
    }</details>`,
  };
}
