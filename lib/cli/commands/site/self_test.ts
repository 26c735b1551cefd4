/** `self-test`. @module */

import { join } from "node:path/posix";
import { Command } from "commander";
import { DEFAULT_COMPRESSION } from "../../../aggregate/scan/compression.ts";
import { EnvironmentError, InterruptedError, stopReason } from "../../../base/errors.ts";
import type { Log } from "../../../base/log.ts";
import { type Progress, SILENT_PROGRESS } from "../../../base/progress.ts";
import { AttemptStatus } from "../../../provenance/quantum_status.ts";
import type { SimulateSummary } from "../../../simulate/simulate.ts";
import { systemErrorText } from "../../../storage/file_errors.ts";
import { filePath } from "../../args.ts";
import type { CliContext, CommandContext } from "../../context.ts";
import { SELF_TEST_EPILOGUE } from "../../manual/help.ts";
import { jsonLine } from "../../terminal/ndjson.ts";

/** What is simulated: 30 quanta, of which some fail. */
const SIMULATED = { nVisits: 3, nDetectors: 4, failFraction: 0.2, logSize: 2000, seed: 1 };
/** A quantum of it that succeeds, and the RUN. */
const QUANTUM = ["isr", "exposure=2026070100001", "detector=1"];
const RUN = "u/provgraph/simulated/20260715T000000Z";
const BATCH_SIZE = 20;

/** Options as commander gives them. */
interface Options {
  json: boolean;
}

/** Defines the command. */
export function selfTestCommand(
  _cli: CliContext,
  start: (name: string, aliases?: string[]) => CommandContext,
): Command {
  return new Command("self-test")
    .description(
      "Simulate a run in a temporary folder, scan, aggregate and ingest it, read a log back, check " +
        "the result, and remove the folder.",
    )
    .argument(
      "[dir]",
      "directory for the temporary folder, to try a file system; default: the usual",
    )
    .option("--json", "print a JSON line for each step", false)
    .addHelpText("after", SELF_TEST_EPILOGUE)
    .action(async (directory: string | undefined, options: Options) => {
      const context = start("self-test");
      context.stopGracefully();
      const startMs = performance.now();
      const folder = makeFolder(directory, context);
      try {
        for await (const { name, seconds, detail } of runSteps(folder, context)) {
          context.terminal.write(
            options.json
              ? jsonLine("step", { name, seconds, detail })
              : `ok  ${name.padEnd(16)} ${seconds.toFixed(2)} s  ${detail}\n`,
          );
        }
      } finally {
        Deno.removeSync(folder, { recursive: true });
      }
      const seconds = (performance.now() - startMs) / 1000;
      context.terminal.write(
        options.json
          ? jsonLine("summary", { passed: true, seconds })
          : `passed in ${seconds.toFixed(1)} s\n`,
      );
    });
}

function makeFolder(directory: string | undefined, { env, cwd }: CommandContext): string {
  const dir = directory === undefined ? undefined : filePath(directory, env, cwd, "directory");
  const usual = env.get("TMPDIR") ?? "";
  const place = `"${dir ?? (usual === "" ? "the usual place" : usual)}"`;
  using undo = new DisposableStack();
  try {
    const folder = Deno.makeTempDirSync({
      prefix: "provgraph-self-test-",
      ...(dir === undefined ? {} : { dir }),
    });
    undo.defer(() => Deno.removeSync(folder));
    // There are places where a binary may make a folder, and use no files in it.
    Deno.openSync(folder).close();
    undo.move();
    return folder;
  } catch (error) {
    throw new EnvironmentError(
      `Cannot make a temporary folder in ${place}: ${systemErrorText(error)}`,
      { cause: error, hint: "give a directory that can be written to: self-test DIR" },
    );
  }
}

/** What one step came to. */
interface Step {
  name: string;
  seconds: number;
  detail: string;
}

/** The steps, each of which throws if something isn't as it must be. */
async function* runSteps(folder: string, command: CommandContext): AsyncGenerator<Step> {
  // What the user has set up for real repositories must not reach this one.
  const context = {
    ...command,
    env: { get: () => undefined },
    log: quieter(command.log),
    progress: SILENT_PROGRESS,
  };
  let startMs = performance.now();
  const step = (name: string, detail: string): Step => {
    const seconds = (performance.now() - startMs) / 1000;
    startMs = performance.now();
    if (context.signal.aborted) {
      const reason = stopReason(context.signal);
      throw new InterruptedError(`Stopped by ${reason.signal}`, reason);
    }
    return { name, seconds, detail };
  };
  const { simulate } = await import(
    import.meta.resolve("../../../simulate/simulate.ts")
  ) as typeof import("../../../simulate/simulate.ts");
  const simulated = await simulate(
    { directory: folder, isGraphOnly: false, ...SIMULATED },
    context,
  );
  const { graphPath, repository } = simulated;
  yield step("simulate", `${simulated.nQuanta} quanta, ${simulated.nFiles} files`);

  const { scanShard } = await import(
    import.meta.resolve("../../../aggregate/shards/scan_shard.ts")
  ) as typeof import("../../../aggregate/shards/scan_shard.ts");
  const chunkLogPath = join(folder, "shards", "0.chunks");
  const common = {
    graphPath,
    repository,
    nScanners: Math.min(2, context.nProcessors),
    mockStorageClasses: false,
    readAhead: "auto" as const,
    isStrict: true,
    allowEmpty: false,
    resume: true,
    ...DEFAULT_COMPRESSION,
  };
  const shard = await scanShard(
    { ...common, shard: { index: 0, count: 2 }, chunkLogPath },
    context,
  );
  yield step("scan", `${shard.nQuanta} quanta, ${shard.nSuccessful} successful`);

  const { aggregateGraph } = await import(
    import.meta.resolve("../../../aggregate/aggregate.ts")
  ) as typeof import("../../../aggregate/aggregate.ts");
  const provenancePath = join(folder, "provenance.qg");
  const aggregated = await aggregateGraph({
    ...common,
    outputPath: provenancePath,
    isIncomplete: false,
    isDryRun: false,
    registerDatasetTypes: true,
    updateOutputChain: true,
    promiseIngestGraph: false,
    ingestBatchSize: BATCH_SIZE,
    keepChunks: false,
    chunkLogs: [chunkLogPath],
    workerLogs: null,
  }, context);
  const { nByStatus, nBlocked, nReused, nIngested } = aggregated;
  expectEqual("quanta taken from the shard", nReused, shard.nSuccessful);
  expectEqual(
    "successful quanta",
    nByStatus[AttemptStatus.SUCCESSFUL] ?? 0,
    nSuccessful(simulated),
  );
  expectEqual("blocked quanta", nBlocked, simulated.nByOutcome.BLOCKED);
  yield step("aggregate-graph", `${nIngested} datasets, ${aggregated.nGraphBytes} bytes`);

  yield* runLaterSteps(repository, provenancePath, command, context, step);
}

/** What is done with the provenance graph: read, ingested, read again, checked. */
async function* runLaterSteps(
  repository: string,
  provenancePath: string,
  command: CommandContext,
  context: Omit<CommandContext, "progress"> & { progress: Progress },
  step: (name: string, detail: string) => Step,
): AsyncGenerator<Step> {
  const before = await readLog(repository, command);
  const fromGraph = await readLog(provenancePath, command);
  expectEqual("log in the graph", fromGraph, before);
  yield step("cat", `${before.length} letters`);

  const { ingestGraph } = await import(
    import.meta.resolve("../../../ingest/ingest.ts")
  ) as typeof import("../../../ingest/ingest.ts");
  const ingested = await ingestGraph({
    repository,
    graphPath: provenancePath,
    outputRun: null,
    transfer: "move",
    batchSize: BATCH_SIZE,
    inPlace: false,
    resume: false,
    isDryRun: false,
    allowEmpty: false,
  }, context);
  expectEqual("files kept", ingested.nKept, 0);
  yield step("ingest-graph", `${ingested.nIngested} datasets`);

  expectEqual("log after ingest-graph", await readLog(repository, command), before);
  yield step("cat again", `${before.length} letters`);

  const { Findings } = await import(
    import.meta.resolve("../../../check/findings.ts")
  ) as typeof import("../../../check/findings.ts");
  const { checkRepository } = await import(
    import.meta.resolve("../../../check/repository/repository.ts")
  ) as typeof import("../../../check/repository/repository.ts");
  const findings = new Findings();
  const request = { repository, run: RUN, graph: null, readData: true };
  const checked = await checkRepository(request, context.env, findings);
  const [problem] = findings.problems;
  if (problem !== undefined) fail(`check finds ${problem.kind}: ${problem.where}: ${problem.what}`);
  yield step("check", `${checked.nDatasets} datasets`);
}

/** Details of the steps are for those who ask. */
function quieter(log: Log): Log {
  return { log: (level, text) => log.log(level === "INFO" ? "VERBOSE" : level, text) };
}

function nSuccessful({ nByOutcome: n }: SimulateSummary): number {
  return n.SUCCESSFUL + n.RETRIED + n.RETRIED_TWICE + n.PARTIAL;
}

/** The log of one quantum, from wherever it is now. */
async function readLog(source: string, { cwd }: CommandContext): Promise<string> {
  const { cat } = await import(
    import.meta.resolve("../../../inspect/cat/cat.ts")
  ) as typeof import("../../../inspect/cat/cat.ts");
  const { openSource } = await import(
    import.meta.resolve("../../../sources/open_source.ts")
  ) as typeof import("../../../sources/open_source.ts");
  const isGraph = source.endsWith(".qg");
  await using documents = await openSource(
    source,
    isGraph ? null : RUN,
    { get: () => undefined },
    cwd,
  );
  const decoder = new TextDecoder();
  let text = "";
  await cat(
    documents,
    {
      what: "log",
      idWords: QUANTUM,
      attempt: null,
      allAttempts: false,
      filter: null,
      format: "text",
      isRaw: true,
    },
    (piece) => text += typeof piece === "string" ? piece : decoder.decode(piece, { stream: true }),
  );
  return text;
}

function expectEqual(what: string, found: number | string, expected: number | string): void {
  if (found === expected) return;
  const show = (value: number | string) =>
    typeof value === "number" ? value : `${value.length} letters`;
  fail(`${what}: ${show(found)}, expected ${show(expected)}`);
}

function fail(state: string): never {
  throw new EnvironmentError(`Cannot pass the self-test: ${state}`, {
    hint: "run it again with --verbose, and tell the authors",
  });
}
