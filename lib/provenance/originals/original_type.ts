/**
 * Kinds of files that a graph replaces.
 *
 * @module
 */

/** What a dataset whose content a graph has is to its task. */
export type OriginalKind = "log" | "metadata" | "config";

/** What the datasets of a type are to their task. */
export interface OriginalType {
  kind: OriginalKind;
  label: string;
}
