/** `schema/environment.md` names all variables that the program reads, and no others as ours. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { PROJECT } from "./support/fixtures.ts";
import { variables } from "./support/environment_table.ts";

const VARIABLES = variables();

function* sourceFiles(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(join(PROJECT, folder))) {
    if (isDirectory) yield* sourceFiles(`${folder}/${name}`);
    else if (/\.(?:ts|py)$/.test(name)) yield `${folder}/${name}`;
  }
}

/** What begins names of variables that others have made. */
const PREFIXES = "DAF_BUTLER|BUTLER|LSST|S3|AWS|PROVGRAPH|DENO|X509|CONDA|OMP|NUMBA|EUPS|SETUP";

const PATTERNS = [
  /\benv(?:iron)?(?:\.get\(|\[)["']([A-Z][A-Z0-9_]*)["']/g,
  /"(PG[A-Z]+(?:_TIMEOUT)?)"/g,
  /\b[A-Z_]*VARIABLE = "([A-Z][A-Z0-9_]*)"/g,
  // Names that are handed to whoever reads them, or begun in a template.
  new RegExp(`["'\`]((?:${PREFIXES})_[A-Z0-9_]+)(?:["'\`]|\\$\\{)`, "g"),
];

/** Names that the program's sources ask the environment for; the beginnings of some. */
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
    for (const pattern of PATTERNS) {
      for (const [, name] of text.matchAll(pattern)) names.add(name);
    }
  }
  return names;
}

const READ = readByProgram();

/** Whether a name of the table, perhaps with a star at its end, is that of the sources. */
function isName(known: string, name: string): boolean {
  return known.endsWith("*") ? name.startsWith(known.slice(0, -1)) : name === known;
}

Deno.test("every variable that the program reads is in the table, as read", () => {
  const known = VARIABLES.filter(({ read }) => read === "yes");
  assert.ok(READ.size > 60, [...READ].join(" "));
  const unknown = [...READ].filter((name) => !known.some((each) => isName(each.name, name)));
  assert.deepEqual(unknown, []);
});

Deno.test("every variable that is said to be read is read", () => {
  const said = VARIABLES.filter(({ read }) => read === "yes").map(({ name }) => name);
  const stale = said.filter((name) => ![...READ].some((read) => isName(name, read)));
  assert.deepEqual(stale, []);
});

Deno.test("each variable has one row, with its owner and what becomes of it", () => {
  const names = VARIABLES.map(({ name }) => name);
  assert.deepEqual(names.filter((name, i) => names.indexOf(name) !== i), []);
  const isComplete = ({ whose, read, text }: typeof VARIABLES[number]) =>
    whose !== "" && ["yes", "no", "by Deno"].includes(read) && text !== "";
  assert.deepEqual(VARIABLES.filter((row) => !isComplete(row)), []);
  const unread = VARIABLES.filter(({ read, whose }) => read === "no" && whose !== "ours");
  assert.ok(unread.length > 20, unread.map(({ name }) => name).join(" "));
});

Deno.test("every owner is explained above the table", () => {
  const text = Deno.readTextFileSync(join(PROJECT, "schema/environment.md")).split("\n|")[0];
  const owners = new Set(VARIABLES.map(({ whose }) => whose));
  assert.deepEqual([...owners].filter((owner) => !text.includes(`\`${owner}\``)), []);
});
