/**
 * All commands, each loaded when it is needed: two thirds of what there is to load at the start defines
 * commands that were not asked for.
 *
 * @module
 */

import type { Command } from "commander";
import type { CliContext, CommandContext } from "./context.ts";

/** Defines a command. */
export type MakeCommand = (
  cli: CliContext,
  start: (name: string, aliases?: string[]) => CommandContext,
  setExitCode: (code: number) => void,
) => Command;

/** Names of the commands, in the order in which help lists them, and how to load each. */
const COMMANDS: readonly (readonly [name: string, load: () => Promise<MakeCommand>])[] = [
  [
    "aggregate-graph",
    async () => (await import("./commands/aggregate_graph.ts")).aggregateGraphCommand,
  ],
  ["ingest-graph", async () => (await import("./commands/ingest_graph.ts")).ingestGraphCommand],
  ["cat", async () => (await import("./commands/cat.ts")).catCommand],
  ["info", async () => (await import("./commands/info.ts")).infoCommand],
  ["ls", async () => (await import("./commands/ls.ts")).lsCommand],
  ["diff", async () => (await import("./commands/diff.ts")).diffCommand],
  ["trace", async () => (await import("./commands/trace.ts")).traceCommand],
  ["check", async () => (await import("./commands/check.ts")).checkCommand],
  [
    "check-downstream",
    async () => (await import("./commands/check_downstream.ts")).checkDownstreamCommand,
  ],
  [
    "provenance-report",
    async () => (await import("./commands/provenance_report.ts")).provenanceReportCommand,
  ],
  ["report", async () => (await import("./commands/report.ts")).reportCommand],
  ["scan", async () => (await import("./commands/scan.ts")).scanCommand],
  ["simulate", async () => (await import("./commands/simulate.ts")).simulateCommand],
  ["self-test", async () => (await import("./commands/self_test.ts")).selfTestCommand],
  ["completion", async () => (await import("./commands/completion.ts")).completionCommand],
  ["man", async () => (await import("./commands/man.ts")).manCommand],
];

/** Commands whose output is about all commands. */
const ABOUT_ALL: ReadonlySet<string> = new Set(["completion", "man"]);

/**
 * The commands that a command line may need: one, if it begins with its name, else all.
 *
 * @param args Without the name of the program.
 */
export async function loadCommands(args: readonly string[]): Promise<MakeCommand[]> {
  const named = COMMANDS.filter(([name]) => name === args[0] && !ABOUT_ALL.has(name));
  return await Promise.all((named.length > 0 ? named : COMMANDS).map(([, load]) => load()));
}
