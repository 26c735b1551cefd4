/**
 * Repositories whose datastore is a chain: set up from `testdata/chains`, described as the oracle's
 * `dump_state.py` describes them.
 *
 * @module
 */

import { gunzipSync } from "node:zlib";
import { join } from "node:path";
import { parse as parseYaml } from "yaml";
import type { JsonValue } from "../../lib/base/json_text.ts";
import { type ConformanceCase, expectedAfterIngest } from "../conformance/harness.ts";
import { assertJsonEqual } from "./compare.ts";
import {
  describeState,
  type FileEntry,
  readTables,
  type StateRow,
  walkFiles,
} from "./dump_state.ts";
import { expectedJson, PROJECT, RUN, type TemporaryDirectory, unpackFixture } from "./fixtures.ts";

/** Fixtures that have the configuration of another. */
const DATA_OF: Readonly<Record<string, string>> = {
  "file-sasquatch": "memory-file",
  "file-file-chain": "file-file",
};

/** What a repository with a chain consists of; directories without files differ from run to run. */
export interface ChainState {
  chains: JsonValue;
  tables: { [table: string]: StateRow[] };
  /** Files of each datastore that keeps any, in the order of the chain. */
  datastores: { name: string; files: FileEntry[] }[];
}

/** The case of a fixture. */
export function chainCase(name: string, ...flags: string[]): ConformanceCase {
  return { name: `../chains/${DATA_OF[name] ?? name}`, run: RUN, flags };
}

/** An executed repository and its predicted graph, with the configuration of a fixture. */
export async function unpackChain(name: string): Promise<TemporaryDirectory> {
  const work = await unpackFixture(chainCase(name).name, "before");
  if (name in DATA_OF) {
    const config = Deno.readFileSync(join(PROJECT, "testdata/chains", `${name}.yaml.gz`));
    Deno.writeFileSync(join(work.repo, "butler.yaml"), new Uint8Array(gunzipSync(config)));
  }
  return work;
}

interface Member {
  name: string;
  root: string;
  table: string;
}

/** File datastores of a chain (the fixtures' simple forms only). */
function membersOf(repo: string): Member[] {
  const { datastore } = parseYaml(Deno.readTextFileSync(join(repo, "butler.yaml")));
  const members: Record<string, never>[] = datastore.datastores.map((
    member: Record<string, never>,
  ) => member.datastore ?? member);
  return members.filter(({ root }) => root !== undefined).map((member) => ({
    name: String(member.name),
    root: String(member.root).replace("<butlerRoot>", repo),
    table: (member.records as { table: string }).table,
  }));
}

/**
 * Describes a repository.
 *
 * @param folderOf The folder in which files of a root are.
 */
export function dumpChain(
  repo: string,
  folderOf: (root: string) => string = (root) => root,
): ChainState {
  const members = membersOf(repo).map((member) => ({ ...member, root: folderOf(member.root) }));
  const rootOf = (table: string) => members.find((each) => each.table === table)!.root;
  const { chains, tables } = describeState(
    readTables(join(repo, "gen3.sqlite3")),
    members[0].root,
    {
      rootOf,
    },
  );
  const datastores = members.map(({ name, root }) => {
    // A datastore inside another's root is shown on its own.
    const inside = members.map((other) => other.root)
      .filter((other) => other.startsWith(`${root}/`))
      .map((other) => other.slice(root.length + 1));
    const { files } = walkFiles(root);
    return {
      name,
      files: files.filter(({ path }) => !inside.some((at) => path.startsWith(`${at}/`))),
    };
  });
  return { chains, tables, datastores };
}

interface OracleState {
  chains: JsonValue;
  tables: { [table: string]: StateRow[] };
  datastores: { name: string; files?: FileEntry[] }[];
}

/** A state of the reference. */
export function expectedChain(fixture: ConformanceCase, state: string): ChainState {
  return chainState(expectedJson(fixture.name, `${state}.state`) as unknown as OracleState);
}

/** What this tool leaves where the reference leaves `ingested`, but for originals in other members. */
export function expectedIngestedChain(fixture: ConformanceCase): ChainState {
  const asOne = (name: string) => ({
    ...expectedJson(fixture.name, `${name}.state`) as object,
    empty_directories: [],
  });
  const { chains, tables, datastores } = expectedAfterIngest(fixture, {
    ingestedState: asOne("ingested") as unknown as JsonValue,
  }) as unknown as OracleState;
  return chainState({ chains, tables, datastores });
}

/** A state of the reference, reduced to what is compared. */
export function chainState({ chains, tables, datastores }: OracleState): ChainState {
  return {
    chains,
    tables,
    datastores: datastores.filter(({ files }) => files !== undefined)
      .map(({ name, files }) => ({ name, files: files! })),
  };
}

/**
 * The same where originals are deleted in each datastore that has them: the reference leaves those of all
 * but the first.
 *
 * @param before State that the ingest started from.
 */
export function withoutOrphans(ingested: ChainState, before: ChainState): ChainState {
  const left = new Set(ingested.datastores[0].files.map(({ path }) => path));
  const deleted = new Set(
    before.datastores[0].files.map(({ path }) => path).filter((path) => !left.has(path)),
  );
  const datastores = ingested.datastores.map(({ name, files }) => ({
    name,
    files: files.filter(({ path }) => !deleted.has(path)),
  }));
  return { ...ingested, datastores };
}

/** A state whose second datastore has another file name template, as `file-file-templates`. */
function withTemplates(state: ChainState): ChainState {
  const renamed = <T extends { path?: JsonValue }>(row: T): T => ({
    ...row,
    path: `elsewhere/${row.path}`,
  });
  const [first, second] = state.datastores;
  return {
    ...state,
    tables: {
      ...state.tables,
      second_datastore_records: state.tables.second_datastore_records.map(renamed),
    },
    datastores: [first, { ...second, files: second.files.map(renamed) }],
  };
}

/** After `ingest-graph`; where the second has other names, the reference can't. */
export function expectedOfSeveral(name: string, aggregated: ChainState): ChainState {
  const usual = chainCase("file-file");
  const expected = withoutOrphans(
    expectedIngestedChain(usual),
    expectedChain(usual, "aggregated"),
  );
  if (name !== "file-file-templates") return expected;
  // Contents of files tell when they were written.
  const { tables, datastores } = withTemplates(expected);
  const files = aggregated.datastores.map((each) => new Map(each.files.map((f) => [f.path, f])));
  return {
    chains: expected.chains,
    tables,
    datastores: datastores.map((each, i) => ({
      ...each,
      files: each.files.map((file) => files[i].get(file.path) ?? file),
    })),
  };
}

/** Checks a repository with a chain. */
export function assertChain(work: TemporaryDirectory, expected: ChainState, what: string): void {
  assertJsonEqual(dumpChain(work.repo), expected, what);
}
