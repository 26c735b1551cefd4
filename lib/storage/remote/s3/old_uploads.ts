/**
 * Uploads in parts that were never completed: invisible, and paid for until somebody aborts them.
 *
 * @module
 */

import type { S3Client } from "./s3_client.ts";
import { children, textOf } from "../xml.ts";

/** An upload of one graph takes minutes; who is still at it after a day has gone. */
const OLD_MS = 86_400_000;

/**
 * Aborts the uploads of a key that began more than a day ago by the store's clock: killed processes have
 * left them. Of a store that doesn't list uploads, or doesn't let us, they stay.
 *
 * @param what is attempted, with its object.
 */
export async function abortOldUploads(client: S3Client, key: string, what: string): Promise<void> {
  const answer = await client.send(what, {
    method: "GET",
    key: null,
    query: { uploads: "", prefix: key },
  });
  const nowMs = Date.parse(answer.headers.get("date") ?? "");
  if (answer.status !== 200 || Number.isNaN(nowMs)) return;
  const list = await client.xml.read(
    answer.body,
    "ListMultipartUploadsResult",
    `the answer to "${what}"`,
  );
  for (const upload of children(list, "Upload")) {
    const uploadId = textOf(upload, "UploadId") ?? "";
    const startMs = Date.parse(textOf(upload, "Initiated") ?? "");
    // A prefix also begins other keys.
    if (textOf(upload, "Key") !== key || uploadId === "" || !(nowMs - startMs > OLD_MS)) continue;
    await client.send(what, { method: "DELETE", key, query: { uploadId } });
  }
}
