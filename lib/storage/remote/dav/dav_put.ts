/**
 * Storing files on a WebDAV server: under a temporary name, checked, then moved to the final one.
 *
 * @module
 */

import { EnvironmentError, RefusedError } from "../../../base/errors.ts";
import type { ByteSource } from "../../byte_source.ts";
import { randomWord } from "../../temporary_name.ts";
import type { DavClient } from "./dav_client.ts";
import type { DavEntry } from "./dav_listing.ts";
import { type Answer, LostAnswerError } from "../http_transport.ts";
import { quotePath } from "../storage_url.ts";
import { TakenNameError } from "../taken_name_error.ts";

/** A body is in memory, whole. */
const MAX_SIZE = 2 ** 30;
const N_LOCKED_TRIES = 3;

/** What is at an absolute path; null if nothing is. */
type LookAt = (path: string, what: string) => Promise<DavEntry | null>;

/** Stores files. */
export class DavPutter {
  readonly #client: DavClient;
  readonly #lookAt: LookAt;
  readonly #madeDirectories = new Set<string>();

  constructor(client: DavClient, lookAt: LookAt) {
    this.#client = client;
    this.#lookAt = lookAt;
  }

  /**
   * @param path Absolute path, not quoted.
   * @param what is attempted, with its object.
   */
  async put(path: string, source: ByteSource, mustBeNew: boolean, what: string): Promise<void> {
    if (source.size > MAX_SIZE) {
      throw new RefusedError(
        `Cannot ${what}: it has ${source.size} bytes, and only files of up to ${MAX_SIZE} bytes are ` +
          "stored on a WebDAV server",
        { hint: "store it locally, and copy it there by another program" },
      );
    }
    const body = await source.read(0, source.size) as Uint8Array<ArrayBuffer>;
    const directory = path.slice(0, path.lastIndexOf("/"));
    const temporary = `${directory}/.tmp.${randomWord()}.${path.slice(directory.length + 1)}`;
    if (this.#client.variant === "generic") await this.#makeDirectory(directory, what);
    try {
      await this.#putBody(temporary, body, what);
      await this.#requireSize(temporary, body.length, what);
      await this.#move("MOVE", temporary, path, mustBeNew, what);
    } catch (error) {
      const request = { method: "DELETE", path: temporary };
      await this.#client.send(what, request).catch(() => {});
      throw error;
    }
  }

  /** Lets the server copy a file. */
  async copy(from: string, to: string, mustBeNew: boolean, what: string): Promise<void> {
    await this.#makeDirectory(to.slice(0, to.lastIndexOf("/")), what);
    await this.#move("COPY", from, to, mustBeNew, what);
  }

  async #putBody(path: string, body: Uint8Array<ArrayBuffer>, what: string): Promise<void> {
    const { variant } = this.#client;
    let target = path;
    if (variant !== "generic" && body.length > 0) {
      // The door is asked first where the body goes, so that none is sent in vain.
      const expect: Record<string, string> = variant === "dcache" ? { expect: "100-continue" } : {};
      const answer = await this.#putOnce(path, new Uint8Array(0), what, expect, false);
      const location = answer.headers.get("location");
      if (answer.status >= 300 && answer.status < 400 && location !== null) {
        target = new URL(location, answer.url).href;
      } else if (answer.status >= 300) throw this.#client.error(what, answer);
    }
    const answer = await this.#putOnce(target, body, what, {}, true);
    const sent = /^(\d+) bytes uploaded/.exec(
      new TextDecoder().decode(answer.body.subarray(0, 64)),
    );
    if (answer.status >= 300) throw this.#client.error(what, answer);
    if (sent !== null && Number(sent[1]) !== body.length) {
      throw new EnvironmentError(
        `Cannot ${what}: the server has taken ${sent[1]} of ${body.length} bytes`,
        { hint: "run the same command again" },
      );
    }
  }

  async #putOnce(
    path: string,
    body: Uint8Array<ArrayBuffer>,
    what: string,
    headers: Record<string, string>,
    followsRedirects: boolean,
  ): Promise<Answer> {
    const { variant } = this.#client;
    for (let nTries = 1;; nTries++) {
      const answer = await this.#client.send(what, {
        method: "PUT",
        path,
        headers,
        body,
        followsRedirects,
        isFresh: variant === "dcache",
      });
      if (answer.status !== 423 || nTries === N_LOCKED_TRIES) return answer;
      await new Promise((resolve) => setTimeout(resolve, 100 * nTries));
    }
  }

  async #requireSize(path: string, size: number, what: string): Promise<void> {
    const entry = await this.#lookAt(path, what);
    if (entry?.version.size === size) return;
    throw new EnvironmentError(
      `Cannot ${what}: the server has ${entry?.version.size ?? "no"} bytes of the ${size} sent`,
      { hint: "run the same command again" },
    );
  }

  /** MOVE or COPY; if no answer comes, what is there tells whether it was done. */
  async #move(
    method: "MOVE" | "COPY",
    from: string,
    to: string,
    mustBeNew: boolean,
    what: string,
  ): Promise<void> {
    const size = (await this.#lookAt(from, what))?.version.size;
    let answer: Answer;
    try {
      answer = await this.#client.send(what, {
        method,
        path: from,
        headers: {
          destination: this.#client.origin + quotePath(to),
          overwrite: mustBeNew ? "F" : "T",
        },
        isRepeatable: false,
      });
    } catch (error) {
      if (!(error instanceof LostAnswerError)) throw error;
      const [source, target] = [await this.#lookAt(from, what), await this.#lookAt(to, what)];
      const isDone = (method === "COPY" || source === null) && target?.version.size === size;
      if (isDone) return;
      throw error;
    }
    if (answer.status === 412 && mustBeNew) {
      throw new TakenNameError(`Cannot ${what}: it is there already`);
    }
    if (![201, 204].includes(answer.status)) throw this.#client.error(what, answer);
  }

  /** Makes a collection and those above it. */
  async #makeDirectory(path: string, what: string): Promise<void> {
    if (path === "" || this.#madeDirectories.has(path)) return;
    let answer = await this.#client.send(what, { method: "MKCOL", path: `${path}/` });
    if (answer.status === 409 || answer.status === 404) {
      await this.#makeDirectory(path.slice(0, path.lastIndexOf("/")), what);
      answer = await this.#client.send(what, { method: "MKCOL", path: `${path}/` });
    }
    // 405: it is there. Apache says 301 for what has another form.
    if (![200, 201, 301, 405].includes(answer.status)) throw this.#client.error(what, answer);
    this.#madeDirectories.add(path);
  }
}
