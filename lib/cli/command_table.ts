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

/** Loads a module that the runtime can't foresee, and so doesn't look through for other commands. */
function load<Module>(specifier: string): Promise<Module> {
  return import(import.meta.resolve(specifier));
}

/** Names of the commands, in the order in which help lists them, and how to load each. */
const COMMANDS: readonly (readonly [name: string, load: () => Promise<MakeCommand>])[] = [
  [
    "aggregate-graph",
    async () =>
      (await load<typeof import("./commands/aggregate_graph.ts")>("./commands/aggregate_graph.ts"))
        .aggregateGraphCommand,
  ],
  [
    "ingest-graph",
    async () =>
      (await load<typeof import("./commands/ingest_graph.ts")>("./commands/ingest_graph.ts"))
        .ingestGraphCommand,
  ],
  [
    "cat",
    async () => (await load<typeof import("./commands/cat.ts")>("./commands/cat.ts")).catCommand,
  ],
  [
    "info",
    async () => (await load<typeof import("./commands/info.ts")>("./commands/info.ts")).infoCommand,
  ],
  ["ls", async () => (await load<typeof import("./commands/ls.ts")>("./commands/ls.ts")).lsCommand],
  [
    "diff",
    async () => (await load<typeof import("./commands/diff.ts")>("./commands/diff.ts")).diffCommand,
  ],
  [
    "trace",
    async () =>
      (await load<typeof import("./commands/trace.ts")>("./commands/trace.ts")).traceCommand,
  ],
  [
    "check",
    async () =>
      (await load<typeof import("./commands/check.ts")>("./commands/check.ts")).checkCommand,
  ],
  [
    "check-downstream",
    async () =>
      (await load<typeof import("./commands/check_downstream.ts")>(
        "./commands/check_downstream.ts",
      )).checkDownstreamCommand,
  ],
  [
    "provenance-report",
    async () =>
      (await load<typeof import("./commands/provenance_report.ts")>(
        "./commands/provenance_report.ts",
      )).provenanceReportCommand,
  ],
  [
    "report",
    async () =>
      (await load<typeof import("./commands/report.ts")>("./commands/report.ts")).reportCommand,
  ],
  [
    "scan",
    async () => (await load<typeof import("./commands/scan.ts")>("./commands/scan.ts")).scanCommand,
  ],
  [
    "simulate",
    async () =>
      (await load<typeof import("./commands/simulate.ts")>("./commands/simulate.ts"))
        .simulateCommand,
  ],
  [
    "self-test",
    async () =>
      (await load<typeof import("./commands/self_test.ts")>("./commands/self_test.ts"))
        .selfTestCommand,
  ],
  [
    "completion",
    async () =>
      (await load<typeof import("./commands/completion.ts")>("./commands/completion.ts"))
        .completionCommand,
  ],
  [
    "man",
    async () => (await load<typeof import("./commands/man.ts")>("./commands/man.ts")).manCommand,
  ],
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
