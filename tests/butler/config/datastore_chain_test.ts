import assert from "node:assert/strict";
import { RepositoryError } from "../../../lib/base/errors.ts";
import { parseYaml } from "../../../lib/butler/config/config_file.ts";
import type { ConfigMapping } from "../../../lib/butler/config/config_value.ts";
import { datastoreConfigs } from "../../../lib/butler/config/datastore_chain_config.ts";

const CHAIN = "cls: lsst.daf.butler.datastores.chainedDatastore.ChainedDatastore";
const FILES = "cls: lsst.daf.butler.datastores.fileDatastore.FileDatastore, root: <butlerRoot>";
const MEMORY = "cls: lsst.daf.butler.datastores.inMemoryDatastore.InMemoryDatastore";
const METRICS = "cls: lsst.analysis.tools.interfaces.datastore.SasquatchDatastore";

function read(text: string, env: { [name: string]: string } = {}, defaults = "{}") {
  return datastoreConfigs({
    own: parseYaml(text) as ConfigMapping,
    overrides: (file) => file === "datastore.yaml" ? [parseYaml(defaults) as ConfigMapping] : [],
    place: {
      argument: "main",
      configPath: "/repo/butler.yaml",
      root: "/repo",
      env: { get: (name) => env[name] },
      cwd: "/",
    },
  });
}

const REFUSED: readonly [what: string, text: string, message: RegExp][] = [
  ["an unknown class", `{${CHAIN}, datastores: [{${FILES}}, {cls: a.B}]}`, /in its chain is "a.B"/],
  ["a member without class", `{${CHAIN}, datastores: [{cls: 1}]}`, /in its chain is 1/],
  [
    "no datastore with files",
    `{${CHAIN}, datastores: [{${MEMORY}}]}`,
    /none .* keeps files \(.*InM/,
  ],
  ["an empty chain", `{${CHAIN}, datastores: []}`, /has no members/],
  ["no list of members", `{${CHAIN}}`, /its key datastores is missing/],
  ["a member that is no mapping", `{${CHAIN}, datastores: [a]}`, /member 1 is "a"/],
  [
    "constraints for another number of members",
    `{${CHAIN}, datastores: [{${FILES}}], datastore_constraints: [{}, {}]}`,
    /1 members, but datastore_constraints for 2/,
  ],
  [
    "an empty entry of constraints",
    `{${CHAIN}, datastores: [{${FILES}}], datastore_constraints: [null]}`,
    /entry 1 of datastore_constraints is null, expected a mapping, \{\} for none/,
  ],
  [
    "two of one name",
    `{${CHAIN}, datastores: [{${FILES}}, {${FILES}/x, name: "FileDatastore@<butlerRoot>"}]}`,
    /have the name "FileDatastore@<butlerRoot>"/,
  ],
  [
    "two with one table",
    `{${CHAIN}, datastores: [{${FILES}}, {${FILES}/x}]}`,
    /have the records table "file_datastore_records"/,
  ],
  [
    "two at one root",
    `{${CHAIN}, datastores: [{${FILES}}, {${FILES}, name: b, records: {table: b}}]}`,
    /have the root "\/repo"/,
  ],
];

for (const [what, text, message] of REFUSED) {
  Deno.test(`datastoreConfigs() refuses ${what}`, () => {
    assert.throws(() => read(text), (error) => {
      assert(error instanceof RepositoryError, String(error));
      assert.match(error.message, message);
      assert.match(error.message, /"main"|"\/repo\/butler.yaml"/);
      return true;
    });
  });
}

Deno.test("datastoreConfigs() refuses chains that are in themselves", () => {
  const defaults = `{${CHAIN}, datastores: [{datastores: [{}]}]}`;
  assert.throws(() => read("{}", {}, defaults), /chains in chains, 8 deep/);
});

const FOUND: readonly [what: string, text: string, leftOut: RegExp[], env?: string][] = [
  ["nothing of one alone", `{${FILES}}`, []],
  ["memory", `{${CHAIN}, datastores: [{datastore: {${MEMORY}}}, {${FILES}}]}`, [/^lsst.*InMemory/]],
  ["metrics", `{${CHAIN}, datastores: [{${FILES}}, {${METRICS}, name: m}]}`, [/^m \(lsst.*Sasq/]],
  [
    "what is in a chain",
    `{${CHAIN}, datastores: [{${CHAIN}, datastores: [{${FILES}}, {${MEMORY}}]}]}`,
    [/InM/],
  ],
  [
    "what the user names",
    `{${CHAIN}, datastores: [{${FILES}}, {cls: a.B}]}`,
    [/^a.B$/],
    "x.Y, a.B",
  ],
];

for (const [what, text, leftOut, env] of FOUND) {
  Deno.test(`datastoreConfigs() leaves out ${what}`, () => {
    const found = read(text, env === undefined ? {} : { PROVGRAPH_IGNORE_DATASTORE: env });
    assert.deepEqual(found.datastores.map(({ name, root }) => [name, root]), [[
      "FileDatastore@<butlerRoot>",
      "/repo",
    ]]);
    assert.equal(found.leftOut.length, leftOut.length);
    found.leftOut.forEach((text, i) => assert.match(text, leftOut[i]));
    assert.deepEqual(found.ignored, env === undefined ? [] : ["a.B"]);
  });
}

Deno.test("datastoreConfigs() gathers the constraints of a datastore and of its chains", () => {
  const own = "constraints: {reject: [a]}";
  const inner = `{${CHAIN}, constraints: {reject: [b]}, datastores: [{${FILES}, ${own}}],
    datastore_constraints: [{constraints: {reject: [c]}}]}`;
  const { datastores } = read(
    `{${CHAIN}, constraints: {reject: [d]}, datastores: [{${MEMORY}}, ${inner}],
      datastore_constraints: [{}, {constraints: {reject: [e]}}]}`,
  );
  assert.deepEqual(
    datastores[0].constraints.map(({ reject }) => reject),
    [["a"], ["c"], ["b"], ["e"], ["d"]],
  );
});
