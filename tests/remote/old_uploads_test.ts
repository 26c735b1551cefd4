/** Uploads in parts that killed processes have left on a real S3 server. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { S3Client } from "../../lib/storage/remote/s3/s3_client.ts";
import { S3Storage } from "../../lib/storage/remote/s3/s3_storage.ts";
import { StorageUrl } from "../../lib/storage/remote/storage_url.ts";
import { children, textOf } from "../../lib/storage/remote/xml.ts";
import { MemorySource } from "../support/sources.ts";
import { BUCKET, type Server, startS3, stopServers } from "./servers.ts";

/** Bytes of a part: the least that stores take. */
const PART = 5 * 2 ** 20;
const LARGE = new Uint8Array(PART + 1000).map((_, i) => i % 251);

async function uploadsOf(client: S3Client): Promise<string[]> {
  const query = { uploads: "" };
  const { body } = await client.send("list uploads", { method: "GET", key: null, query });
  const list = await client.xml.read(body, "ListMultipartUploadsResult", "the list");
  return children(list, "Upload").map((upload) => textOf(upload, "UploadId")!);
}

/** Begins an upload and leaves it. @returns its ID. */
async function leaveUpload(client: S3Client, key: string): Promise<string> {
  const request = { method: "POST", key, query: { uploads: "" } };
  const { body } = await client.send("begin an upload", request);
  const document = await client.xml.read(body, "InitiateMultipartUploadResult", "the answer");
  return textOf(document, "UploadId")!;
}

/** The server takes the time of an upload's directory for when it began. */
function makeOld({ folder }: Server, uploadId: string): void {
  const uploads = join(folder, "objects", BUCKET, ".sgwtmp", "multipart");
  const old = new Date(Date.now() - 2 * 86_400_000);
  for (const { name } of Deno.readDirSync(uploads)) {
    const path = join(uploads, name, uploadId);
    if ([...Deno.readDirSync(join(uploads, name))].some((entry) => entry.name === uploadId)) {
      return Deno.utimeSync(path, old, old);
    }
  }
  assert.fail(`the server has no upload ${uploadId}`);
}

const server = startS3();
if (typeof server === "string") {
  console.log(`skipped: S3: ${server}`);
} else {
  Deno.test({
    name: "S3: storing a large object aborts what was left of it a day ago, and nothing else",
    sanitizeResources: false,
    sanitizeOps: false,
    fn: async () => {
      const { env } = server;
      using client = await S3Client.open(BUCKET, { env });
      using storage = await S3Storage.open(StorageUrl.parse(server.root), { env }, PART);
      const [old, young, other] = [
        await leaveUpload(client, "graph.qg"),
        await leaveUpload(client, "graph.qg"),
        await leaveUpload(client, "graph.qg.other"),
      ];
      makeOld(server, old);
      makeOld(server, other);
      assert.deepEqual((await uploadsOf(client)).sort(), [old, young, other].sort());
      await storage.put("graph.qg", new MemorySource(LARGE), { mustBeNew: true });
      assert.deepEqual((await uploadsOf(client)).sort(), [young, other].sort());
      assert.equal((await storage.stat("graph.qg"))?.size, LARGE.length);
    },
  });
}

Deno.test.afterAll(stopServers);
