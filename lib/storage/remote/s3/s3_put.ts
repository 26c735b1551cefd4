/**
 * Storing objects: small ones by one request, large ones in parts. Both are there whole or not at all.
 *
 * @module
 */

import { EnvironmentError } from "../../../base/errors.ts";
import { nodeCrypto } from "../../../base/node_modules.ts";
import type { ByteSource } from "../../byte_source.ts";
import { eachAtOnce } from "../at_once.ts";
import { type Answer, LostAnswerError } from "../http_transport.ts";
import { codeOf, type S3Client } from "./s3_client.ts";
import { quotePath } from "../storage_url.ts";
import { textOf, xmlText } from "../xml.ts";
import { TakenNameError } from "../taken_name_error.ts";

/** Bytes of a part, and of the largest object that is put by one request. */
const PART_SIZE = 2 ** 24;
const MAX_PARTS = 10_000;
const N_PARTS_AT_ONCE = 4;
/** Most bytes that one request copies inside the store. */
export const MAX_COPY = 5 * 2 ** 30;
/** Header with the SHA-256 of an object's content. */
const CONTENT_HEADER = "x-amz-meta-provgraph-sha256";

/** Stores objects. */
export class S3Putter {
  readonly #client: S3Client;
  readonly #abortOld: (key: string, what: string) => Promise<void>;
  readonly #partSize: number;

  /**
   * @param abortOld Aborts what killed processes have begun to put at a key.
   * @param partSize Bytes of a part; less than usual only for tests.
   */
  constructor(
    client: S3Client,
    abortOld: (key: string, what: string) => Promise<void>,
    partSize = PART_SIZE,
  ) {
    this.#client = client;
    this.#abortOld = abortOld;
    this.#partSize = partSize;
  }

  /** @param what is attempted, with its object. */
  async put(key: string, source: ByteSource, mustBeNew: boolean, what: string): Promise<void> {
    if (source.size <= this.#partSize) await this.#putWhole(key, source, mustBeNew, what);
    else await this.#putParts(key, source, mustBeNew, what);
  }

  /** Lets the store copy an object of at most {@linkcode MAX_COPY} bytes. */
  async copy(from: string, to: string, what: string): Promise<void> {
    const answer = await this.#client.send(what, {
      method: "PUT",
      key: to,
      headers: { "x-amz-copy-source": `/${this.#client.bucket}/${quotePath(from)}` },
    });
    this.#requireDone(what, answer, true);
  }

  async #putWhole(
    key: string,
    source: ByteSource,
    mustBeNew: boolean,
    what: string,
  ): Promise<void> {
    const body = await source.read(0, source.size) as Uint8Array<ArrayBuffer>;
    const digest = nodeCrypto().createHash("sha256").update(body).digest("hex");
    const answer = await this.#client.send(what, {
      method: "PUT",
      key,
      headers: {
        [CONTENT_HEADER]: digest,
        ...(mustBeNew ? { "if-none-match": "*" } : {}),
      },
      body,
    });
    // A first try whose answer was lost may have been done: then it is our own content that is there.
    if (answer.status === 412 && await this.#hasContent(key, body.length, digest, what)) return;
    this.#requireDone(what, answer, false);
    const etag = (answer.headers.get("etag") ?? "").replaceAll('"', "");
    const md5 = nodeCrypto().createHash("md5").update(body).digest("hex");
    const isEncrypted = answer.headers.get("x-amz-server-side-encryption") !== null;
    if (/^[0-9a-f]{32}$/.test(etag) && etag !== md5 && !isEncrypted) {
      await this.#requireSize(key, source.size, what);
    }
  }

  async #putParts(
    key: string,
    source: ByteSource,
    mustBeNew: boolean,
    what: string,
  ): Promise<void> {
    const partSize = Math.max(this.#partSize, Math.ceil(source.size / MAX_PARTS));
    // Their room may be needed; but whether they could be aborted decides nothing.
    await this.#abortOld(key, what).catch(() => {});
    const digest = await sha256Of(source, partSize);
    const uploadId = await this.#begin(key, digest, what);
    const etags: string[] = [];
    try {
      const parts = Array.from({ length: Math.ceil(source.size / partSize) }, (_, i) => i);
      await eachAtOnce(parts, N_PARTS_AT_ONCE, async (i) => {
        const at = i * partSize;
        const body = await source.read(at, Math.min(partSize, source.size - at));
        const answer = await this.#client.send(`${what} (part ${i + 1} of ${parts.length})`, {
          method: "PUT",
          key,
          query: { partNumber: String(i + 1), uploadId },
          body: body as Uint8Array<ArrayBuffer>,
        });
        const etag = answer.headers.get("etag");
        if (answer.status !== 200 || etag === null) throw this.#client.error(what, answer);
        etags[i] = etag;
      });
      await this.#complete(key, uploadId, etags, mustBeNew, what);
    } catch (error) {
      // What the store keeps of a broken upload costs money until it is aborted.
      await this.#client.send(what, { method: "DELETE", key, query: { uploadId } }).catch(() => {});
      throw error;
    }
    await this.#requireSize(key, source.size, what);
  }

  async #begin(key: string, digest: string, what: string): Promise<string> {
    const answer = await this.#client.send(what, {
      method: "POST",
      key,
      query: { uploads: "" },
      headers: { [CONTENT_HEADER]: digest },
    });
    if (answer.status !== 200) throw this.#client.error(what, answer);
    const document = await this.#client.xml.read(
      answer.body,
      "InitiateMultipartUploadResult",
      `the answer to "${what}"`,
    );
    const uploadId = textOf(document, "UploadId");
    if (uploadId !== null && uploadId !== "") return uploadId;
    throw new EnvironmentError(`Cannot ${what}: the store gives the upload no ID`);
  }

  async #complete(
    key: string,
    uploadId: string,
    etags: readonly string[],
    mustBeNew: boolean,
    what: string,
  ): Promise<void> {
    const parts = etags.map((etag, i) =>
      `<Part><PartNumber>${i + 1}</PartNumber><ETag>${xmlText(etag)}</ETag></Part>`
    ).join("");
    const body = new TextEncoder().encode(
      '<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
        `${parts}</CompleteMultipartUpload>`,
    );
    let answer: Answer;
    try {
      answer = await this.#client.send(what, {
        method: "POST",
        key,
        query: { uploadId },
        headers: {
          "content-type": "application/xml",
          ...(mustBeNew ? { "if-none-match": "*" } : {}),
        },
        body,
        isRepeatable: false,
      });
    } catch (error) {
      if (!(error instanceof LostAnswerError)) throw error;
      // It may be done: a finished upload has no parts any more.
      const parts = await this.#client.send(what, { method: "GET", key, query: { uploadId } });
      if (parts.status === 404 && codeOf(parts) === "NoSuchUpload") return;
      throw error;
    }
    this.#requireDone(what, answer, true);
  }

  /** @param hasDocument Whether status 200 may come with an error in its body. */
  #requireDone(what: string, answer: Answer, hasDocument: boolean): void {
    const isError = hasDocument && new TextDecoder().decode(answer.body).includes("<Error>");
    if (answer.status === 412) {
      throw new TakenNameError(`Cannot ${what}: it is there already`);
    }
    if (answer.status >= 300 || isError) throw this.#client.error(what, answer);
  }

  async #hasContent(key: string, size: number, digest: string, what: string): Promise<boolean> {
    const { status, headers } = await this.#client.send(what, { method: "HEAD", key });
    return status === 200 && Number(headers.get("content-length")) === size &&
      headers.get(CONTENT_HEADER) === digest;
  }

  async #requireSize(key: string, size: number, what: string): Promise<void> {
    const answer = await this.#client.send(what, { method: "HEAD", key });
    const found = Number(answer.headers.get("content-length") ?? NaN);
    if (answer.status === 200 && found === size) return;
    throw new EnvironmentError(
      `Cannot ${what}: the store has ${
        answer.status === 200 ? `${found} bytes` : "nothing"
      } there, not the ${size} bytes that were sent`,
      { hint: "run the same command again" },
    );
  }
}

async function sha256Of(source: ByteSource, pieceSize: number): Promise<string> {
  const hash = nodeCrypto().createHash("sha256");
  for (let at = 0; at < source.size; at += pieceSize) {
    hash.update(await source.read(at, Math.min(pieceSize, source.size - at)));
  }
  return hash.digest("hex");
}
