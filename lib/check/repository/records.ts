/**
 * The registry's datasets of a RUN against the datastore's records and the files.
 *
 * @module
 */

import { ProvgraphError } from "../../base/errors.ts";
import { UUID_SIZE, uuidToText } from "../../base/uuid.ts";
import { uriScheme } from "../../butler/config/local_path.ts";
import { PROVENANCE_FORMATTER, RUN_PROVENANCE } from "../../butler/registry/provenance_dataset.ts";
import { ZipReader } from "../../codec/zip_reader.ts";
import type { ByteSource } from "../../storage/byte_source.ts";
import { fileAdvice, localAdvice } from "../advice.ts";
import { BACKED_STORAGE_CLASSES, type CheckContext } from "./context.ts";
import type { CheckedFiles } from "./files.ts";
import { type GraphTargets, RegisteredTargets, Stored } from "./targets.ts";
import type { FileTree } from "./tree.ts";

/** Fewer datasets than this may well have lost all their files one by one. */
const MIN_ABSENT = 2;

/** A dataset whose file isn't there. */
interface Absent {
  id: Uint8Array;
  typeName: string;
  path: string;
}

/** One pass over the datasets of a RUN. */
export class RecordsPass {
  readonly #context: CheckContext;
  readonly #tree: FileTree;
  /** Number of datasets that each path of a graph backs. */
  readonly #nBackedBy = new Map<string, number>();
  /** Members of each ZIP file that records name; null if it isn't there or can't be read. */
  readonly #zips = new Map<string, ReadonlySet<string> | null>();
  readonly #absent: Absent[] = [];
  #nUnlisted = 0;
  #nAbsent = 0;
  #nThere = 0;
  /** What the registry has of the types that a graph backs. */
  readonly registered = new RegisteredTargets();
  nDatasets = 0;

  constructor(context: CheckContext, tree: FileTree) {
    this.#context = context;
    this.#tree = tree;
  }

  /**
   * Every dataset once: has it a record, is its file there?
   *
   * @param graphRecordPath what records say that the RUN's own graph backs; null without one.
   * @param targets the graph's; what is missing of these is left to the comparison with the graph.
   */
  async run(graphRecordPath: string | null, targets: GraphTargets | null): Promise<void> {
    const { run } = this.#context.options;
    const { steps } = this.#context.findings;
    steps.begin("query", null);
    for await (const batch of this.#context.registry.runRecords(run)) {
      this.nDatasets += batch.n;
      steps.advance("query", batch.n);
      for (let i = 0; i < batch.n; i++) {
        const typeName = batch.typeNames[i];
        if (typeName === RUN_PROVENANCE) continue;
        const path = batch.paths[i];
        const isBacked = batch.formatters[i] === PROVENANCE_FORMATTER;
        const id = batch.ids.subarray(i * UUID_SIZE, (i + 1) * UUID_SIZE);
        const isTarget = targets !== null
          ? targets.typeNames.has(typeName)
          : BACKED_STORAGE_CLASSES.has((await this.#context.type(typeName))?.storageClass ?? "");
        let state = 0;
        if (path !== null && isBacked) {
          this.#nBackedBy.set(path, (this.#nBackedBy.get(path) ?? 0) + 1);
          const isOwn = path === graphRecordPath;
          // Another graph is looked for by its path, once for all datasets.
          state = isOwn ? Stored.GRAPH : Stored.ELSEWHERE | Stored.FILE_THERE;
        } else if (path !== null) {
          state = Stored.ELSEWHERE | (await this.#hasContent(path) ? Stored.FILE_THERE : 0);
        }
        if (isTarget || isBacked) this.registered.add(id, state);
        if (path !== null && !isBacked) this.#countFile((state & Stored.FILE_THERE) !== 0);
        // With a graph, what is missing of a target may be there: that is told together.
        if (isBacked || (isTarget && targets !== null)) continue;
        if (path === null) await this.#reportWithoutRecord(id, typeName);
        else if ((state & Stored.FILE_THERE) === 0) this.#noteAbsent(id, typeName, path);
      }
    }
    steps.end("query");
    if (this.isNothingThere) this.#reportNothingThere();
    else await this.#reportAbsent();
  }

  /**
   * Whether records name files and not one of them is there. That is not the absence of each: a disk
   * may not be mounted, so nothing is said of single datasets.
   */
  get isNothingThere(): boolean {
    return this.#nThere === 0 && this.#nAbsent >= MIN_ABSENT;
  }

  #countFile(isThere: boolean): void {
    if (isThere) this.#nThere++;
    else this.#nAbsent++;
  }

  /** Whether the file of a record is there, and in a ZIP file the member. */
  async #hasContent(path: string): Promise<boolean> {
    // Nearly all paths mean what they say.
    if (!/[#%]/.test(path) && uriScheme(path) === null && this.#tree.covers(path)) {
      return await this.#tree.claim(path);
    }
    const file = this.#context.recordedFile(path);
    // Not local: nothing can be said, so nothing is.
    if (file === null) return uriScheme(path) !== null;
    const inside = this.#context.relativePath(file.path);
    const isThere = inside !== null && this.#tree.covers(inside)
      ? await this.#tree.claim(inside)
      : await this.#context.files.isThere(file.path);
    if (!isThere || file.zipMember === null) return isThere;
    return await this.#hasMember(file.path, file.zipMember);
  }

  async #hasMember(path: string, member: string): Promise<boolean> {
    let members = this.#zips.get(path);
    if (members === undefined) {
      members = await membersOf(path, this.#context.files);
      this.#zips.set(path, members);
    }
    // What can't be read as a ZIP file may be one for others.
    return members === null || members.has(member);
  }

  #noteAbsent(id: Uint8Array, typeName: string, path: string): void {
    const { limit } = this.#context.findings;
    if (this.#absent.length < limit) this.#absent.push({ id: id.slice(), typeName, path });
    else this.#nUnlisted++;
  }

  #reportNothingThere(): void {
    const { config, options, findings } = this.#context;
    findings.add({
      kind: "no-file-there",
      where: `RUN "${options.run}"`,
      what: `not one of the ${this.#nAbsent} files that its records name is there, below ` +
        `"${config.datastore.root}": perhaps a disk isn't mounted; until that is known, ` +
        "nothing can be said of single datasets",
      advice: null,
    });
  }

  async #reportWithoutRecord(id: Uint8Array, typeName: string): Promise<void> {
    if (await this.#isRejected(id, typeName)) return;
    if (!this.#context.findings.count("registered-without-record")) return;
    this.#context.findings.list({
      kind: "registered-without-record",
      where: `dataset ${uuidToText(id)} (${typeName})`,
      what: "it is registered, but no datastore record says where it is",
      advice: await this.#context.prune(id),
    });
  }

  async #reportAbsent(): Promise<void> {
    for (const { id, typeName, path } of this.#absent) {
      if (!this.#context.findings.count("registered-without-file")) continue;
      this.#context.findings.list({
        kind: "registered-without-file",
        where: `dataset ${uuidToText(id)} (${typeName})`,
        what: `its file "${path}" isn't there`,
        advice: await this.#context.prune(id),
      });
    }
    for (let i = 0; i < this.#nUnlisted; i++) {
      this.#context.findings.count("registered-without-file");
    }
  }

  /** Whether the datastore's constraints keep a dataset out, so that it has no record by rights. */
  async #isRejected(id: Uint8Array, typeName: string): Promise<boolean> {
    const type = await this.#context.type(typeName);
    const info = await this.#context.registry.datasetInfo(id);
    if (type === null || info === null) return false;
    try {
      const values = await this.#context.registry.expandDataId(type.group, info.required);
      return !this.#context.datastore.plan(type, this.#context.options.run).accepts(values);
    } catch (error) {
      if (error instanceof ProvgraphError) return false;
      throw error;
    }
  }

  /**
   * Records that name another graph than the RUN's.
   *
   * @param registeredPath what records of its own graph say, or null.
   */
  async reportMissingGraphs(registeredPath: string | null): Promise<void> {
    for (const [path, n] of this.#nBackedBy) {
      if (path === registeredPath) continue;
      const file = this.#context.recordedFile(path)?.path ?? null;
      const isThere = file !== null && await this.#context.files.isThere(file);
      const { graph } = this.#context.options;
      this.#context.findings.add({
        kind: "missing-graph",
        where: `RUN "${this.#context.options.run}"`,
        what: `${n} datasets are backed by the graph "${path}", which ` +
          (isThere ? "is not its run_provenance" : "isn't there"),
        advice: isThere
          ? registeredPath === null
            ? this.#context.advice.ingestGiven(file)
            : this.#context.advice.finishIngest()
          : localAdvice(file, () => fileAdvice.restore(file ?? path, graph?.argument ?? null)),
      });
    }
  }
}

async function membersOf(
  path: string,
  files: CheckedFiles,
): Promise<ReadonlySet<string> | null> {
  let source: ByteSource | null = null;
  try {
    source = await files.openGraph(path);
    return new Set((await ZipReader.open(source)).members.keys());
  } catch (error) {
    if (error instanceof ProvgraphError) return null;
    throw error;
  } finally {
    source?.close();
  }
}
