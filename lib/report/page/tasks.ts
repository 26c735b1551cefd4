/**
 * Sections of the report page with a row for each task: status, timeline, run time and memory.
 *
 * @module
 */

import { CAVEAT_LEGEND } from "../../provenance/success_caveats.ts";
import {
  histogram,
  type LogScale,
  logScale,
  scaleAxis,
  statusBar,
  statusLegend,
  timelineAxis,
  timelineLane,
} from "./figures.ts";
import {
  formatCount,
  formatEfficiency,
  formatInstant,
  formatSeconds,
  formatSize,
  shownStatuses,
  statusWords,
} from "../format.ts";
import {
  amountCell,
  figureHeading,
  numberCell,
  numberHeadings,
  scrolledTable,
  type Section,
  taskHeading,
} from "./parts.ts";
import { Markup, markup } from "./markup.ts";
import type { DistributionReport, RunReport, TaskReport } from "../model.ts";

/** Quanta by status. */
export function statusSection(report: RunReport): Section {
  const rest = shownStatuses(report).filter((name) => name !== "SUCCESSFUL");
  const isBad = (name: string) => name !== "BLOCKED";
  const row = (task: TaskReport) =>
    markup`<tr>${taskHeading(task.task)}<td class="figure">${statusBar(task)}</td>${
      numberCell(task.by_status.SUCCESSFUL)
    }<td class="caveats">${caveatsCell(task)}</td>${
      rest.map((name) => numberCell(task.by_status[name], isBad(name)))
    }${numberCell(task.n_retried)}${quantaCell(task.n_quanta, task.n_expected)}</tr>
`;
  const table = scrolledTable({
    id: "status",
    label: "Status of quanta by task",
    text: "Quanta of each task by the status of their last attempt. The bar shows their shares.",
    head: markup`<th scope="col">Task</th>${figureHeading("figure", "Share", new Markup(""))}${
      numberHeadings(["Successful"])
    }<th scope="col">Caveats</th>${
      numberHeadings([...rest.map(statusWords), "Retried", "Quanta"])
    }`,
    body: report.tasks.map(row),
    foot: markup`<th scope="row">All</th><td></td>${numberCell(report.by_status.SUCCESSFUL)}<td>${
      report.n_caveats === 0 ? "" : formatCount(report.n_caveats)
    }</td>${rest.map((name) => numberCell(report.by_status[name], isBad(name)))}${
      numberCell(report.n_retried)
    }${quantaCell(report.n_quanta, report.n_expected)}`,
  });
  return {
    id: "status",
    title: "Status",
    body: markup`${statusLegend(report.tasks)}${table}${
      report.n_caveats === 0 ? "" : caveatLegend(report)
    }`,
  };
}

/** Both numbers only where they differ. */
function quantaCell(nQuanta: number, nExpected: number): Markup {
  return nQuanta === nExpected
    ? numberCell(nQuanta)
    : markup`<td class="number bad">${formatCount(nQuanta)} of ${formatCount(nExpected)}</td>`;
}

function caveatsCell({ caveats }: TaskReport): Markup[] {
  return caveats.map(({ code, n }, i) =>
    markup`${i === 0 ? "" : ", "}<span class="word">${code} (${formatCount(n)})</span>`
  );
}

/** What the signs mean that occur. */
function caveatLegend(report: RunReport): Markup {
  const signs = new Set(
    report.tasks.flatMap(({ caveats }) => caveats.flatMap(({ code }) => [...code])),
  );
  const entries = Object.entries(CAVEAT_LEGEND).filter(([sign]) => signs.has(sign)).map((
    [sign, text],
  ) => markup`<li><b>${sign}</b> ${text}</li>`);
  return markup`<ul class="legend legend-text" aria-label="Caveats">${entries}</ul>`;
}

/** Attempts over time. */
export function timelineSection(
  { timeline, tasks, first_start, last_end }: RunReport,
): Section | null {
  if (timeline === null || first_start === null || last_end === null) return null;
  const [firstDay, lastDay] = [first_start, last_end].map((iso) => iso.slice(0, 10));
  const shown = (iso: string | null) => {
    if (iso === null) return "–";
    const text = formatInstant(iso);
    return markup`<time datetime="${iso}">${
      firstDay === lastDay ? text.slice(11) : text.slice(5)
    }</time>`;
  };
  const taskByLabel = new Map(tasks.map((task) => [task.task, task]));
  const rows = timeline.tasks.map(({ task, running, failed }) => {
    const { first_start, last_end } = taskByLabel.get(task)!;
    const nFailed = failed.reduce((sum, n) => sum + n, 0);
    return markup`<tr>${taskHeading(task)}<td class="wide">${
      timelineLane(timeline, running, failed)
    }</td><td class="number">${shown(first_start)}</td><td class="number">${shown(last_end)}</td>${
      atOnce(Math.max(...running))
    }${numberCell(nFailed, true)}</tr>
`;
  });
  const allFailed = timeline.running.map((_, i) =>
    timeline.tasks.reduce((sum, { failed }) => sum + failed[i], 0)
  );
  const days = firstDay === lastDay ? `on ${firstDay}` : `from ${firstDay} to ${lastDay}`;
  return {
    id: "timeline",
    title: "Timeline",
    body: scrolledTable({
      id: "timeline",
      label: "Timeline of attempts by task",
      text:
        `How many attempts ran at a time ${days}: means over ${
          formatCount(timeline.n_intervals)
        } intervals of ${
          formatSeconds(timeline.interval)
        }, each task on a scale of its own. Marks ` +
        "below the line are attempts that failed.",
      head: markup`<th scope="col">Task</th>${
        figureHeading("wide", "Attempts at a time", timelineAxis(timeline))
      }${numberHeadings(["Start", "End", "Most at once", "Failed"])}`,
      body: rows,
      foot: markup`<th scope="row">All</th><td class="wide">${
        timelineLane(timeline, timeline.running, allFailed)
      }</td><td class="number">${shown(first_start)}</td><td class="number">${
        shown(last_end)
      }</td>${atOnce(Math.max(...timeline.running))}${
        numberCell(allFailed.reduce((sum, n) => sum + n, 0), true)
      }`,
    }),
  };
}

function atOnce(most: number): Markup {
  return amountCell(most, (n) => n < 10 ? n.toFixed(1) : formatCount(Math.round(n)));
}

/** Run time, or memory. */
export function distributionSection(report: RunReport, what: "time" | "size"): Section | null {
  const isTime = what === "time";
  const of = (task: TaskReport) => isTime ? task.run_time : task.memory;
  const scale = logScale(report.tasks.map(of), what);
  if (scale === null) return null;
  const format = isTime ? formatSeconds : formatSize;
  const row = (task: TaskReport, distribution: DistributionReport, axis: LogScale) =>
    markup`<tr>${taskHeading(task.task)}<td class="figure">${histogram(distribution, axis)}</td>${
      numberCell(distribution.n)
    }${
      [distribution.min, distribution.median, distribution.p95, distribution.max]
        .map((value) => amountCell(value, format))
    }${
      isTime
        ? markup`${amountCell(distribution.sum, format)}${amountCell(task.cpu_time, format)}${
          amountCell(task.cpu_efficiency, formatEfficiency)
        }${amountCell(task.lost_time, format)}`
        : ""
    }</tr>
`;
  const columns = ["Attempts", "Least", "Median", "95 %", "Most"];
  const id = isTime ? "run-time" : "memory";
  return {
    id,
    title: isTime ? "Run time" : "Memory",
    body: markup`${
      scrolledTable({
        id,
        label: isTime ? "Run time by task" : "Memory by task",
        text: (isTime
          ? "How long attempts ran, reading and writing included; efficiency is CPU time by run time, " +
            "lost the run time of attempts that didn't succeed."
          : "Most memory that the process of an attempt ever had; it may have run other quanta before.") +
          " The scale is logarithmic; the line marks the median.",
        head: markup`<th scope="col">Task</th>${
          figureHeading("figure", "Distribution", scaleAxis(scale))
        }${numberHeadings(isTime ? [...columns, "Sum", "CPU", "Efficiency", "Lost"] : columns)}`,
        body: report.tasks.map((task) => {
          const distribution = of(task);
          return distribution === null ? "" : row(task, distribution, scale);
        }),
      })
    }${isTime ? "" : memoryRequest(report)}`,
  };
}

/** What to ask a batch system for. */
function memoryRequest({ bps_memory }: RunReport): Markup {
  if (bps_memory === null) return markup``;
  return markup`<p>Memory to ask for, as a part of a BPS configuration: the most that an attempt had. Attempts that were killed left no figure, and may have wanted more.</p><pre id="bps">${bps_memory}</pre>`;
}
