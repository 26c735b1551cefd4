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

/** Names of the commands, in the order in which help lists them, and which export of which module is each. */
const COMMANDS: readonly (readonly [name: string, module: string, made: string])[] = [
  ["aggregate-graph", "./commands/aggregate_graph.ts", "aggregateGraphCommand"],
  ["ingest-graph", "./commands/ingest_graph.ts", "ingestGraphCommand"],
  ["cat", "./commands/cat.ts", "catCommand"],
  ["info", "./commands/info.ts", "infoCommand"],
  ["ls", "./commands/ls.ts", "lsCommand"],
  ["diff", "./commands/diff.ts", "diffCommand"],
  ["trace", "./commands/trace.ts", "traceCommand"],
  ["why", "./commands/why.ts", "whyCommand"],
  ["grep", "./commands/grep.ts", "grepCommand"],
  ["check", "./commands/check.ts", "checkCommand"],
  ["check-downstream", "./commands/check_downstream.ts", "checkDownstreamCommand"],
  ["check-storage", "./commands/site/check_storage.ts", "checkStorageCommand"],
  ["provenance-report", "./commands/provenance_report.ts", "provenanceReportCommand"],
  ["report", "./commands/report.ts", "reportCommand"],
  ["export", "./commands/export.ts", "exportCommand"],
  ["explore", "./commands/explore.ts", "exploreCommand"],
  ["scan", "./commands/scan.ts", "scanCommand"],
  ["simulate", "./commands/simulate.ts", "simulateCommand"],
  ["self-test", "./commands/site/self_test.ts", "selfTestCommand"],
  ["completion", "./commands/completion.ts", "completionCommand"],
  ["man", "./commands/man.ts", "manCommand"],
];

/** Whether a word is the name of a command. */
export function isCommandName(word: string): boolean {
  return COMMANDS.some(([name]) => name === word);
}

/** Commands whose output is about all commands. */
const ABOUT_ALL: ReadonlySet<string> = new Set(["completion", "man"]);

/**
 * The commands that a command line may need: one, if it begins with its name, else all.
 *
 * @param args Without the name of the program.
 */
export async function loadCommands(args: readonly string[]): Promise<MakeCommand[]> {
  const named = COMMANDS.filter(([name]) => name === args[0] && !ABOUT_ALL.has(name));
  const wanted = named.length > 0 ? named : COMMANDS;
  return await Promise.all(wanted.map(async ([, module, made]) => {
    // By a name that the runtime can't foresee: else it would look through all of them at every start.
    const exported: Record<string, MakeCommand> = await import(import.meta.resolve(module));
    return exported[made];
  }));
}
