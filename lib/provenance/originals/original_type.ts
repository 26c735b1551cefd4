/**
 * Kinds of files that a graph replaces.
 *
 * @module
 */

import type { OriginalKind } from "./original_proof.ts";

/** What the datasets of a type are to their task. */
export interface OriginalType {
  kind: OriginalKind;
  label: string;
}
