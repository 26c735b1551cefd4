/**
 * Deleting many objects of a bucket: a thousand a request where the store can, else one by one.
 *
 * @module
 */

import { EnvironmentError, RefusedError } from "../../../base/errors.ts";
import { nodeCrypto } from "../../../base/node_modules.ts";
import { eachAtOnce } from "../at_once.ts";
import type { Answer } from "../http_transport.ts";
import { codeOf, type S3Client } from "./s3_client.ts";
import { children, isXmlText, textOf, xmlText } from "../xml.ts";

/** Keys a request takes. */
export const MAX_KEYS = 1000;
const N_BULKS_AT_ONCE = 4;
const N_SINGLES_AT_ONCE = 64;
/** How often keys are sent again that the store was too busy for. */
const N_TRIES = 5;

/** Codes of single keys that may pass. */
const PASSING_CODES = new Set([
  "InternalError",
  "SlowDown",
  "ServiceUnavailable",
  "RequestTimeout",
]);
/** What stores answer that have no bulk delete. */
const NO_BULK_CODES = new Set(["NotImplemented", "MethodNotAllowed", "InvalidArgument"]);

/** Deletes objects. */
export class S3Deleter {
  readonly #client: S3Client;
  #hasBulk = true;

  constructor(client: S3Client) {
    this.#client = client;
  }

  /** Whether the store deletes many by one request, as far as is known. */
  get hasBulk(): boolean {
    return this.#hasBulk;
  }

  /**
   * Deletes all of these; absent ones are no errors.
   *
   * @param where Text of the root, for messages.
   */
  async delete(
    keys: readonly string[],
    where: string,
    onGone: (n: number) => void,
  ): Promise<void> {
    const failures: KeyFailures = { n: 0, first: null };
    const bulks: string[][] = [];
    const singles: string[] = [];
    for (const key of keys) {
      if (!isXmlText(key)) singles.push(key);
      else if (bulks.length > 0 && bulks[bulks.length - 1].length < MAX_KEYS) {
        bulks[bulks.length - 1].push(key);
      } else bulks.push([key]);
    }
    await eachAtOnce(bulks, N_BULKS_AT_ONCE, async (bulk) => {
      if (this.#hasBulk && await this.#deleteBulk(bulk, where, onGone, failures)) return;
      await this.#deleteEach(bulk, where, onGone);
    });
    await this.#deleteEach(singles, where, onGone);
    if (failures.first !== null) throw failureOf(failures, where);
  }

  async #deleteEach(
    keys: readonly string[],
    where: string,
    onGone: (n: number) => void,
  ): Promise<void> {
    await eachAtOnce(keys, N_SINGLES_AT_ONCE, async (key) => {
      const what = `delete object "${key}" of ${where}`;
      const answer = await this.#client.send(what, { method: "DELETE", key });
      const isGone = answer.status === 200 || answer.status === 204 ||
        answer.status === 404 && codeOf(answer) !== "NoSuchBucket";
      if (!isGone) throw this.#client.error(what, answer);
      onGone(1);
    });
  }

  /** @returns false if the store has no such request. */
  async #deleteBulk(
    keys: readonly string[],
    where: string,
    onGone: (n: number) => void,
    failures: KeyFailures,
  ): Promise<boolean> {
    let left = keys;
    for (let nTries = 1; left.length > 0; nTries++) {
      const what = `delete ${left.length} objects of ${where}`;
      const answer = await this.#client.send(what, bulkRequest(left));
      if (answer.status !== 200) {
        const isWithout = answer.status === 405 || answer.status === 501 ||
          NO_BULK_CODES.has(codeOf(answer) ?? "");
        if (!isWithout) throw this.#client.error(what, answer);
        this.#hasBulk = false;
        return false;
      }
      const errors = await this.#errorsIn(answer, what, left);
      const again: string[] = [];
      for (const [key, error] of errors) {
        if (PASSING_CODES.has(error.code) && nTries < N_TRIES) again.push(key);
        else if (error.code !== "NoSuchKey") {
          failures.n++;
          failures.first ??= { key, ...error };
        }
      }
      onGone(left.length - errors.size);
      left = again;
    }
    return true;
  }

  async #errorsIn(
    answer: Answer,
    what: string,
    keys: readonly string[],
  ): Promise<Map<string, KeyError>> {
    const result = await this.#client.xml.read(
      answer.body,
      "DeleteResult",
      `the result of "${what}"`,
    );
    const errors = new Map<string, KeyError>();
    const asked = new Set(keys);
    for (const element of children(result, "Error")) {
      const key = textOf(element, "Key") ?? "";
      if (!asked.has(key)) {
        throw new EnvironmentError(
          `Cannot ${what}: the store tells of "${key}", which it wasn't asked about`,
        );
      }
      errors.set(key, {
        code: textOf(element, "Code") ?? "",
        message: textOf(element, "Message") ?? "",
      });
    }
    return errors;
  }
}

interface KeyError {
  code: string;
  message: string;
}

interface KeyFailures {
  n: number;
  first: (KeyError & { key: string }) | null;
}

function bulkRequest(keys: readonly string[]) {
  const objects = keys.map((key) => `<Object><Key>${xmlText(key)}</Key></Object>`).join("");
  const body = new TextEncoder().encode(
    '<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet>' +
      `${objects}</Delete>`,
  );
  return {
    method: "POST",
    key: null,
    query: { delete: "" },
    headers: {
      "content-md5": nodeCrypto().createHash("md5").update(body).digest("base64"),
      "content-type": "application/xml",
    },
    body,
  };
}

function failureOf({ n, first }: KeyFailures, where: string): Error {
  const { key, code, message } = first!;
  const more = n > 1 ? `; and ${n - 1} more` : "";
  const text = `Cannot delete object "${key}" of ${where}: the server answers ${code}` +
    `${message === "" ? "" : ` ("${message}")`}${more}`;
  return code === "AccessDenied"
    ? new RefusedError(text, { hint: "ask for the permission, then run the same command again" })
    : new EnvironmentError(text, { hint: "run the same command again" });
}
