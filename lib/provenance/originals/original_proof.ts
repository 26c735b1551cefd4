/**
 * Whether a file is one whose content a provenance graph has: what must be known before it is deleted.
 * A stamp may spare it (`original_look.ts`); only the content decides that a file is another.
 * Source: `schema/quantum-graph.md`, section 8.6.
 *
 * @module
 */

import { equalBytes } from "../../base/bytes.ts";
import { isUuidText, uuidFromText } from "../../base/uuid.ts";
import { type NodeAddresses, ProvenanceGraph } from "../../qg/provenance_graph.ts";
import { ContentDigest } from "../../storage/content_digest.ts";
import { DEFAULT_MAX_FILE_SIZE, FileSource } from "../../storage/file_source.ts";
import { type FileStamp, requireStamp } from "../../storage/file_stamp.ts";
import { Zstd } from "../../codec/zstd.ts";
import { readDataset } from "../documents/dataset.ts";
import { isConfigText } from "./config_text.ts";
import { digestAt } from "./file_digests.ts";
import { type Finding, findingOf, isSameVersion } from "./original_look.ts";
import type { OriginalKind } from "./original_type.ts";
import { isLogText, isMetadataText, isRestoredYaml, type QuantumTexts } from "./original_text.ts";

/** Which content a file is to have. */
export interface Original {
  kind: OriginalKind;
  /** Label of the task. */
  label: string;
  /** Id of the dataset, 16 bytes. */
  id: Uint8Array;
  /** Stamp and digest, 24 bytes; all zero if none are known. */
  proof: Uint8Array;
}

/** What is said of a file with other content. */
export const OTHER_CONTENT =
  "has other content than the provenance graph: it was written again after it was recorded";

/** Where a graph is, and which file that is. */
interface GraphFile {
  path: string;
  stamp: FileStamp;
}

/** Tells originals from other files. */
export class OriginalProver implements AsyncDisposable {
  readonly #digest: ContentDigest;
  /** Null if the graph was opened by somebody else, who closes it as well. */
  readonly #graphFile: GraphFile | null;
  #graph: Promise<ProvenanceGraph> | null = null;

  private constructor(digest: ContentDigest, graphFile: GraphFile | null) {
    this.#digest = digest;
    this.#graphFile = graphFile;
  }

  /** For a graph that is open already. */
  static async of(graph: ProvenanceGraph): Promise<OriginalProver> {
    const prover = new OriginalProver(await ContentDigest.load(), null);
    prover.#graph = Promise.resolve(graph);
    return prover;
  }

  /** @param graphFile The graph, which is opened only where it has no digest of a file. */
  static async load(graphFile: GraphFile): Promise<OriginalProver> {
    return new OriginalProver(await ContentDigest.load(), graphFile);
  }

  /**
   * Compares the content of the file at a path.
   *
   * @throws {InvalidQuantumGraphFileError} if the graph is damaged; what the system throws, but for
   *   absence.
   */
  async compare(path: string, original: Original): Promise<Finding> {
    const read = readUnchanged(path);
    if ("state" in read) return read;
    const { file, bytes } = read;
    return await this.hasContent(bytes, original)
      ? { state: "same", file }
      : { state: "other", reason: OTHER_CONTENT };
  }

  /**
   * Whether the graph has the content of a file that has these bytes.
   *
   * @throws {InvalidQuantumGraphFileError} if the graph is damaged.
   */
  async hasContent(bytes: Uint8Array, original: Original): Promise<boolean> {
    const digest = digestAt(original.proof, 0);
    if (digest === null) return await this.#hasText(bytes, original);
    return equalBytes(digest, this.#digest.of(bytes)) || await this.#isMadeAgain(bytes, original);
  }

  /** Whether the file is what an undone ingest made of the graph, in other words than the file that was recorded. */
  async #isMadeAgain(file: Uint8Array, { kind, id }: Original): Promise<boolean> {
    if (kind !== "metadata") return false;
    const graph = await (this.#graph ??= this.#openGraph());
    const node = await graph.find(id);
    if (node === null || node.metadata.size === 0) return false;
    return isRestoredYaml(file, await graph.readMetadata(node.metadata));
  }

  async #hasText(file: Uint8Array, { kind, label, id }: Original): Promise<boolean> {
    const graph = await (this.#graph ??= this.#openGraph());
    if (kind === "config") {
      const task = (await graph.pipelineGraph()).tasks.get(label);
      return task !== undefined && isConfigText(file, task.configText());
    }
    const node = await graph.find(id);
    const address = kind === "log" ? node?.log : node?.metadata;
    if (node === null || address === undefined || address.size === 0) return false;
    if (kind === "metadata") {
      return await isMetadataText(file, label, await graph.readMetadata(address));
    }
    const block = await graph.readLog(address);
    return await isLogText(file, label, block, () => quantumTexts(graph, node));
  }

  async #openGraph(): Promise<ProvenanceGraph> {
    const zstd = await Zstd.load();
    const { path, stamp } = this.#graphFile!;
    const graph = await ProvenanceGraph.open(FileSource.open(path), zstd);
    requireStamp(path, stamp, "graph");
    return graph;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#graphFile !== null) (await this.#graph)?.close();
  }
}

/** Documents of the quantum that a dataset comes from. */
async function quantumTexts(
  graph: ProvenanceGraph,
  { dataset }: NodeAddresses,
): Promise<QuantumTexts | null> {
  const { producer } = readDataset(await graph.readDataset(dataset));
  if (producer === null || !isUuidText(producer)) return null;
  const node = await graph.find(uuidFromText(producer));
  if (node === null || node.quantum.size === 0 || node.metadata.size === 0) return null;
  return {
    quantum: await graph.readQuantum(node.quantum),
    metadata: await graph.readMetadata(node.metadata),
  };
}

/** The content of a file that nobody writes to meanwhile. */
function readUnchanged(path: string): { file: Deno.FileInfo; bytes: Uint8Array } | Finding {
  try {
    // By path and before opening: opening a FIFO would wait for a writer for ever.
    if (!Deno.statSync(path).isFile) return { state: "other", reason: "is no regular file" };
    using opened = Deno.openSync(path);
    const file = opened.statSync();
    if (!file.isFile) return { state: "other", reason: "is no regular file" };
    if (file.size > DEFAULT_MAX_FILE_SIZE) {
      return { state: "other", reason: `has ${file.size} bytes, more than any that is recorded` };
    }
    const bytes = new Uint8Array(file.size);
    let done = 0;
    while (done < bytes.length) {
      const n = opened.readSync(done === 0 ? bytes : bytes.subarray(done));
      if (n === null) break;
      done += n;
    }
    if (done < bytes.length || !isSameVersion(file, opened.statSync())) {
      return { state: "other", reason: "is being written to" };
    }
    return { file, bytes };
  } catch (error) {
    return findingOf(error);
  }
}
