/**
 * Records of the datasets of a batch, as each datastore is to have them.
 *
 * @module
 */

import type { RegistryContext, StoredIn } from "../context.ts";
import type { DatasetBatch, OtherRecords } from "../registry.ts";
import type { BatchRows, ResolvedBatch } from "./batch_rows.ts";

/** What one datastore is to have of a batch. */
export interface DatastoreRecords extends Omit<OtherRecords, "datastore"> {
  storedIn: StoredIn;
}

/** What each datastore is to have of a batch, in their order: nothing where the batch says nothing. */
export function recordsOf(
  { datastores }: RegistryContext,
  batch: DatasetBatch,
): DatastoreRecords[] {
  return datastores.map((storedIn, i) => {
    const records: Omit<OtherRecords, "datastore"> = i === (batch.datastore ?? 0)
      ? batch
      : batch.others?.find(({ datastore }) => datastore === i) ??
        { paths: new Array(batch.n).fill(null), formatters: [], fileSize: -1 };
    const { paths, formatters, fileSize, checksum } = records;
    return { storedIn, paths, formatters, fileSize, checksum };
  });
}

/** Rows whose records have formatter and storage class in common. */
interface RecordRows {
  formatter: string;
  storageClass: string;
  /** Null if they have several. */
  path: string | null;
  rows: number[];
}

/** Rows by what their records say. */
export function byRecord(
  { sorted }: ResolvedBatch,
  { paths, formatters }: DatastoreRecords,
  rows: BatchRows,
): RecordRows[] {
  const { typeIndex, storageClasses } = sorted.batch;
  const groups = new Map<string, RecordRows>();
  for (const row of rows) {
    const formatter = formatters[typeIndex[row]];
    const storageClass = storageClasses[typeIndex[row]];
    const key = `${formatter}\0${storageClass}`;
    const group = groups.get(key);
    if (group === undefined) {
      groups.set(key, { formatter, storageClass, path: paths[row], rows: [row] });
    } else {
      group.rows.push(row);
      if (group.path !== paths[row]) group.path = null;
    }
  }
  return [...groups.values()];
}
