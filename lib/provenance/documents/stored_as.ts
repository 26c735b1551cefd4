/**
 * How the files of a dataset type are read, as a plan of its datastore says.
 *
 * @module
 */

import type { DatasetPlan } from "../../butler/datastore/datastore.ts";
import type { StoredAs } from "./document_forms.ts";

/** What of a plan tells how to read a file. */
export function storedAs({ type, formatter, storageClass }: DatasetPlan): StoredAs {
  return { typeName: type.name, formatter, storageClass };
}
