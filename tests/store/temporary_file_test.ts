import assert from "node:assert/strict";
import { removeLeftovers, TemporaryFile, useOfUnfinished } from "../../lib/store/temporary_file.ts";
import { parseUnfinishedName, temporaryName } from "../../lib/store/temporary_name.ts";
import { inTemporaryDirectory } from "./support.ts";

function names(path: string): string[] {
  return [...Deno.readDirSync(path)].map(({ name }) => name).sort();
}

Deno.test("temporaryName() gives another name each time, none of which tells its process", () => {
  const made = Array.from({ length: 1000 }, () => temporaryName("a/out.qg"));
  assert.equal(new Set(made).size, made.length);
  for (const name of made) assert.match(name, /^a\/out\.qg\.tmp-[0-9a-f]{16}$/);
});

const NAMES: [string, string | null][] = [
  ["out.qg.tmp-0123456789abcdef", "out.qg"],
  ["out.qg.lock.0123456789abcdef", "out.qg"],
  // Of earlier releases.
  ["out.qg.tmp-4711", "out.qg"],
  ["out.qg.lock.4711-01234567", "out.qg"],
  ["out.qg", null],
  ["out.qg.lock", null],
  ["out.qg.tmp-", null],
  ["out.qg.tmp-final", null],
  ["out.qg.tmp-0123456789abcdef.bak", null],
  [".tmp-0123456789abcdef", null],
];

for (const [name, owner] of NAMES) {
  Deno.test(`parseUnfinishedName(): "${name}" is ${owner === null ? "none" : `of "${owner}"`}`, () => {
    assert.equal(parseUnfinishedName(name)?.owner ?? null, owner);
  });
}

Deno.test("removeLeftovers() removes what nobody keeps locked, and only of this file", () => {
  inTemporaryDirectory((directory) => {
    const path = `${directory}/out.qg`;
    using used = TemporaryFile.create(path);
    const kept = [
      "out.qg",
      "out.qg.tmp-notes",
      "out.qg.tmp-4711",
      "out.qg2.tmp-0123456789abcdef",
    ];
    const left = ["out.qg.tmp-0123456789abcdef", "out.qg.lock.0123456789abcdef"];
    for (const name of [...kept, ...left]) Deno.writeTextFileSync(`${directory}/${name}`, "");
    Deno.symlinkSync("out.qg", `${path}.tmp-00000000000000bb`);
    Deno.mkdirSync(`${path}.tmp-00000000000000cc`);
    const others = [
      "out.qg.tmp-00000000000000bb",
      "out.qg.tmp-00000000000000cc",
    ];
    assert.equal(useOfUnfinished(used.path), "used");
    removeLeftovers(path, false);
    const own = used.path.slice(directory.length + 1);
    assert.deepEqual(names(directory), [...kept, ...others, own].sort());
  });
});

Deno.test("removeLeftovers() of who holds the lock removes every temporary file", () => {
  inTemporaryDirectory((directory) => {
    const path = `${directory}/out.qg`;
    for (const end of ["tmp-4711", "tmp-0123456789abcdef"]) {
      Deno.writeTextFileSync(`${path}.${end}`, "");
    }
    removeLeftovers(path, true);
    assert.deepEqual(names(directory), []);
  });
});

Deno.test("TemporaryFile is private while it replaces a file that is", () => {
  inTemporaryDirectory((directory) => {
    const path = `${directory}/out.qg`;
    Deno.writeTextFileSync(path, "secret", { mode: 0o600 });
    using temporary = TemporaryFile.create(path);
    assert.equal(Deno.statSync(temporary.path).mode! & 0o777, 0o600);
    temporary.publish();
    assert.deepEqual(names(directory), ["out.qg"]);
  });
});

Deno.test("TemporaryFile takes no mode of a link that it replaces", () => {
  inTemporaryDirectory((directory) => {
    const path = `${directory}/out.qg`;
    Deno.symlinkSync("elsewhere", path);
    const usual = `${directory}/usual`;
    Deno.writeTextFileSync(usual, "");
    using temporary = TemporaryFile.create(path);
    temporary.publish();
    assert.ok(Deno.lstatSync(path).isFile);
    assert.equal(Deno.statSync(path).mode, Deno.statSync(usual).mode);
  });
});
