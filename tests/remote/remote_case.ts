/**
 * Repositories whose files are on a real server: the reference's fixtures of `../shared/oracle/remote`, set up
 * and described as its `dump_state.py` describes them.
 *
 * @module
 */

import { join } from "node:path";
import type { JsonValue } from "../../lib/base/json_text.ts";
import { isRemoteUri } from "../../lib/storage/remote/storage_url.ts";
import { type ChainState, chainState, dumpChain, withoutOrphans } from "../support/chain_state.ts";
import { expectedIngested, logsNeverWritten } from "../support/compare.ts";
import { describeState, readTables, type RepositoryState } from "../support/dump_state.ts";
import {
  readJsonGz,
  RUN,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../support/fixtures.ts";
import { extractTarGz } from "../support/tar.ts";
import { BUCKET, SCRIPTS, type Server } from "./servers.ts";

/** Fixture of the reference for a kind of server. */
export function fixtureOf(server: Server): string {
  return server.kind === "s3" ? "s3" : "webdav";
}

/** Where the fixture's files are on the server, as a path of this machine. */
export function objectsOf(server: Server, name = fixtureOf(server)): string {
  const bucket = server.kind === "s3" ? `${BUCKET}/` : "";
  return join(server.folder, "objects", `${bucket}${name}`);
}

/** An executed repository, its files on the server, and `predicted.qg`. */
export async function unpackRemote(server: Server, name = fixtureOf(server)) {
  const work = await temporaryDirectory();
  const fixture = join(SCRIPTS, "fixtures", name);
  Deno.mkdirSync(work.repo);
  extractTarGz(join(fixture, "repo.tar.gz"), work.repo);
  Deno.copyFileSync(join(fixture, "predicted.qg"), work.join("predicted.qg"));
  server.wipe();
  const tree = work.join("objects");
  Deno.mkdirSync(tree);
  extractTarGz(join(fixture, "objects.tar.gz"), tree);
  server.load(tree, name);
  Deno.removeSync(tree, { recursive: true });
  const config = join(work.repo, "butler.yaml");
  Deno.writeTextFileSync(
    config,
    Deno.readTextFileSync(config).replace(/dav:\/\/127\.0\.0\.1:\d+\//, `${server.root}/`),
  );
  return work;
}

/** Describes the repository. */
export function dumpRemote(work: TemporaryDirectory, server: Server): RepositoryState {
  return describeState(readTables(join(work.repo, "gen3.sqlite3")), objectsOf(server));
}

/** A state that the reference has left. */
export function expectedRemote(server: Server, state: string): RepositoryState {
  const { directory_objects: _, ...expected } = documentOf(fixtureOf(server), `${state}.state`);
  return expected as unknown as RepositoryState;
}

/** What this tool leaves where the reference leaves `ingested`: no rows of logs that were never written. */
export function expectedIngestedRemote(server: Server): RepositoryState {
  const ingested = expectedRemote(server, "ingested");
  const state = expectedIngested(
    ingested as unknown as JsonValue,
    expectedRemote(server, "aggregated") as unknown as JsonValue,
    logsNeverWritten(expectedGraph(server)),
    RUN,
  );
  // Directories stay in remote stores, as the reference leaves them.
  return { ...state, empty_directories: ingested.empty_directories };
}

/** Describes a chain whose first member is on the server. */
export function dumpRemoteChain(work: TemporaryDirectory, server: Server, name: string) {
  return dumpChain(work.repo, (root) => isRemoteUri(root) ? objectsOf(server, name) : root);
}

/** What this tool leaves of a chain where the reference leaves `ingested`: originals in no member. */
export function expectedIngestedRemoteChain(name: string): ChainState {
  const [ingested, aggregated] = ["ingested", "aggregated"].map((state) =>
    documentOf(name, `${state}.state`) as unknown as ChainState
  );
  const { tables } = expectedIngested(
    { ...ingested, empty_directories: [] } as unknown as JsonValue,
    aggregated as unknown as JsonValue,
    logsNeverWritten(documentOf(name, "provenance.graph")),
    RUN,
  );
  return withoutOrphans(
    chainState({ chains: ingested.chains, tables, datastores: ingested.datastores }),
    chainState(aggregated),
  );
}

/** A state of a chain that the reference has left. */
export function expectedRemoteChain(name: string, state: string): ChainState {
  return chainState(documentOf(name, `${state}.state`) as unknown as ChainState);
}

function documentOf(name: string, document: string): Record<string, JsonValue> {
  const path = join(SCRIPTS, "fixtures", name, "expected", `${document}.json.gz`);
  return readJsonGz(path) as Record<string, JsonValue>;
}

/** The graph that the reference has written. */
export function expectedGraph(server: Server): JsonValue {
  return documentOf(fixtureOf(server), "provenance.graph");
}
