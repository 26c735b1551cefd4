/**
 * Dataset types.
 *
 * @module
 */

import { RefusedError } from "../../base/errors.ts";
import type { DatasetType } from "./dataset_type.ts";

/** Dataset type names that the reference accepts; dots would denote components. */
const DATASET_TYPE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Checks the syntax of a dataset type's name, which becomes part of paths.
 *
 * @throws {RefusedError} if it isn't letters, digits and underscores.
 *
 * Source: `schema/butler-repository.md`, section 3.2.
 */
export function checkDatasetTypeName(name: string): void {
  if (!DATASET_TYPE_NAME.test(name)) {
    throw new RefusedError(
      `Cannot use dataset type "${name.slice(0, 200)}": its name is not made of letters, digits ` +
        "and underscores",
    );
  }
}

/**
 * How two definitions of one dataset type differ, as text for a message; null if they don't.
 * Groups are compared by their conformed names.
 */
export function datasetTypeDifference(found: DatasetType, expected: DatasetType): string | null {
  if (found.group.key !== expected.group.key) {
    return `dimensions are {${found.group.names.join(", ")}}, expected ` +
      `{${expected.group.names.join(", ")}}`;
  }
  if (found.storageClass !== expected.storageClass) {
    return `storage class is "${found.storageClass}", expected "${expected.storageClass}"`;
  }
  if (found.isCalibration !== expected.isCalibration) {
    return found.isCalibration
      ? "it is a calibration type, expected none"
      : "it is no calibration type, expected one";
  }
  return null;
}
