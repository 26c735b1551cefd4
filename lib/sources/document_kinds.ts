/** Kinds of documents by their names on the command line. @module */

/** What can be printed. */
export const DOCUMENT_KINDS = [
  "log",
  "metadata",
  "config",
  "quantum",
  "dataset",
  "packages",
  "header",
] as const;

/** One of {@linkcode DOCUMENT_KINDS}. */
export type DocumentKind = typeof DOCUMENT_KINDS[number];
