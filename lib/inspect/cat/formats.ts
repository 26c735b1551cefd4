/**
 * Layouts of what `cat` prints: for whoever only wants to know which there are.
 *
 * @module
 */

/** Layouts of the output. */
export const FORMATS = ["text", "json", "ndjson"] as const;

/** One of {@linkcode FORMATS}. */
export type Format = typeof FORMATS[number];
