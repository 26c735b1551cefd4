/**
 * What a dataset type is.
 *
 * @module
 */

import type { DimensionGroup } from "./dimension_group.ts";

/** Definition of a dataset type, as the registry keeps it. */
export interface DatasetType {
  /** Name of a parent dataset type, never of a component. */
  name: string;
  group: DimensionGroup;
  /** Storage class of the registry, not that of a task's connection. */
  storageClass: string;
  isCalibration: boolean;
}
