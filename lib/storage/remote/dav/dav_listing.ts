/**
 * PROPFIND: what WebDAV servers tell of files and collections.
 *
 * @module
 */

import { EnvironmentError } from "../../../base/errors.ts";
import type { Answer } from "../http_transport.ts";
import { type ObjectVersion, objectVersion } from "../object_version.ts";
import { children, textOf, type XmlElement, type XmlReader } from "../xml.ts";

/** A file or collection. */
export interface DavEntry {
  /** Absolute path, not quoted, without "/" at its end unless it is the root. */
  path: string;
  isCollection: boolean;
  version: ObjectVersion;
}

const BODY = new TextEncoder().encode(
  '<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:"><D:prop><D:resourcetype/>' +
    "<D:getcontentlength/><D:getlastmodified/><D:getetag/></D:prop></D:propfind>",
);

/** The request for a path, or for it and what is right below. */
export function propfind(path: string, depth: 0 | 1) {
  return {
    method: "PROPFIND",
    path,
    headers: { depth: String(depth), "content-type": 'application/xml; charset="utf-8"' },
    body: BODY,
  };
}

/**
 * Reads an answer with status 207.
 *
 * @throws {EnvironmentError} if it tells nothing of use.
 */
export async function readMultistatus(
  xml: XmlReader,
  answer: Answer,
  what: string,
): Promise<DavEntry[]> {
  const document = await xml.read(answer.body, "multistatus", `the answer to "${what}"`);
  return children(document, "response").map((response) => entryOf(response, answer.url, what));
}

function entryOf(response: XmlElement, url: string, what: string): DavEntry {
  const href = textOf(response, "href")?.trim() ?? "";
  const prop = children(response, "propstat")
    .filter((propstat) => / 200( |$)/.test(textOf(propstat, "status")?.trim() ?? ""))
    .flatMap((propstat) => children(propstat, "prop"));
  if (href === "" || !URL.canParse(href, url) || prop.length === 0) {
    throw new EnvironmentError(`Cannot ${what}: the answer tells nothing of "${href}"`);
  }
  const text = (name: string) => {
    for (const one of prop) {
      const value = textOf(one, name)?.trim();
      if (value !== undefined && value !== "") return value;
    }
    return null;
  };
  const isCollection = prop.some((one) =>
    children(one, "resourcetype").some((type) => children(type, "collection").length > 0)
  );
  const length = text("getcontentlength");
  if (!isCollection && !/^\d{1,15}$/.test(length ?? "")) {
    throw new EnvironmentError(`Cannot ${what}: the server doesn't tell the size of "${href}"`);
  }
  const path = decodeURIComponent(
    new URL(href, url).pathname.replace(/%(?![0-9A-Fa-f]{2})/g, "%25"),
  );
  return {
    path: path.length > 1 ? path.replace(/\/+$/, "") || "/" : path,
    isCollection,
    version: objectVersion(Number(length ?? 0), text("getetag"), text("getlastmodified")),
  };
}
