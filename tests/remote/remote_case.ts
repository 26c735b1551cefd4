/**
 * Repositories whose files are on a real server: the reference's fixtures of `../shared/oracle/remote`, set up
 * and described as its `dump_state.py` describes them.
 *
 * @module
 */

import { join } from "node:path";
import type { JsonValue } from "../../lib/base/json_text.ts";
import { describeState, readTables, type RepositoryState } from "../support/dump_state.ts";
import { readJsonGz, type TemporaryDirectory, temporaryDirectory } from "../support/fixtures.ts";
import { extractTarGz } from "../support/tar.ts";
import { BUCKET, SCRIPTS, type Server } from "./servers.ts";

/** Fixture of the reference for a kind of server. */
export function fixtureOf(server: Server): string {
  return server.kind === "s3" ? "s3" : "webdav";
}

/** Where the fixture's files are on the server, as a path of this machine. */
export function objectsOf(server: Server): string {
  const bucket = server.kind === "s3" ? `${BUCKET}/` : "";
  return join(server.folder, "objects", `${bucket}${fixtureOf(server)}`);
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
  server.load(tree, fixtureOf(server));
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
  const path = join(SCRIPTS, "fixtures", fixtureOf(server), "expected", `${state}.state.json.gz`);
  const { directory_objects: _, ...expected } = readJsonGz(path) as Record<string, JsonValue>;
  return expected as unknown as RepositoryState;
}

/** The graph that the reference has written. */
export function expectedGraph(server: Server): JsonValue {
  return readJsonGz(
    join(SCRIPTS, "fixtures", fixtureOf(server), "expected", "provenance.graph.json.gz"),
  );
}
