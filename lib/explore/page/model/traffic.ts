/**
 * What the page has asked of servers: shown to the user, and the measure of what is read without asking.
 *
 * @module
 */

import type { Fetch } from "../../../storage/http_source.ts";

/** Requests and bytes. */
export class Traffic {
  nRequests = 0;
  nBytes = 0;

  /** The page's `fetch`, counted. Bytes count when their answer begins. */
  readonly fetch: Fetch = async (url, init) => {
    this.nRequests++;
    const response = await globalThis.fetch(url, init);
    this.nBytes += Number(response.headers.get("content-length") ?? 0);
    return response;
  };
}
