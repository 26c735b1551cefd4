/** The shared cases of storages on local files and in memory; `tests/remote` runs them on real servers. */

import { LocalStorage } from "../../../lib/storage/remote/local_storage.ts";
import { MemoryStorage } from "../../../lib/storage/remote/memory_storage.ts";
import { StorageUrl } from "../../../lib/storage/remote/storage_url.ts";
import { STORAGE_CASES } from "../../support/storage_cases.ts";

for (const [name, run] of STORAGE_CASES) {
  Deno.test(`local storage: ${name}`, async () => {
    const path = Deno.makeTempDirSync();
    try {
      await run(new LocalStorage(StorageUrl.parse(path)));
    } finally {
      Deno.removeSync(path, { recursive: true });
    }
  });
  Deno.test(`storage in memory: ${name}`, async () => {
    await run(new MemoryStorage(StorageUrl.parse("mem://test/root")));
  });
}
