/**
 * What `provgraph explore` puts into the page: which sources it serves.
 *
 * @module
 */

/** A source that the page may open. */
export interface ServedSource {
  /** As it is shown. */
  name: string;
  /** Address, relative to the page. */
  url: string;
  /** Whether it lies on another host, so that reading it takes time. */
  isRemote: boolean;
}

/** Id of the element that holds the list, as JSON. */
export const SERVED_ID = "served-sources";

/** The list as it stands in the page that nobody serves. */
export const NOTHING_SERVED = "[]";

/** JSON text that can stand in an element: nothing in it ends that. */
export function servedJson(sources: readonly ServedSource[]): string {
  return JSON.stringify(sources).replaceAll("<", "\\u003c");
}

/** Reads the list. */
export function readServed(text: string): ServedSource[] {
  return JSON.parse(text);
}
