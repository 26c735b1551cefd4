/** Value of one dimension. Integers beyond 2^53 are `bigint`, others are never. */
export type DataIdValue = string | number | bigint;
