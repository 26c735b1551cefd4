/** What a list is made of. @module */

import type { JsonValue } from "../../base/json_text.ts";

/** A row of a list. */
export interface ListedRow {
  /** Every field that it has; bytes and seconds. */
  fields: { [field: string]: JsonValue };
  /** Dimensions that suffice to name it. */
  requiredDimensions: readonly string[];
}
