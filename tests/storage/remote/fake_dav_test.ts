/** The shared cases of storages on servers that answer as dCache and XRootD do. */

import assert from "node:assert/strict";
import { RefusedError } from "../../../lib/base/errors.ts";
import { openStorage } from "../../../lib/storage/remote/open_storage.ts";
import { STORAGE_CASES } from "../../support/storage_cases.ts";
import { type FakeKind, startFakeDav } from "./fake_dav.ts";

const NO_VARIABLES = { get: () => undefined };

/** What a store that tells nothing but sizes can't know. */
const UNKNOWABLE: Readonly<Record<FakeKind, readonly string[]>> = {
  generic: [],
  dcache: [],
  xrootd: ["an opened file that is replaced is not read on", "a file is replaced whole"],
};

for (const kind of ["generic", "dcache", "xrootd"] as const) {
  for (const [title, run] of STORAGE_CASES) {
    if (UNKNOWABLE[kind].includes(title)) continue;
    Deno.test(`WebDAV as of ${kind}: ${title}`, async () => {
      await using server = startFakeDav(kind);
      using storage = await openStorage(`${server.root}/data`, { env: NO_VARIABLES });
      await run(storage);
      const left = [...server.files.keys()].filter((path) => path.includes("/.tmp."));
      assert.deepEqual(left, []);
    });
  }
}

for (
  const [name, headers] of [
    ["XRootD 5.5, which takes sizes for 0", { dav: "1", server: "XrootD/v5.5.3" }],
    ["a server that is none of WebDAV", { server: "Apache" }],
  ] as const
) {
  Deno.test(`${name}, is refused by name`, async () => {
    const server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      () => new Response(null, { headers }),
    );
    const { port } = server.addr as Deno.NetAddr;
    await assert.rejects(
      openStorage(`dav://127.0.0.1:${port}/x`, { env: NO_VARIABLES }),
      (error) => error instanceof RefusedError && error.message.includes(`127.0.0.1:${port}`),
    );
    await server.shutdown();
  });
}
