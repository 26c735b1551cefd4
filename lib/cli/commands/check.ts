/** `check FILE` and `check REPO --run RUN`. @module */

import { Command } from "commander";
import { UsageError } from "../../base/errors.ts";
import { visibleCell, visibleJson } from "../../base/text/visible_text.ts";
import type { CheckedFile } from "../../check/file/file.ts";
import { DEFAULT_LIMIT, Findings } from "../../check/findings.ts";
import { CheckSteps } from "../../check/steps.ts";
import {
  type BusyOptions,
  busyTimeoutOption,
  filePath,
  integerAtLeast,
  lockWait,
  statusIntervalOption,
} from "../args.ts";
import { shown } from "../terminal/color.ts";
import type { CliContext, CommandContext } from "../context.ts";
import { ExitCode } from "../exit_codes.ts";
import type { CheckedRepository } from "../../check/repository/chain.ts";
import type { CheckRepositoryOptions } from "../../check/repository/context.ts";

/** Datasets in one transaction of an ingest that is finished. */
const BATCH_SIZE = 10_000;

const EPILOGUE = `
TARGET is a provenance graph, a predicted graph or a chunk log; with --run, a butler repository.
A problem comes with the command that mends it, if one is known that is safe; words in capitals in it
stand for what only you know. Nothing is changed without --repair, which

  finishes an interrupted ingest and sweeps originals whose content is in the graph,
  removes locks and temporary files of processes that certainly run no more,
  rebuilds the addresses of a provenance graph from its blocks,

and never deletes content that exists nowhere else.

Exit codes: 0 no problems (left); 3 problems listed; 2 not such a file, repository or RUN; 1 could
not be read.

Examples:
  provgraph check provenance.qg --read-data
  provgraph check provenance.qg.chunks
  provgraph check /repo/main --run u/me/run/20260701T000000Z
  provgraph check main --run u/me/run/20260701T000000Z --graph provenance.qg --repair`;

/** Options as commander gives them. */
interface Options extends BusyOptions {
  run?: string;
  graph?: string;
  readData: boolean;
  repair: boolean;
  json: boolean;
  limit: number;
}

/** What one look at the target gave. */
interface Look {
  findings: Findings;
  /** What was looked at, for the last line: `provenance graph "a.qg"`. */
  target: string;
  contents: string[];
  /** Mends what can be mended; says what was done. */
  repair(): Promise<string[]>;
}

/** Defines the command. */
export function checkCommand(
  cli: CliContext,
  start: (name: string, aliases?: string[]) => CommandContext,
  setExitCode: (code: number) => void,
): Command {
  return new Command("check")
    .description(
      "Check TARGET and list all problems: damage of a file, or how registry, datastore and " +
        "provenance graph of a RUN disagree.",
    )
    .argument("<target>", "quantum graph file, chunk log or, with --run, butler repository")
    .option("--run <run>", "RUN collection of the repository to check")
    .option("--graph <file>", "provenance graph of the RUN, while it isn't ingested")
    .option("--read-data", "read, parse and compare every block of the graph as well", false)
    .option("--repair", "mend what can be mended safely, then check again", false)
    .addOption(statusIntervalOption())
    .option("--json", "print JSON lines", false)
    .option(
      "--limit <n>",
      "problems of each kind that are listed",
      integerAtLeast(1),
      DEFAULT_LIMIT,
    )
    .addOption(busyTimeoutOption())
    .addHelpText("after", EPILOGUE)
    .action(async (target: string, options: Options) => {
      const context = start("check");
      const look = async () => {
        using steps = new CheckSteps(context.progress);
        const findings = new Findings(options.limit, steps);
        return options.run === undefined
          ? await lookAtFile(target, options, context, findings)
          : await lookAtRepository(target, options.run, options, context, findings);
      };
      let result = await look();
      const repaired: string[] = [];
      if (options.repair && result.findings.isRepairable) {
        repaired.push(...await result.repair());
        result = await look();
      }
      cli.terminal.write(
        options.json
          ? formatJson(result, repaired)
          : shown(formatText(result, repaired), context.style),
      );
      setExitCode(result.findings.nProblems > 0 ? ExitCode.INCOMPLETE : ExitCode.DONE);
    });
}

async function lookAtFile(
  argument: string,
  options: Options,
  { env, cwd }: CommandContext,
  findings: Findings,
): Promise<Look> {
  if (options.graph !== undefined) {
    throw new UsageError("Cannot use --graph: it belongs to the check of a repository", {
      hint: "give the repository as TARGET, and --run RUN",
    });
  }
  const path = filePath(argument, env, cwd, "file");
  requireFile(path, argument);
  const { checkFile } = await import(
    import.meta.resolve("../../check/file/file.ts")
  ) as typeof import("../../check/file/file.ts");
  const { checkBeside } = await import(
    import.meta.resolve("../../check/file/beside.ts")
  ) as typeof import("../../check/file/beside.ts");
  const checked: CheckedFile = await checkFile(
    { path, argument, readData: options.readData },
    findings,
  );
  const isSound = checked.kind === "provenance graph" && findings.nProblems === 0;
  if (checked.kind !== "chunk log") await checkBeside(path, findings, isSound);
  return {
    findings,
    target: `${checked.kind} "${argument}"`,
    contents: checked.contents,
    repair: async () => {
      const { rebuildAddresses } = await import(
        import.meta.resolve("../../check/file/rebuild.ts")
      ) as typeof import("../../check/file/rebuild.ts");
      const nRows = await rebuildAddresses(path, argument);
      return [`rebuilt the ${nRows} addresses of "${argument}" from its blocks`];
    },
  };
}

function requireFile(path: string, argument: string): void {
  let isRepository = /\.ya?ml$/i.test(path);
  try {
    if (Deno.statSync(path).isDirectory) isRepository = true;
  } catch {
    // An alias, or nothing: whoever opens it tells.
  }
  if (!isRepository) return;
  throw new UsageError(`Cannot check "${argument}": it is no file that can be checked`, {
    hint: "for a repository, give --run RUN",
  });
}

async function lookAtRepository(
  repository: string,
  run: string,
  options: Options,
  context: CommandContext,
  findings: Findings,
): Promise<Look> {
  const { env, cwd } = context;
  const { checkRepository } = await import(
    import.meta.resolve("../../check/repository/repository.ts")
  ) as typeof import("../../check/repository/repository.ts");
  const { graph, readData } = options;
  const request: CheckRepositoryOptions = {
    repository,
    run,
    graph: graph === undefined
      ? null
      : { path: filePath(graph, env, cwd, "provenance graph"), argument: graph },
    readData,
  };
  const checked = await checkRepository(request, env, findings, lockWait(options, context));
  return {
    findings,
    target: `RUN "${run}" of repository "${repository}"`,
    contents: [`${checked.nDatasets} datasets`, `${checked.nFiles} files`, describeState(checked)],
    repair: () =>
      repairRepository(repository, run, checked, {
        ...context,
        busyTimeoutMs: options.busyTimeout * 1000,
      }),
  };
}

function describeState({ state }: CheckedRepository): string {
  switch (state) {
    case "no graph":
      return "no provenance graph";
    case "not ingested":
    case "unregistered":
      return "provenance graph not ingested";
    case "unfinished":
      return "ingest of the provenance graph unfinished";
    case "finished":
      return "provenance graph ingested";
  }
}

/** What checks can't do themselves: `inspect` and `ingest` don't know each other. */
async function repairRepository(
  repository: string,
  run: string,
  { leftovers, ingest }: CheckedRepository,
  context: CommandContext & { busyTimeoutMs: number },
): Promise<string[]> {
  const done: string[] = [];
  const { removeLeftover } = await import(
    import.meta.resolve("../../check/file/leftovers.ts")
  ) as typeof import("../../check/file/leftovers.ts");
  for (const leftover of leftovers) {
    if (removeLeftover(leftover)) done.push(`removed "${leftover.path}"`);
  }
  if (ingest !== null) {
    context.stopGracefully();
    const { ingestGraph } = await import(
      import.meta.resolve("../../ingest/ingest.ts")
    ) as typeof import("../../ingest/ingest.ts");
    const summary = await ingestGraph({
      repository,
      graphPath: ingest.graphPath,
      outputRun: run,
      // The graph that was given stays where it is.
      transfer: "copy",
      batchSize: BATCH_SIZE,
      inPlace: false,
      resume: true,
      isDryRun: false,
      allowEmpty: false,
      busyTimeoutMs: context.busyTimeoutMs,
    }, context);
    done.push(
      `finished the ingest: ${summary.nIngested} datasets ingested, ${summary.nFilesDeleted} ` +
        `original files and ${summary.nDirectoriesDeleted} empty directories deleted`,
    );
  }
  return done;
}

/** Problems of each kind that were counted but not listed. */
function unlisted({ counts, problems }: Findings): [kind: string, n: number][] {
  const left = new Map<string, number>(counts);
  for (const { kind } of problems) left.set(kind, left.get(kind)! - 1);
  return [...left].filter(([, n]) => n > 0);
}

/** One line a problem; line breaks in names must not make two. */
function formatText({ findings, target, contents }: Look, repaired: string[]): string {
  const lines = repaired.map((text) => `repaired: ${text}`);
  for (const { kind, where, what, advice } of findings.problems) {
    const mend = advice === null ? "" : `; mend with: ${advice.command}`;
    lines.push(`${kind}: ${where}: ${what}${mend}`);
  }
  for (const [kind, n] of unlisted(findings)) lines.push(`${kind}: ${n} more`);
  for (const note of findings.notes) lines.push(`note: ${note}`);
  const n = findings.nProblems;
  const count = n === 0 ? "no problems" : n === 1 ? "1 problem" : `${n} problems`;
  const holds = contents.length === 0 ? "" : ` (${contents.join(", ")})`;
  lines.push(`${target}${holds}: ${count}`);
  return lines.map((line) => `${visibleCell(line)}\n`).join("");
}

/** As `schema/commands/check.md` says. */
function formatJson({ findings, target, contents }: Look, repaired: string[]): string {
  const messages: unknown[] = repaired.map((text) => ({ message_type: "repaired", text }));
  for (const { kind, where, what, advice, isRepairable } of findings.problems) {
    messages.push({
      message_type: "problem",
      kind,
      where,
      what,
      advice: advice?.name ?? null,
      command: advice?.command ?? null,
      repairable: isRepairable === true,
    });
  }
  for (const text of findings.notes) messages.push({ message_type: "note", text });
  messages.push({
    message_type: "summary",
    target,
    contents,
    n_problems: findings.nProblems,
    counts: Object.fromEntries(findings.counts),
  });
  return messages.map((message) => `${visibleJson(JSON.stringify(message))}\n`).join("");
}
