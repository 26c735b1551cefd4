/**
 * A process that ingests graphs again and again, as it is told on its standard input: one JSON object a
 * line, to which it answers with one. So a test has truly concurrent processes, in PID namespaces of their
 * own, without starting two for each turn.
 *
 * @module
 */

import { ProvgraphError } from "../../lib/base/errors.ts";
import type { Log } from "../../lib/base/log.ts";
import { SILENT_PROGRESS } from "../../lib/base/progress.ts";
import { ingestGraph } from "../../lib/ingest/ingest.ts";
import type { IngestOptions } from "../../lib/ingest/options.ts";
import { armFailpoints, FAILPOINTS_VARIABLE } from "../../lib/store/failpoints.ts";
import { removeIfPresent } from "../../lib/store/durable_file.ts";

/** What the process is to do. */
export interface IngestOrder {
  options: IngestOptions;
  /** Where it pauses. */
  failpoints: string;
  /** A lock that it takes away as soon as it has it, as if locks didn't reach from one process to another. */
  lockToRemove: string | null;
}

/** What came of it. */
export interface IngestAnswer {
  /** Exit code; -1 for an error that isn't worded. */
  code: number;
  message: string;
}

async function carryOut(order: IngestOrder): Promise<IngestAnswer> {
  const { options, failpoints, lockToRemove } = order;
  armFailpoints(failpoints);
  Deno.env.set(FAILPOINTS_VARIABLE, failpoints);
  const log: Log = {
    isEnabled: () => true,
    log: (_level: string, text: string) => {
      if (lockToRemove !== null && text.startsWith("Reading the ")) removeIfPresent(lockToRemove);
    },
  } as Log;
  try {
    const { nKept } = await ingestGraph(options, {
      makeWorker: (role) =>
        new Worker(new URL(`../../workers/${role}.ts`, import.meta.url), { type: "module" }),
      env: Deno.env,
      log,
      progress: SILENT_PROGRESS,
      signal: new AbortController().signal,
    });
    return { code: nKept > 0 ? 3 : 0, message: "" };
  } catch (error) {
    return error instanceof ProvgraphError
      ? { code: error.exitCode, message: error.message }
      : { code: -1, message: String(error instanceof Error ? error.stack : error) };
  }
}

if (import.meta.main) {
  const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream());
  let text = "";
  for await (const piece of lines) {
    text += piece;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
      const answer = await carryOut(JSON.parse(text.slice(0, end)));
      text = text.slice(end + 1);
      console.log(JSON.stringify(answer));
    }
  }
}
