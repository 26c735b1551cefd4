/** A table of quanta, with a way to what it doesn't have. @module */

import type { QuantaTable } from "../../provenance/table/quanta_table.ts";
import type { Address } from "../../qg/address_rows.ts";

/** See above. */
export interface TabledQuanta {
  table: QuantaTable;
  /** JSON texts of the quanta at these addresses, in their order. */
  documents(addresses: readonly Address[]): AsyncIterable<Uint8Array>;
}
