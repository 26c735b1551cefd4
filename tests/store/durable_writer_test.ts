/** Files that are complete or absent. */

import assert from "node:assert/strict";
import { EnvironmentError } from "../../lib/base/errors.ts";
import { DurableWriter } from "../../lib/store/durable_writer.ts";
import { temporaryDirectory } from "../support/fixtures.ts";

function names(path: string): string[] {
  return [...Deno.readDirSync(path)].map(({ name }) => name).sort();
}

Deno.test("DurableWriter.commit() gives the file its name with all that was written", async () => {
  await using work = await temporaryDirectory();
  const path = work.join("a", "b", "file.txt");
  const parts = ["first ", "x".repeat(200_000), " é ", "y".repeat(65_530), "last"];
  {
    using file = DurableWriter.create(path);
    for (const part of parts) file.write(part);
    assert.deepEqual(names(work.join("a", "b")).filter((name) => name === "file.txt"), []);
    file.commit();
  }
  assert.equal(Deno.readTextFileSync(path), parts.join(""));
  assert.deepEqual(names(work.join("a", "b")), ["file.txt"]);
});

Deno.test("DurableWriter leaves what was there when it isn't committed", async () => {
  await using work = await temporaryDirectory();
  const path = work.join("file.txt");
  Deno.writeTextFileSync(path, "before");
  {
    using file = DurableWriter.create(path);
    file.write("after");
  }
  assert.equal(Deno.readTextFileSync(path), "before");
  assert.deepEqual(names(work.path), ["file.txt"]);
});

Deno.test("DurableWriter.create() removes what a killed process left", async () => {
  await using work = await temporaryDirectory();
  const path = work.join("file.txt");
  // No process has a number above the system's largest.
  Deno.writeTextFileSync(`${path}.tmp-99999999`, "half");
  using file = DurableWriter.create(path);
  file.commit();
  assert.deepEqual(names(work.path), ["file.txt"]);
});

Deno.test("DurableWriter.create() names the path that can't be written", async () => {
  await using work = await temporaryDirectory();
  Deno.writeTextFileSync(work.join("file"), "");
  assert.throws(
    () => DurableWriter.create(work.join("file", "below.txt")),
    (error) => error instanceof Error && /below\.txt/.test(error.message) && error.name !== "Error",
  );
  Deno.mkdirSync(work.join("directory"));
  using file = DurableWriter.create(work.join("directory"));
  assert.throws(() => file.commit(), EnvironmentError);
});
