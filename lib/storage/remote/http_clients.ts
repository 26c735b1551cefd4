/**
 * The runtime's HTTP clients for one server: one that keeps connections, and one that makes a new one for
 * each request. The second is for what must not be sent twice (the first sends a request again by itself
 * when a kept connection turns out to be closed), and for repeats after a kept connection broke.
 *
 * @module
 */

import type { Certificates, Fetch, HttpClients } from "./http_transport.ts";

/** Connections that are kept for later requests. */
const KEPT = 64;

/** Makes the clients of one server. */
export function openClients({ authorities, client }: Certificates, nKept = KEPT): HttpClients {
  const common = {
    http2: false,
    ...(authorities.length === 0 ? {} : { caCerts: authorities }),
    ...(client === null ? {} : client),
  };
  const kept = Deno.createHttpClient({ ...common, poolMaxIdlePerHost: nKept });
  let fresh: Deno.HttpClient | null = null;
  const fetchBy = (give: () => Deno.HttpClient): Fetch => (url, init) =>
    fetch(url, { ...init, client: give() } as RequestInit);
  return {
    kept: fetchBy(() => kept),
    fresh: fetchBy(() => fresh ??= Deno.createHttpClient({ ...common, poolMaxIdlePerHost: 0 })),
    close: () => {
      kept.close();
      fresh?.close();
      fresh = null;
    },
  };
}
