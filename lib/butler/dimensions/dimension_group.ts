/**
 * A set of dimensions.
 *
 * @module
 */

/** A set of dimensions, closed under dependencies. Equal groups are the same object per universe. */
export interface DimensionGroup {
  /** All dimensions in universe order. */
  readonly names: readonly string[];
  /** Those that no other member implies, in universe order: the columns of tags tables. */
  readonly required: readonly string[];
  /** The rest, in universe order. */
  readonly implied: readonly string[];
  /** Dimensions of the group that are governors. */
  readonly governors: readonly string[];
  /** `names` joined by ",": equal exactly for equal groups. */
  readonly key: string;
}
