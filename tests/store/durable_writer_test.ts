/** Files that are complete or absent. */

import assert from "node:assert/strict";
import { EnvironmentError, NotFoundError } from "../../lib/base/errors.ts";
import { DurableWriter } from "../../lib/store/durable_writer.ts";
import { temporaryDirectory } from "../support/fixtures.ts";

function names(path: string): string[] {
  return [...Deno.readDirSync(path)].map(({ name }) => name).sort();
}

Deno.test("DurableWriter.commit() gives the file its name with all that was written", async () => {
  await using work = await temporaryDirectory();
  const path = work.join("file.txt");
  const parts = ["first ", "x".repeat(200_000), " é ", "y".repeat(65_530), "last"];
  {
    using file = DurableWriter.create(path);
    for (const part of parts) file.write(part);
    assert.deepEqual(names(work.path).filter((name) => name === "file.txt"), []);
    file.commit();
  }
  assert.equal(Deno.readTextFileSync(path), parts.join(""));
  assert.deepEqual(names(work.path), ["file.txt"]);
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
  Deno.writeTextFileSync(`${path}.tmp-0123456789abcdef`, "half");
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

Deno.test("DurableWriter.create() makes no directories", async () => {
  await using work = await temporaryDirectory();
  assert.throws(() => DurableWriter.create(work.join("absent", "file.txt")), NotFoundError);
  assert.deepEqual(names(work.path), []);
});

Deno.test("DurableWriter.commit() keeps the mode of what it replaces", async () => {
  await using work = await temporaryDirectory();
  for (const mode of [0o600, 0o640, 0o666]) {
    const path = work.join(`file-${mode}`);
    Deno.writeTextFileSync(path, "before");
    Deno.chmodSync(path, mode);
    using file = DurableWriter.create(path);
    file.write("after");
    file.commit();
    assert.equal(Deno.statSync(path).mode! & 0o7777, mode);
    assert.equal(Deno.readTextFileSync(path), "after");
  }
});

Deno.test("DurableWriter.commit() replaces what a symbolic link leads to and keeps the link", async () => {
  await using work = await temporaryDirectory();
  Deno.mkdirSync(work.join("disk"));
  for (const name of ["there", "not-yet"]) {
    if (name === "there") Deno.writeTextFileSync(work.join("disk", name), "before");
    Deno.symlinkSync(`disk/${name}`, work.join(name));
    using file = DurableWriter.create(work.join(name));
    file.write("after");
    file.commit();
    assert.equal(Deno.readLinkSync(work.join(name)), `disk/${name}`);
    assert.equal(Deno.readTextFileSync(work.join("disk", name)), "after");
  }
  assert.deepEqual(names(work.join("disk")), ["not-yet", "there"]);
});
