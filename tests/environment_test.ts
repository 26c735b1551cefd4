/** `schema/environment.md` names all variables that the program reads, and no others as ours. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { PROJECT } from "./support/fixtures.ts";

const DOCUMENT = Deno.readTextFileSync(join(PROJECT, "schema/environment.md"));

/** Variables in the first column of the tables of a section. */
function namedIn(section: RegExp): Set<string> {
  const text = DOCUMENT.split(/^## /m).find((part) => section.test(part)) ?? assert.fail();
  const cells = text.split("\n").filter((line) => line.startsWith("|")).map((line) =>
    line.split("|")[1]
  );
  return new Set(
    cells.flatMap((cell) => [...cell.matchAll(/`([A-Z][A-Z0-9_]*)`/g)].map(([, n]) => n)),
  );
}

function* sourceFiles(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(join(PROJECT, folder))) {
    if (isDirectory) yield* sourceFiles(`${folder}/${name}`);
    else if (/\.(?:ts|py)$/.test(name)) yield `${folder}/${name}`;
  }
}

/** Names that the program's sources ask the environment for. */
function readByProgram(): Set<string> {
  const names = new Set<string>();
  const files = [
    "main.ts",
    "tests/tools/compile.ts",
    ...sourceFiles("lib"),
    ...sourceFiles("workers"),
  ];
  for (const file of files) {
    const text = Deno.readTextFileSync(join(PROJECT, file));
    const patterns = [
      /\benv(?:iron)?(?:\.get\(|\[)"([A-Z][A-Z0-9_]*)"/g,
      /"(PG[A-Z]+(?:_TIMEOUT)?)"/g,
      /\b[A-Z_]*VARIABLE = "([A-Z][A-Z0-9_]*)"/g,
    ];
    for (const pattern of patterns) {
      for (const [, name] of text.matchAll(pattern)) names.add(name);
    }
  }
  return names;
}

Deno.test("every variable that the program reads is documented", () => {
  const documented = new Set([
    ...namedIn(/^1\. /),
    ...namedIn(/^2\. /),
    // Read by the Python package, for another purpose than the reference's.
    "DAF_BUTLER_PLUGINS",
  ]);
  const read = readByProgram();
  assert.ok(read.size > 20, [...read].join(" "));
  assert.deepEqual([...read].filter((name) => !documented.has(name)), []);
});

Deno.test("no variable is said to be read and not to be read", () => {
  const theirs = namedIn(/^3\. /);
  const ours = [...namedIn(/^1\. /), ...namedIn(/^2\. /)];
  assert.ok(theirs.size > 20, [...theirs].join(" "));
  assert.deepEqual(ours.filter((name) => theirs.has(name)), []);
});
