/**
 * `check FILE`: finds out what a file is and checks it.
 *
 * @module
 */

import { InvalidQuantumGraphFileError } from "../../base/errors.ts";
import { dirname, join } from "../../base/paths.ts";
import { Zstd } from "../../codec/zstd.ts";
import { openNamedGraph } from "../../qg/absent_graph.ts";
import { oldFormatError } from "../../qg/graph_file.ts";
import { fileAdvice } from "../advice.ts";
import type { Findings } from "../findings.ts";
import { Archive, FileReport } from "./archive.ts";
import { checkChunkLog } from "./chunk_log.ts";
import { checkPredicted } from "./predicted.ts";
import { checkProvenance } from "./provenance.ts";
import { seemsThere } from "../../storage/path_kind.ts";
import { CHUNK_LOG_MAGIC } from "../../chunks/chunk_format.ts";

/** Options of {@linkcode checkFile}. */
interface CheckFileOptions {
  /** Absolute path. */
  path: string;
  /** The path as the user wrote it, for places and commands. */
  argument: string;
  /** Decompress, parse and compare every block as well. */
  readData: boolean;
}

/** What kind of file was checked, and how much of what it holds: `53 quanta`. */
export interface CheckedFile {
  kind: "provenance graph" | "predicted graph" | "chunk log" | "quantum graph";
  contents: string[];
}

/** First bytes of a local header of a ZIP archive. */
const ZIP_SIGNATURE = [0x50, 0x4b, 0x03, 0x04];

/**
 * Checks a file and reports every problem.
 *
 * @throws {InvalidQuantumGraphFileError} if it is neither a quantum graph nor a chunk log.
 * @throws {RefusedError} if it is one of a newer format.
 * @throws {NotFoundError} if there is no such file.
 * @throws {EnvironmentError} if it can't be read.
 */
export async function checkFile(
  { path, argument, readData }: CheckFileOptions,
  findings: Findings,
): Promise<CheckedFile> {
  const zstd = await Zstd.load();
  using source = openNamedGraph(path);
  const report = new FileReport(findings, argument);
  findings.steps.begin("read", source.size);
  const first = source.readSync(0, Math.min(source.size, CHUNK_LOG_MAGIC.length));
  if (startsWith(first, CHUNK_LOG_MAGIC)) {
    const output = argument.replace(/\.chunks$/, "");
    report.replacement = output === argument
      ? fileAdvice.continueAggregation("GRAPH", argument, null)
      : fileAdvice.continueAggregation(output, null, null);
    const contents = checkChunkLog(source, zstd, report, readData);
    findings.steps.end("read");
    return { kind: "chunk log", contents };
  }
  if (!startsWith(first, ZIP_SIGNATURE)) {
    throw await oldFormatError(source) ?? new InvalidQuantumGraphFileError(
      `Cannot check "${argument}": it is neither a quantum graph nor a chunk log`,
      { hint: "for a repository, give --run RUN" },
    );
  }
  const archive = await Archive.open(source, zstd, report);
  if (archive === null) return { kind: "quantum graph", contents: [] };
  if (archive.header.graph_type === "predicted") {
    const contents = await checkPredicted(archive, report, { path, zstd, readData });
    endSteps(findings);
    return { kind: "predicted graph", contents };
  }
  report.canRebuild = true;
  if (!isInRepository(path)) report.replacement = fileAdvice.writeAgain(argument);
  const n = await checkProvenance(archive, report, readData);
  if (findings.isRepairable) await reviseRepairs(archive, report);
  endSteps(findings);
  return {
    kind: "provenance graph",
    contents: [
      `${n.nQuanta} quanta`,
      `${n.nDatasets} datasets`,
      `${n.nLogs} log blocks`,
      `${n.nMetadata} metadata blocks`,
    ],
  };
}

/** What `--repair` would refuse is not advised. */
async function reviseRepairs(archive: Archive, { findings, argument, replacement }: FileReport) {
  const { rebuildObstacle } = await import("./rebuild_nodes.ts");
  const obstacle = await rebuildObstacle(archive, argument);
  if (obstacle === null) return;
  findings.withdrawFileRepairs(replacement);
  findings.note(`the addresses of "${argument}" can't be rebuilt: ${obstacle}`);
}

/**
 * Whether a graph lies in a butler repository, as far as its place tells: then `aggregate-graph` must not
 * write it again, but a graph elsewhere may still be that of an ingested RUN.
 */
function isInRepository(path: string): boolean {
  if (/\/run_provenance\/run_provenance_[^/]*\.qg$/.test(path)) return true;
  for (let at = dirname(path); at !== dirname(at); at = dirname(at)) {
    if (seemsThere(join(at, "butler.yaml"))) return true;
  }
  return false;
}

function endSteps({ steps }: Findings): void {
  steps.end("read");
  steps.end("decode");
}

function startsWith(bytes: Uint8Array, wanted: ArrayLike<number>): boolean {
  return bytes.length >= wanted.length && Array.from(wanted).every((byte, i) => bytes[i] === byte);
}
