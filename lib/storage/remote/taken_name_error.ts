/** @module */

import { RefusedError } from "../../base/errors.ts";

/** Something is there already under the name of a file that must be new: exit code 2. */
export class TakenNameError extends RefusedError {
  override name = "TakenNameError";
}
