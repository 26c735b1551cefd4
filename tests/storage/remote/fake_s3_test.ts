/** The shared cases of storages on an S3 server that gives lists in pages of two and takes small parts. */

import assert from "node:assert/strict";
import { S3Storage } from "../../../lib/storage/remote/s3/s3_storage.ts";
import { StorageUrl } from "../../../lib/storage/remote/storage_url.ts";
import { STORAGE_CASES } from "../../support/storage_cases.ts";
import { startFakeS3 } from "./fake_s3.ts";

for (const [title, run] of STORAGE_CASES) {
  Deno.test(`S3 in pages and parts: ${title}`, async () => {
    await using server = startFakeS3();
    using storage = await S3Storage.open(StorageUrl.parse(server.root), server, 4096);
    await run(storage);
    assert.equal(server.uploads.size, 0);
  });
}
