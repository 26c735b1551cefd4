/**
 * Which dataset types `ingest-graph` lets the provenance graph back: metadata, logs and configs.
 * Source: `schema/butler-repository.md`, section 6.
 *
 * @module
 */

/** Kinds of datasets that a provenance graph backs. */
export type BackedKind = "metadata" | "log" | "config";

/** Ends of the types' names, and their storage classes. */
const KINDS: Readonly<Record<BackedKind, { suffix: string; storageClasses: readonly string[] }>> = {
  metadata: { suffix: "_metadata", storageClasses: ["TaskMetadata", "PropertySet"] },
  log: { suffix: "_log", storageClasses: ["ButlerLogRecords"] },
  config: { suffix: "_config", storageClasses: ["Config"] },
};

/** Kind of a dataset type, or null if provenance graphs don't back it. */
export function backedKind(type: { name: string; storageClass: string | null }): BackedKind | null {
  for (const [kind, { suffix, storageClasses }] of Object.entries(KINDS)) {
    if (type.name.endsWith(suffix) && storageClasses.includes(type.storageClass ?? "")) {
      return kind as BackedKind;
    }
  }
  return null;
}
