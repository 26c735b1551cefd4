import assert from "node:assert/strict";
import posix from "node:path/posix";
import { fileURLToPath } from "node:url";
import { basename, dirname, fileUrl, join, normalize, resolve } from "../../lib/base/paths.ts";

/** Every string of up to `length` of the characters that matter. */
function* paths(length: number): Generator<string> {
  yield "";
  if (length === 0) return;
  for (const rest of paths(length - 1)) {
    for (const character of ["/", ".", "a"]) yield character + rest;
  }
}

Deno.test("paths are taken apart and resolved as node:path/posix does", () => {
  const all = new Set(paths(7));
  assert.ok(all.size > 3000);
  for (const path of all) {
    const name = JSON.stringify(path);
    assert.equal(normalize(path), posix.normalize(path), `normalize(${name})`);
    assert.equal(dirname(path), posix.dirname(path), `dirname(${name})`);
    assert.equal(basename(path), posix.basename(path), `basename(${name})`);
    assert.equal(resolve(path), posix.resolve(path), `resolve(${name})`);
  }
});

Deno.test("paths are joined as node:path/posix does", () => {
  const all = [...new Set(paths(3))];
  for (const first of all) {
    for (const second of all) {
      const names = JSON.stringify([first, second]);
      assert.equal(join(first, second), posix.join(first, second), names);
      assert.equal(resolve(first, second), posix.resolve(first, second), names);
      assert.equal(join("x", first, second), posix.join("x", first, second), names);
    }
  }
  assert.equal(join(), posix.join());
  assert.equal(resolve(), posix.resolve());
});

Deno.test("the URL of a file leads back to its path", () => {
  for (
    const path of [
      "/a b/c",
      "/100%/%41",
      "/a?b#c",
      "/a\\b\n\r\tc",
      "/é/日本",
      "/it's (a) [b] ~@:&=+,;$",
    ]
  ) {
    assert.equal(fileURLToPath(fileUrl(path)), path);
    assert.equal(fileUrl(path).search, "");
  }
});
