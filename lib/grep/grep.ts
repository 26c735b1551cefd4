/**
 * `grep`: records of all logs of a source that match a pattern. Workers search; memory is that of the
 * batches on their way, and 36 bytes for each quantum of a graph.
 *
 * @module
 */

import { IdList } from "../base/id_list.ts";
import { PackedIdTable } from "../base/id_table.ts";
import { uuidFromText } from "../base/uuid.ts";
import type { LogStore, StoredLog } from "../sources/logs/log_store.ts";
import type { DocumentSource } from "../sources/source.ts";
import { list } from "../inspect/list/list.ts";
import type { SearchOptions } from "./log_search.ts";
import { Searchers, type SearchersOptions } from "./searchers.ts";

/** Logs of a batch, and bytes of them as they are stored: what is read or sent at once. */
const MAX_BATCH_LOGS = 64;
const MAX_BATCH_BYTES = 1 << 20;

/** Whose logs are searched. */
interface GrepFilter {
  tasks: readonly string[];
  statuses: readonly string[];
  where: string | null;
}

/** What is searched for, and how. */
interface GrepOptions extends Pick<SearchersOptions, "nWorkers" | "makeWorker" | "recordMs"> {
  search: SearchOptions;
  filter: GrepFilter;
}

/** A log with records that match. */
export interface GrepHit {
  log: StoredLog;
  n: number;
  /** At most so many as the search gives. */
  records: readonly { attempt: number; levelno: number; line: string }[];
}

/** What was searched. */
export interface GrepSummary {
  nLogs: number;
  /** Bytes of their text. */
  nBytes: number;
  nLogsFound: number;
  nRecords: number;
  /** Logs that can't be read, with the reason. */
  problems: { quantumId: string | null; reason: string }[];
}

/**
 * Searches all logs that are wanted.
 *
 * @param onHit Called with each log that has records which match, in the order in which they are stored.
 * @throws {UsageError} if the pattern takes for ever on a record, or a filter doesn't fit the source.
 */
export async function grep(
  source: DocumentSource,
  options: GrepOptions,
  onHit: (hit: GrepHit) => Promise<void>,
): Promise<GrepSummary> {
  const store = await source.logs();
  const summary: GrepSummary = { nLogs: 0, nBytes: 0, nLogsFound: 0, nRecords: 0, problems: [] };
  const { search, filter, nWorkers, makeWorker, recordMs } = options;
  const logs = store.logs(await wantedQuanta(source, filter));
  using searchers = new Searchers({
    setup: { options: search, file: store.file },
    nWorkers,
    makeWorker,
    recordMs,
  });
  const takeOne = async () => {
    const { logs, found } = await searchers.take();
    for (const [i, log] of logs.entries()) {
      const { n, records, nBytes, problem } = found[i];
      summary.nLogs++;
      summary.nBytes += nBytes;
      summary.nRecords += n;
      if (problem !== null) summary.problems.push({ quantumId: log.quantumId, reason: problem });
      if (n === 0) continue;
      summary.nLogsFound++;
      await onHit({ log, n, records });
    }
  };
  for await (const batch of batchesOf(logs, store)) {
    while (!searchers.hasRoom) await takeOne();
    searchers.give(batch.logs, batch.texts);
  }
  while (searchers.isBusy) await takeOne();
  return summary;
}

/** Says whose logs are wanted; null for all. */
async function wantedQuanta(
  source: DocumentSource,
  { tasks, statuses, where }: GrepFilter,
): Promise<Parameters<LogStore["logs"]>[0]> {
  if (tasks.length === 0 && statuses.length === 0 && where === null) return null;
  const ids = new IdList();
  const wanted = {
    kind: "quanta",
    tasks,
    statuses,
    where,
    types: [],
    fields: ["quantum_id"],
  } as const;
  for await (const row of list(source, { ...wanted, exception: null, limit: null })) {
    ids.push(uuidFromText(row.fields.quantum_id as string));
  }
  const table = new PackedIdTable(ids.bytes.slice());
  return (id, offset) => table.find(id, offset) >= 0;
}

interface LogBatch {
  logs: StoredLog[];
  /** Null where the worker reads. */
  texts: (Uint8Array | null)[];
}

async function* batchesOf(
  logs: AsyncIterable<StoredLog>,
  { file }: LogStore,
): AsyncGenerator<LogBatch> {
  let batch: LogBatch = { logs: [], texts: [] };
  let nBytes = 0;
  for await (const log of logs) {
    const text = file === null ? await log.read() : null;
    batch.logs.push(log);
    batch.texts.push(text);
    nBytes += text?.length ?? log.place?.size ?? 0;
    if (batch.logs.length < MAX_BATCH_LOGS && nBytes < MAX_BATCH_BYTES) continue;
    yield batch;
    batch = { logs: [], texts: [] };
    nBytes = 0;
  }
  if (batch.logs.length > 0) yield batch;
}
