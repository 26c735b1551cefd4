/**
 * Places of files by scheme: `s3://`, `dav://`, `davs://`, `mem://` and local ones. Rules of paths and keys:
 * `schema/storage.md`, section 1.
 *
 * @module
 */

import { RefusedError, UsageError } from "../../base/errors.ts";
import { normalize } from "../../base/paths.ts";
import { withoutSecrets } from "../../base/text/secrets.ts";

/** Schemes that have a {@linkcode Storage}. */
type StorageScheme = "file" | "mem" | "s3" | "dav" | "davs";

/** Schemes of places behind a network. */
const REMOTE = new Set(["s3", "dav", "davs"]);

/** What to do about schemes that the reference knows and this program doesn't. */
const REFUSED: { [scheme: string]: string } = {
  gs:
    "use the store's S3 interface: s3://bucket/..., with S3_ENDPOINT_URL=https://storage.googleapis.com " +
    "and HMAC keys",
  http: "for a WebDAV server give dav://",
  https: "for a WebDAV server give davs://",
  resource: "give a path or an s3://, dav:// or davs:// URI",
  root: "give the WebDAV address of the server, davs://",
};

/** Whether a text is the URI of something in a remote store (`s3://`, `dav://`, `davs://`). */
export function isRemoteUri(text: string): boolean {
  return REMOTE.has(/^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1].toLowerCase() ?? "");
}

/** Whether an argument is a URL of a file that any web server serves by ranges. */
export function isHttpUrl(text: string): boolean {
  return /^https?:\/\//i.test(text);
}

/** A place, normalised. Two URLs with one {@linkcode text} are one place. */
export class StorageUrl {
  readonly scheme: StorageScheme;
  /** Bucket with its profile, or host and port, as written; empty for local files. */
  readonly authority: string;
  /** Absolute path, not quoted, without "/" at its end unless it is the root. */
  readonly path: string;

  private constructor(scheme: StorageScheme, authority: string, path: string) {
    this.scheme = scheme;
    this.authority = authority;
    const normal = normalize(`/${path}`).replace(/^\/+/, "/");
    this.path = normal.length > 1 && normal.endsWith("/") ? normal.slice(0, -1) : normal;
  }

  /**
   * Reads a URI, or an absolute path.
   *
   * @throws {UsageError} if it isn't one, or its scheme has no storage; the message names it.
   */
  static parse(text: string): StorageUrl {
    if (text.startsWith("/")) return new StorageUrl("file", "", text);
    const match = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/]*)(.*)$/s.exec(text);
    if (match === null) throw new UsageError(`Cannot read "${text}" as a URI`);
    const scheme = match[1].toLowerCase();
    const isKnown = scheme === "file" || scheme === "mem" || REMOTE.has(scheme);
    if (!isKnown) {
      throw new UsageError(
        `Cannot use "${withoutSecrets(text)}": scheme "${scheme}" is not supported`,
        {
          hint: REFUSED[scheme] ??
            "the schemes are s3, dav, davs and file",
        },
      );
    }
    const authority = scheme === "s3" ? withoutPassword(match[2]) : match[2];
    if (scheme !== "file" && authority === "") {
      throw new UsageError(
        `Cannot use "${text}": it names no ${scheme === "s3" ? "bucket" : "host"}`,
      );
    }
    if (scheme.startsWith("dav") && authority.includes("@")) {
      throw new UsageError(`Cannot use "${withoutSecrets(text)}": it has a user in it`, {
        hint: "put user and password into the file that LSST_RESOURCES_WEBDAV_CONFIG names",
      });
    }
    const query = scheme.startsWith("dav") ? match[3].replace(/\?.*$/s, "") : match[3];
    return new StorageUrl(
      scheme as StorageScheme,
      scheme === "file" ? "" : authority,
      unquoted(query.replace(/#[^/]*$/, ""), text),
    );
  }

  /** The place as a URI, with what needs it quoted; a path for local ones. No secrets are in it. */
  get text(): string {
    if (this.scheme === "file") return this.path;
    return `${this.scheme}://${this.authority}${quotePath(this.path)}`;
  }

  /** Last element of the path; empty for the root. */
  get name(): string {
    return this.path.slice(this.path.lastIndexOf("/") + 1);
  }

  /** The directory that it is in. */
  get parent(): StorageUrl {
    return new StorageUrl(
      this.scheme,
      this.authority,
      this.path.slice(0, this.path.lastIndexOf("/")),
    );
  }

  /**
   * What is below this at a relative path, which is not quoted.
   *
   * @throws {RefusedError} if the path isn't relative, leaves this place, or can't be in its kind of store.
   */
  child(relative: string): StorageUrl {
    requireRelativePath(relative, this);
    return new StorageUrl(this.scheme, this.authority, `${this.path}/${relative}`);
  }
}

/**
 * Makes sure that a path of a record stays below its root and means the same to everybody.
 *
 * @throws {RefusedError} if it doesn't.
 */
function requireRelativePath(relative: string, root: StorageUrl): void {
  const refuse = (reason: string) => {
    throw new RefusedError(`Cannot use path "${relative}" below "${root.text}": ${reason}`);
  };
  if (relative.startsWith("/")) refuse("it is absolute");
  if (relative.includes("\0")) refuse("it has a NUL in it");
  if (`/${relative}/`.includes("/../")) refuse('it has ".." in it');
  // The reference takes these for quoted, so that it would look for another file.
  if (REMOTE.has(root.scheme) && /%[0-9A-F]{2}/.test(relative)) {
    refuse("it has a percent sign and two digits in it, which have two meanings in a remote store");
  }
}

/** Percent-quotes all but letters, digits and `-_.~`; slashes stay. UTF-8 throughout. */
export function quotePath(path: string): string {
  return path.split("/").map(quotePart).join("/");
}

/** Percent-quotes one element, slashes too. */
function quotePart(part: string): string {
  return encodeURIComponent(part.toWellFormed()).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function unquoted(path: string, text: string): string {
  try {
    // What is no quoted byte ("%zz") stands for itself, as in the reference.
    return decodeURIComponent(path.replace(/%(?![0-9A-Fa-f]{2})/g, "%25"));
  } catch {
    throw new UsageError(`Cannot read "${withoutSecrets(text)}" as a URI: it isn't quoted UTF-8`);
  }
}

/** `profile:ignored@bucket` without the part that is ignored. */
function withoutPassword(authority: string): string {
  const at = authority.lastIndexOf("@");
  if (at < 0) return authority;
  const profile = authority.slice(0, at).replace(/:.*$/s, "");
  return profile === "" ? authority.slice(at + 1) : `${profile}@${authority.slice(at + 1)}`;
}
