/**
 * Targets of an undo, some at a time: their originals are found or made again, then their records name
 * them.
 *
 * @module
 */

import { dirname } from "../base/paths.ts";
import { UUID_SIZE } from "../base/uuid.ts";
import { withRecords } from "../butler/dimensions/record_fetch.ts";
import type { DimensionRecordSource } from "../butler/dimensions/record_source.ts";
import type { OtherRecords, ProvenanceGuard } from "../butler/registry/registry.ts";
import { metadataForm, type StoredAs } from "../provenance/documents/document_forms.ts";
import { storedAs } from "../provenance/documents/stored_as.ts";
import type { OriginalKind } from "../provenance/originals/original_type.ts";
import { type Targets, TargetState } from "../provenance/targets.ts";
import { ContentDigest } from "../storage/content_digest.ts";
import { fsyncDirectory } from "../storage/durable_file.ts";
import { failpoint } from "../storage/failpoints.ts";
import { isFile } from "../storage/path_kind.ts";
import { TemporaryFile } from "../storage/temporary_file.ts";
import type { UndoSummary } from "./options.ts";
import { OriginalProofs } from "./originals/original_proofs.ts";
import type { OriginalContent, StoredOriginals } from "./originals/stored_originals.ts";
import { listStoredOriginals } from "./remote_originals.ts";
import { requireRestorable, restoreOriginal } from "./originals/restored_original.ts";
import type { PreparedIngest } from "./prepared_ingest.ts";
import { absolutePath } from "../butler/datastore/datastore_path.ts";
import type { DataIdValue } from "../butler/dimensions/data_id_value.ts";
import { FILE_PROOF_SIZE } from "../provenance/originals/proof_sizes.ts";
import { fileError } from "../storage/file_errors.ts";
import type { KeptFile } from "./originals/deleter_messages.ts";

/** Originals whose content waits to be written to a store. */
const MAX_TO_STORE = 64;
/** Files named in the summary; the others are counted. */
const MAX_LISTED = 100;

/** A target that is to be backed by its original again. */
interface Row {
  target: number;
  /** In each datastore that has the graph, in their order. */
  places: Place[];
}

/** Where an original is in one datastore. */
interface Place {
  /** Where it may be, today's path first; none if the datastore doesn't take it. */
  paths: readonly string[];
  /** Where it is; null for nowhere. */
  path: string | null;
}

/** A datastore that has the graph. */
interface UndoDatastore {
  datastore: number;
  root: string;
  targets: Targets;
}

/** An original that is to be made again. */
interface Missing {
  target: number;
  /** How its file is read. */
  stored: StoredAs;
  path: string;
  /** Absolute. */
  file: string;
  /** What it is called. */
  name: string;
}

/** One pass over all targets. */
export class UndoBatches {
  readonly #prepared: PreparedIngest;
  readonly #datastores: readonly UndoDatastore[];
  readonly #records: DimensionRecordSource;
  readonly #proofs: OriginalProofs;
  readonly #digest: ContentDigest;
  /** What remote stores have, by position of the datastore; null on disks. */
  readonly #stored: readonly (StoredOriginals | null)[];
  #rows: Row[] = [];
  #next = 0;
  /** Targets so far. */
  nRegistered = 0;
  #nRestored = 0;
  #nUnproven = 0;
  readonly #unproven: KeptFile[] = [];

  private constructor(
    prepared: PreparedIngest,
    records: DimensionRecordSource,
    proofs: OriginalProofs,
    digest: ContentDigest,
    stored: readonly (StoredOriginals | null)[],
  ) {
    this.#prepared = prepared;
    this.#stored = stored;
    const { datastore, config, targets, copies } = prepared;
    this.#datastores = [{ datastore, root: config.datastore.root, targets }, ...copies];
    this.#records = records;
    this.#proofs = proofs;
    this.#digest = digest;
  }

  /**
   * Begins a pass.
   *
   * @throws {RepositoryError} if originals of a type can't be made again.
   */
  static async begin(prepared: PreparedIngest): Promise<UndoBatches> {
    const { verified: { graph }, targets, registry } = prepared;
    const files = await graph.quantaFiles();
    for (const each of [targets, ...prepared.copies.map((copy) => copy.targets)]) {
      each.plans.forEach((plan, i) =>
        requireRestorable(each.originalTypes[i].kind, storedAs(plan))
      );
    }
    return new UndoBatches(
      prepared,
      await registry.dimensionRecordSource(),
      new OriginalProofs(files, targets, graph.header.n_quanta),
      await ContentDigest.load(),
      await listStoredOriginals(prepared),
    );
  }

  /** Goes on to the next targets; returns whether there are any. */
  async next(maxRows: number): Promise<boolean> {
    this.#rows = [];
    const { targets } = this.#prepared;
    await withRecords(() => {
      for (; this.#next < targets.n && this.#rows.length < maxRows; this.#next++) {
        const target = this.#next;
        if (targets.produced[target] === 0 || targets.state[target] === TargetState.ORIGINAL) {
          continue;
        }
        const places = this.#datastores.map((each): Place => ({
          paths: each.targets.paths(target, this.#records),
          path: null,
        }));
        this.#rows.push({ target, places });
      }
    });
    this.nRegistered += this.#rows.length;
    return this.#rows.length > 0;
  }

  /** Finds the originals of the present batch, and makes those again that are missing. */
  async restore(isDryRun: boolean): Promise<void> {
    for (const [i, { root, targets }] of this.#datastores.entries()) {
      const stored = this.#stored[i];
      const missing: Missing[] = [];
      for (const { target, places } of this.#rows) {
        const place = places[i];
        const found = stored === null
          ? place.paths.find((path) => isFile(absolutePath(root, path)))
          : await stored.firstOf(place.paths);
        const path = place.path = found ?? place.paths[0] ?? null;
        if (path === null || found !== undefined) continue;
        const file = absolutePath(root, path);
        missing.push({
          target,
          stored: storedAs(targets.plans[targets.typeIndex(target)]),
          path,
          file,
          name: i === 0 ? path : file,
        });
      }
      await this.#restoreAll(missing, stored, isDryRun);
    }
  }

  async #restoreAll(
    missing: readonly Missing[],
    stored: StoredOriginals | null,
    isDryRun: boolean,
  ): Promise<void> {
    const paths = missing.map(({ path }) => path);
    const { proofs } = await this.#proofs.originals(paths, missing.map(({ target }) => target));
    const directories = new Set<string>();
    let toStore: OriginalContent[] = [];
    const store = async () => {
      await stored!.write(toStore, () => failpoint("undo.restored"));
      toStore = [];
    };
    for (const [i, each] of missing.entries()) {
      const proof = proofs.subarray(i * FILE_PROOF_SIZE, (i + 1) * FILE_PROOF_SIZE);
      const bytes = await this.#contentOf(each, proof);
      if (isDryRun) continue;
      if (stored !== null) {
        toStore.push({ path: each.path, bytes });
        if (toStore.length >= MAX_TO_STORE) await store();
        continue;
      }
      writeNew(each.file, bytes);
      directories.add(dirname(each.file));
      failpoint("undo.restored");
    }
    if (toStore.length > 0) await store();
    for (const directory of directories) fsyncDirectory(directory);
  }

  /** The content of an original, made again out of the graph. */
  async #contentOf({ target, stored, name }: Missing, proof: Uint8Array): Promise<Uint8Array> {
    const { verified: { graph }, targets } = this.#prepared;
    const type = targets.originalTypes[targets.typeIndex(target)];
    const original = { ...type, id: targets.id(target), proof };
    const restored = await restoreOriginal(graph, original, stored, this.#digest);
    if (restored === null) throw new Error(`no content of produced target "${name}"`);
    this.#nRestored++;
    if (!restored.isProven) {
      this.#nUnproven++;
      if (this.#unproven.length < MAX_LISTED) {
        this.#unproven.push({ path: name, reason: unprovenReason(type.kind, stored) });
      }
    }
    return restored.bytes;
  }

  /** Lets the records of the present batch name the originals. */
  async register(): Promise<void> {
    const { targets, registry, choice } = this.#prepared;
    const rows = this.#rows;
    const ids = new Uint8Array(rows.length * UUID_SIZE);
    const typeIndex = new Uint16Array(rows.length);
    const values: DataIdValue[] = [];
    rows.forEach(({ target }, i) => {
      ids.set(targets.id(target), i * UUID_SIZE);
      typeIndex[i] = targets.typeIndex(target);
      const { group } = targets.types[typeIndex[i]];
      for (const value of targets.dataId(target).slice(0, group.required.length)) {
        values.push(value);
      }
    });
    const records = this.#datastores.map((each, at): OtherRecords => ({
      datastore: each.datastore,
      paths: rows.map(({ places }) => places[at].path),
      formatters: each.targets.plans.map(({ formatter }) => formatter),
      fileSize: -1,
    }));
    await registry.ingestDatasets({
      run: choice.run,
      n: rows.length,
      ids,
      typeIndex,
      types: targets.types,
      values,
      ...records[0],
      storageClasses: targets.types.map(({ storageClass }) => storageClass),
      others: records.slice(1),
    }, this.#guard());
    failpoint("undo.switched");
  }

  /** The RUN must still have the graph that was checked, or none. */
  #guard(): ProvenanceGuard {
    const { choice: { registered }, verified } = this.#prepared;
    if (registered === null) return { provenance: null };
    const { id, record } = registered;
    return { provenance: { id, path: record.path, fileSize: verified.stamp.size } };
  }

  /** What has been done so far, or found out. */
  counts(): Pick<UndoSummary, "nRegistered" | "nRestored" | "nUnproven" | "unproven"> {
    return {
      nRegistered: this.nRegistered,
      nRestored: this.#nRestored,
      nUnproven: this.#nUnproven,
      unproven: this.#unproven,
    };
  }
}

/** What is said of files that nothing proves to be the same byte for byte. */
const UNPROVEN = {
  log: "was made of the graph's records: what stood around them may have been different",
  metadata: "was made of the graph's document: blanks around it may have been different",
  config:
    "has the text of the pipeline graph: lines that only import modules may have been different",
} as const;

function unprovenReason(kind: OriginalKind, stored: StoredAs): string {
  return kind === "metadata" && metadataForm(stored) !== "json"
    ? "says as YAML what the graph's document says: how its lines were laid out isn't known"
    : UNPROVEN[kind];
}

/** Writes a file that isn't there, durably but for its directory; one that appears meanwhile stays. */
function writeNew(path: string, bytes: Uint8Array): void {
  try {
    Deno.mkdirSync(dirname(path), { recursive: true });
    using temporary = TemporaryFile.create(path);
    for (let done = 0; done < bytes.length;) {
      done += temporary.file.writeSync(bytes.subarray(done));
    }
    temporary.file.syncSync();
    try {
      Deno.linkSync(temporary.path, path);
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) return;
      // There are no hard links here; nobody else writes to this place, as the run is over.
      temporary.publish();
    }
  } catch (error) {
    throw fileError("write original file", path, error);
  }
}
