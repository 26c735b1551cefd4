/**
 * `fetch` of a page, with errors that say what a server must be told: a browser keeps from a page why it was
 * refused something of another host.
 *
 * @module
 */

import { EnvironmentError } from "../base/errors.ts";
import { withoutSecrets } from "../base/text/secrets.ts";
import type { Fetch } from "../storage/http_source.ts";

/** Status of an answer with a part of a file. */
const PARTIAL_CONTENT = 206;

/**
 * Asks a server for bytes.
 *
 * @param doFetch Of the page.
 * @throws {EnvironmentError} if the answer can't be used, with what to change on the server.
 */
export function pageFetch(doFetch: Fetch): Fetch {
  return async (url, init) => {
    const name = withoutSecrets(url);
    let response: Response;
    try {
      response = await doFetch(url, { ...init, referrerPolicy: "no-referrer", cache: "no-store" });
    } catch (cause) {
      throw new EnvironmentError(
        `Cannot read "${name}": the browser gets no answer that it may show`,
        {
          cause,
          hint:
            "either the server can't be reached, or it doesn't allow this page to read the file " +
            "(CORS): it has to allow this page's origin and the header Range, see schema/explore.md",
        },
      );
    }
    if (response.status === 401 || response.status === 403) {
      await response.body?.cancel();
      throw new EnvironmentError(`Cannot read "${name}": the server answers ${response.status}`, {
        hint: "the link may have expired, or the file isn't public: ask for a new link",
      });
    }
    if (response.status === PARTIAL_CONTENT && !response.headers.has("content-range")) {
      await response.body?.cancel();
      throw new EnvironmentError(
        `Cannot read "${name}": the server doesn't show this page which bytes it sends`,
        { hint: "let it expose the header Content-Range (CORS), see schema/explore.md" },
      );
    }
    return response;
  };
}
