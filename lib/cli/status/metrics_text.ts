/**
 * Metrics in the text format that OpenMetrics and Prometheus have in common: all are gauges, for counters are
 * named differently in the two. Described in `schema/scripting.md`.
 *
 * @module
 */

import { TOOL_VERSION } from "../../base/version.ts";
import type { StageReport, StatusReport } from "../terminal/status_report.ts";

/** What a metrics file tells. */
export interface MetricsState {
  /** Tells series of several files apart: the name of the file without its ending. */
  name: string;
  command: string;
  /** Seconds since 1970. */
  startSeconds: number;
  updateSeconds: number;
  /** Null while the command runs. */
  exitCode: number | null;
  /** Null before there is anything to tell. */
  status: StatusReport | null;
}

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number | null | undefined];

/** The text of a metrics file. */
export function metricsText(state: MetricsState): string {
  const { name, command, startSeconds, updateSeconds, exitCode, status } = state;
  const common = { name, command };
  const lines: string[] = [];
  const add = (metric: string, help: string, samples: readonly Sample[]) => {
    const told = samples.filter(([, value]) => value !== null && value !== undefined);
    if (told.length === 0) return;
    const full = `provgraph_${metric}`;
    lines.push(`# TYPE ${full} gauge`, `# HELP ${full} ${help}`);
    for (const [labels, value] of told) {
      lines.push(`${full}${labelText({ ...common, ...labels })} ${value}`);
    }
  };
  add("info", "The program.", [[{ version: TOOL_VERSION }, 1]]);
  add("start_time_seconds", "When the command began, since 1970.", [[{}, startSeconds]]);
  add("update_time_seconds", "When this was written, since 1970.", [[{}, updateSeconds]]);
  add("running", "1 until the command has ended.", [[{}, exitCode === null ? 1 : 0]]);
  add("exit_code", "How it has ended.", [[{}, exitCode]]);
  if (status !== null) {
    add("memory_bytes", "Resident memory.", [[{}, status.rssBytes]]);
    addStages(add, status);
  }
  return `${lines.join("\n")}\n# EOF\n`;
}

function addStages(
  add: (metric: string, help: string, samples: readonly Sample[]) => void,
  { stages, bottleneck }: StatusReport,
): void {
  const ofStages = (value: (stage: StageReport) => number | null | undefined): Sample[] =>
    stages.map((stage) => [{ stage: stage.name, unit: stage.unit }, value(stage)]);
  const ofQueues = (value: (queue: NonNullable<StageReport["queue"]>) => number): Sample[] =>
    stages.flatMap(({ name, queue }): Sample[] =>
      queue === undefined ? [] : [[{ stage: name, unit: queue.unit }, value(queue)]]
    );
  add(
    "stage_state",
    "1 for the state that a stage is in.",
    stages.flatMap(({ name, state }) =>
      ["waiting", "running", "done"].map((each): Sample => [
        { stage: name, state: each },
        each === state ? 1 : 0,
      ])
    ),
  );
  add(
    "stage_bottleneck",
    "1 for the stage that the others wait for.",
    stages.map(({ name }) => [{ stage: name }, name === bottleneck ? 1 : 0]),
  );
  add("stage_done", "What a stage has done, in its unit.", ofStages(({ nDone }) => nDone));
  add("stage_expected", "How much that will be, once known.", ofStages(({ nTotal }) => nTotal));
  add("stage_rate", "How much a second, lately.", ofStages(({ perSecond }) => perSecond));
  add("stage_seconds", "How long it has taken so far.", ofStages(({ seconds }) => seconds));
  add(
    "stage_left_seconds",
    "How long it will take at this rate.",
    ofStages(({ secondsLeft }) => secondsLeft),
  );
  add("queue_size", "What waits in front of a stage.", ofQueues(({ size }) => size));
  add("queue_limit", "Most that may wait there.", ofQueues(({ limit }) => limit));
  add(
    "quanta",
    "Quanta by the status of their last attempt, as far as they are scanned.",
    stages.flatMap(({ counts = {} }) =>
      Object.entries(counts).map(([status, n]): Sample => [{ status }, n])
    ),
  );
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return `{${pairs.join(",")}}`;
}

/** As both formats escape values of labels. */
function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
