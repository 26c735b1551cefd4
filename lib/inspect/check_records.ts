/**
 * The registry's datasets of a RUN against the datastore's records and the files.
 *
 * @module
 */

import { ProvgraphError } from "../base/errors.ts";
import { UUID_SIZE, uuidToText } from "../base/uuid.ts";
import { uriScheme } from "../butler/local_path.ts";
import { PROVENANCE_FORMATTER, RUN_PROVENANCE } from "../butler/provenance_dataset.ts";
import { BACKED_STORAGE_CLASSES, type CheckContext, isFile } from "./check_context.ts";
import { commandLine } from "./check_findings.ts";
import { type GraphTargets, RegisteredTargets, Stored } from "./check_targets.ts";
import type { FileTree } from "./check_tree.ts";

/** One pass over the datasets of a RUN. */
export class RecordsPass {
  readonly #context: CheckContext;
  readonly #tree: FileTree;
  /** Number of datasets that each path of a graph backs. */
  readonly #nBackedBy = new Map<string, number>();
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
          state = Stored.ELSEWHERE | (this.#hasFile(path) ? Stored.FILE_THERE : 0);
        }
        if (isTarget || isBacked) this.registered.add(id, state);
        // With a graph, what is missing of a target may be there: that is told together.
        if (isBacked || (isTarget && targets !== null)) continue;
        if (path === null) await this.#reportWithoutRecord(id, typeName);
        else if ((state & Stored.FILE_THERE) === 0) {
          await this.#reportWithoutFile(id, typeName, path);
        }
      }
    }
    steps.end("query");
  }

  #hasFile(path: string): boolean {
    if (uriScheme(path) === null && !path.startsWith("/")) {
      if (this.#tree.covers(path)) return this.#tree.claim(path);
    }
    const file = this.#context.recordedFile(path);
    // Not local: nothing can be said, so nothing is.
    if (file === null) return uriScheme(path) !== null;
    const inside = this.#context.relativePath(file);
    return inside !== null && this.#tree.covers(inside) ? this.#tree.claim(inside) : isFile(file);
  }

  async #reportWithoutRecord(id: Uint8Array, typeName: string): Promise<void> {
    if (await this.#isRejected(id, typeName)) return;
    if (!this.#context.findings.count("registered-without-record")) return;
    this.#context.findings.list({
      kind: "registered-without-record",
      where: `dataset ${uuidToText(id)} (${typeName})`,
      what: "it is registered, but no datastore record says where it is",
      command: await this.#context.pruneCommand(id),
    });
  }

  async #reportWithoutFile(id: Uint8Array, typeName: string, path: string): Promise<void> {
    if (!this.#context.findings.count("registered-without-file")) return;
    this.#context.findings.list({
      kind: "registered-without-file",
      where: `dataset ${uuidToText(id)} (${typeName})`,
      what: `its file "${path}" isn't there`,
      command: await this.#context.pruneCommand(id),
    });
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

  /** Records that name another graph than the RUN's. */
  reportMissingGraphs(registeredPath: string | null): void {
    for (const [path, n] of this.#nBackedBy) {
      if (path === registeredPath) continue;
      const file = this.#context.recordedFile(path);
      const isThere = file !== null && isFile(file);
      this.#context.findings.add({
        kind: "missing-graph",
        where: `RUN "${this.#context.options.run}"`,
        what: `${n} datasets are backed by the graph "${path}", which ` +
          (isThere ? "is not its run_provenance" : "isn't there"),
        command: isThere
          ? this.#context.command("ingest-graph", "REPO", file, "--output-run", "RUN")
          : commandLine(
            "cp",
            this.#context.options.graph?.argument ?? "COPY_OF_THE_GRAPH",
            file ?? path,
          ),
      });
    }
  }
}
