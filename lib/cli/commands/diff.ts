/** `diff A B`. @module */

import { Command } from "commander";
import type { JsonValue } from "../../base/json_text.ts";
import { visibleLine } from "../../base/text/visible_text.ts";
import type { ChangedQuantum, DiffQuantum, GraphDiff, Pair, TaskDiff } from "../../inspect/diff.ts";
import { type BusyOptions, busyTimeoutOption, integerAtLeast } from "../args.ts";
import type { CliContext, CommandContext } from "../context.ts";
import { openArgument } from "../open_argument.ts";
import { ExitCode } from "../exit_codes.ts";
import { DIFF_EPILOGUE } from "../manual/help.ts";
import type { Style } from "../terminal/color.ts";
import { dataIdText } from "../../base/text/data_id_text.ts";
import { jsonLine } from "../terminal/ndjson.ts";
import { withPager } from "../terminal/pager.ts";
import { statusText } from "../terminal/status_text.ts";
import { formatTable } from "../terminal/table.ts";
import { formatBytes } from "../../base/text/bytes_text.ts";

/** Options as commander gives them. */
interface Options extends BusyOptions {
  runA?: string;
  runB?: string;
  limit: number;
  exitCode: boolean;
  json: boolean;
}

/** Quanta that are listed of each task and kind. */
const DEFAULT_LIMIT = 20;

/** Defines the command. */
export function diffCommand(
  cli: CliContext,
  start: (name: string, aliases?: string[]) => CommandContext,
  setExitCode: (code: number) => void,
): Command {
  return new Command("diff")
    .description(
      "Compare two sources task by task: statuses, quanta by data ID, exceptions, run times and memory.",
    )
    .argument("<a>", "quantum graph (path or URL), chunk log, or butler repository")
    .argument("<b>", "the one to compare it with")
    .option("--run-a <run>", "RUN collection of A, if it is a repository")
    .option("--run-b <run>", "RUN collection of B, if it is a repository")
    .option("--limit <n>", "quanta listed of each task and kind", integerAtLeast(0), DEFAULT_LIMIT)
    .option("--exit-code", "end with 3 if they differ", false)
    .option("--json", "print JSON lines", false)
    .addOption(busyTimeoutOption())
    .addHelpText("after", DIFF_EPILOGUE)
    .action(async (a: string, b: string, options: Options) => {
      const context = start("diff");
      const { diff } = await import(
        import.meta.resolve("../../inspect/diff.ts")
      ) as typeof import("../../inspect/diff.ts");
      await using sourceA = await openArgument(a, options.runA, options, cli, context);
      await using sourceB = await openArgument(b, options.runB, options, cli, context);
      const found = await diff(sourceA, sourceB, options.limit);
      const text = options.json ? asJson(found) : asText(found, context.style);
      await withPager(context, !options.json, (output) => Promise.resolve(output.write(text)));
      if (options.exitCode && found.isDifferent) setExitCode(ExitCode.INCOMPLETE);
    });
}

function asJson({ names, tasks, isDifferent }: GraphDiff): string {
  const pair = <T extends JsonValue>([a, b]: Pair<T>) => ({ a, b });
  const pairs = (counts: ReadonlyMap<string, Pair<number>>) =>
    Object.fromEntries([...counts].map(([name, counted]) => [name, pair(counted)]));
  const quantum = ({ dataId, quantumId, status }: DiffQuantum) => ({
    data_id: dataId,
    quantum_id: quantumId,
    status,
  });
  const lines = tasks.map((task) =>
    jsonLine("task", {
      task: task.task,
      n_quanta: pair(task.nQuanta),
      statuses: pairs(task.statuses),
      n_changed: task.nChanged,
      changed: task.changed.map((changed) => ({
        ...quantum(changed),
        old_status: changed.oldStatus,
      })),
      n_only: pair(task.nOnly),
      only: { a: task.only[0].map(quantum), b: task.only[1].map(quantum) },
      exceptions: pairs(task.exceptions),
      run_time_median: pair(task.runTime),
      memory_median: pair(task.memory),
    })
  );
  return lines.join("") +
    jsonLine("summary", { a: names[0], b: names[1], different: isDifferent });
}

function asText(found: GraphDiff, style: Style): string {
  const parts = [
    `A  ${visibleLine(found.names[0])}\nB  ${visibleLine(found.names[1])}\n`,
    statusTable(found.tasks, style),
    exceptionTable(found.tasks, style),
    usageTable(found.tasks, style),
    ...found.tasks.map((task) => quantaText(task, style)),
    found.isDifferent ? "" : "No differences in quanta, statuses and exceptions.\n",
  ];
  return parts.filter((part) => part !== "").join("\n");
}

const A_AND_B = [
  { title: "A", align: "right" },
  { title: "B", align: "right" },
] as const;

function statusTable(tasks: readonly TaskDiff[], style: Style): string {
  const rows = tasks.flatMap((task) => [
    [style.bold(task.task), "", ...task.nQuanta.map(String), change(task.nQuanta, style)],
    ...[...task.statuses].map(([status, pair]) => [
      "",
      statusText(status, style),
      ...pair.map(String),
      change(pair, style),
    ]),
  ]);
  const columns = [
    { title: "task" },
    { title: "status" },
    ...A_AND_B,
    { title: "change", align: "right" as const },
  ];
  return formatTable(columns, rows, { style });
}

function exceptionTable(tasks: readonly TaskDiff[], style: Style): string {
  const rows = tasks.flatMap(({ task, exceptions }) =>
    [...exceptions].filter(([, [a, b]]) => a !== b)
      .map(([name, pair]) => [
        task,
        name,
        ...pair.map(String),
        pair[0] === 0
          ? style.red("new")
          : pair[1] === 0
          ? style.green("gone")
          : change(pair, style),
      ])
  );
  if (rows.length === 0) return "";
  const columns = [
    { title: "task" },
    { title: "exception" },
    ...A_AND_B,
    { title: "change", align: "right" as const },
  ];
  return formatTable(columns, rows, { style });
}

function usageTable(tasks: readonly TaskDiff[], style: Style): string {
  const rows = tasks.filter(({ runTime }) => runTime.some((value) => value !== null))
    .map(({ task, runTime, memory }) => [
      task,
      ...runTime.map((value) => value === null ? "-" : `${value.toFixed(3)} s`),
      ratio(runTime),
      ...memory.map((value) => value === null ? "-" : formatBytes(value)),
      ratio(memory),
    ]);
  if (rows.length === 0) return "";
  const right = (title: string) => ({ title, align: "right" as const });
  return formatTable(
    [
      { title: "median of task" },
      ...["run time A", "run time B", "B/A", "memory A", "memory B", "B/A"].map(right),
    ],
    rows,
    { style },
  );
}

function quantaText(task: TaskDiff, style: Style): string {
  const { changed, nChanged, only, nOnly } = task;
  const parts = [
    list(changed, nChanged, `${task.task}: status changed`, (quantum) => {
      const { oldStatus, status } = quantum as ChangedQuantum;
      return `${statusText(oldStatus, style)} -> ${statusText(status ?? "-", style)}`;
    }),
    ...(["A", "B"] as const).map((side, i) =>
      list(
        only[i],
        nOnly[i],
        `${task.task}: only in ${side}`,
        ({ status }) => statusText(status ?? "-", style),
      )
    ),
  ];
  return parts.filter((part) => part !== "").join("\n");
}

function list(
  quanta: readonly DiffQuantum[],
  n: number,
  title: string,
  describe: (quantum: DiffQuantum) => string,
): string {
  if (n === 0) return "";
  const lines = quanta.map((quantum) => {
    const dataId = dataIdText(quantum.dataId, quantum.requiredDimensions) || "(empty data ID)";
    return `  ${visibleLine(dataId)}  ${describe(quantum)}\n`;
  });
  const more = n > quanta.length ? `  ... ${n - quanta.length} more (--limit)\n` : "";
  return `${visibleLine(title)} (${n})\n${lines.join("")}${more}`;
}

function change([a, b]: Pair<number>, style: Style): string {
  if (a === b) return "";
  return style.bold(b > a ? `+${b - a}` : String(b - a));
}

function ratio([a, b]: Pair<number | null>): string {
  return a === null || b === null || a === 0 ? "-" : (b / a).toFixed(2);
}
