/**
 * Both tools on fresh repositories whose files are on real S3 and WebDAV servers: aggregated and
 * ingested by each, and read back by the reference.
 *
 * @module
 */

import { join } from "node:path";
import type { JsonValue } from "../../lib/base/json_text.ts";
import { type Server, startS3, startWebDav, stopServers, useVariables } from "../remote/servers.ts";
import { objectsOf } from "../remote/remote_case.ts";
import {
  assertGraphEqual,
  assertJsonEqual,
  assertStateEqual,
  expectedIngested,
  logsNeverWritten,
} from "../support/compare.ts";
import { dumpGraph } from "../support/dump_graph.ts";
import type { RepositoryState } from "../support/dump_state.ts";
import { copyTree, expectProvgraph, RUN, temporaryDirectory } from "../support/fixtures.ts";
import { type Report, withoutDatasets } from "./checks.ts";
import { Reference } from "./reference.ts";

const SERVERS: readonly (readonly [string, () => Server | string])[] = [
  ["S3", startS3],
  ["WebDAV", () => startWebDav("apache")],
];
/** Where the files are, below the server's root. */
const PREFIX = "fresh";
const MAKE = ["--scenario", "mixed", "--seed", "61", "--visits", "4", "--detectors", "3"];

/** All comparisons on the servers that can be had; says which can't. */
export async function checkRemote(report: Report): Promise<void> {
  try {
    for (const [name, start] of SERVERS) {
      const server = start();
      if (typeof server === "string") {
        console.log(`skipped: remote, ${name}: ${server}`);
        continue;
      }
      // The file of the WebDAV server says nothing but defaults, and is no place that the reference sees.
      const { LSST_RESOURCES_WEBDAV_CONFIG: _, ...variables } = server.variables;
      useVariables(variables);
      await using work = await temporaryDirectory();
      try {
        const reference = await Reference.install(work.path);
        await new RemoteComparison(name, server, reference, report, work.path).run();
      } catch (error) {
        report.fail(`remote, ${name}: stages`, error);
      }
    }
  } finally {
    stopServers();
  }
}

/** One server. */
class RemoteComparison {
  readonly #title: string;
  readonly #server: Server;
  readonly #reference: Reference;
  readonly #report: Report;
  readonly #data: string;

  constructor(title: string, server: Server, reference: Reference, report: Report, data: string) {
    this.#title = title;
    this.#server = server;
    this.#reference = reference;
    this.#report = report;
    this.#data = data;
  }

  async run(): Promise<void> {
    Deno.mkdirSync(join(this.#data, "base"));
    this.#server.wipe();
    await this.#reference.expect([
      ...["python", "/oracle/make_repo.py", "/data/base/repo"],
      ...["--graph", "/data/base/predicted.qg"],
      ...["--datastore-root", `${this.#server.root}/${PREFIX}`, ...MAKE],
    ]);
    // Names of equal length: messages that hold paths are cut to a length.
    for (const name of ["ours", "refr"]) copyTree(join(this.#data, "base"), join(this.#data, name));
    copyTree(objectsOf(this.#server, PREFIX), join(this.#data, "objects"));
    const before = await this.#aggregate();
    await this.#ingest(before);
  }

  /** @returns the state of our repository. */
  async #aggregate(): Promise<JsonValue> {
    await expectProvgraph(
      ["aggregate-graph", "predicted.qg", "repo", "-o", "graph.qg", "-j", "2"],
      { cwd: join(this.#data, "ours") },
    );
    await this.#reference.expect([
      ...["butler", "aggregate-graph", "/data/refr/predicted.qg", "/data/refr/repo"],
      ...["-o", "/data/refr/graph.qg"],
    ]);
    const [ours, theirs] = [await this.#describe("ours"), await this.#describe("refr")];
    await this.#check("state after aggregate-graph", () => {
      assertJsonEqual(ours.state, theirs.state, "state");
    });
    await this.#check("provenance graph as Python reads it", () => {
      assertGraphEqual(ours.graph, theirs.graph);
    });
    await this.#check("provenance graph as our test code reads it", async () => {
      assertGraphEqual(await dumpGraph(join(this.#data, "ours", "graph.qg")), ours.graph);
    });
    await this.#check("everything read back after aggregate-graph", () => {
      assertJsonEqual(ours.readBack, theirs.readBack, "read-back");
    });
    return ours.state;
  }

  /** The reference makes no difference between our graph and its own, and we do as it does. */
  async #ingest(before: JsonValue): Promise<void> {
    copyTree(join(this.#data, "ours"), join(this.#data, "tool"));
    const theirs = await this.#ingestByReference("refr");
    this.#server.wipe();
    this.#server.load(join(this.#data, "objects"), PREFIX);
    const ours = await this.#ingestByReference("ours");
    await this.#check("state after their ingest-graph of our graph", () => {
      assertJsonEqual(ours.state, theirs.state, "state");
    });
    await this.#check("everything read back after their ingest-graph of our graph", () => {
      assertJsonEqual(ours.readBack, theirs.readBack, "read-back");
    });
    this.#server.wipe();
    this.#server.load(join(this.#data, "objects"), PREFIX);
    await expectProvgraph(
      ["ingest-graph", "repo", "graph.qg", "--transfer", "copy", "--batch-size", "20"],
      { cwd: join(this.#data, "tool") },
    );
    const tool = await this.#describe("tool");
    const never = logsNeverWritten(ours.graph);
    await this.#check("state after our ingest-graph", () => {
      // Directories stay in remote stores, as the reference leaves them.
      const { empty_directories } = theirs.state as unknown as RepositoryState;
      const expected = expectedIngested(theirs.state, before, never, RUN);
      assertStateEqual(tool.state as unknown as RepositoryState, {
        ...expected,
        empty_directories,
      });
    });
    await this.#check("everything read back after our ingest-graph", () => {
      assertJsonEqual(
        tool.readBack,
        withoutDatasets(ours.readBack, never),
        "read-back",
      );
    });
  }

  async #ingestByReference(name: string) {
    await this.#reference.expect([
      ...["butler", "ingest-graph", `/data/${name}/repo`, `/data/${name}/graph.qg`],
      ...["--transfer", "copy"],
    ]);
    return await this.#describe(name);
  }

  async #describe(name: string) {
    const [state, readBack, graph] = await this.#reference.scripts(
      ["dump_state.py", `/data/${name}/repo`],
      ["read_back.py", `/data/${name}/repo`, RUN],
      ["dump_graph.py", "--no-volatile", `/data/${name}/graph.qg`],
    );
    const plain = JSON.parse(JSON.stringify(readBack).replaceAll(`/data/${name}`, "<work>"));
    return { state, readBack: plain as JsonValue, graph };
  }

  #check(what: string, body: () => void | Promise<void>): Promise<void> {
    return this.#report.check(`remote, ${this.#title}: ${what}`, body);
  }
}
