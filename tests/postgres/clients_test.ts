/** Several clients of one PostgreSQL registry at once: nobody waits for longer than a batch. */

import assert from "node:assert/strict";
import { UUID_SIZE, uuidFromText } from "../../lib/base/uuid.ts";
import { loadRepositoryConfig } from "../../lib/butler/config/repo_config.ts";
import { openRegistry } from "../../lib/butler/registry/open.ts";
import type { Registry } from "../../lib/butler/registry/registry.ts";
import { batchOf } from "../butler/registry/shared.ts";
import { writeConfig } from "../support/postgres_fixtures.ts";
import { CuttingProxy } from "../support/postgres_server.ts";
import { PostgresWork, sharedServer } from "./lab.ts";
import type { DatasetType } from "../../lib/butler/dimensions/dataset_type.ts";

const server = await sharedServer(Deno.test);

const TEXT = new TextDecoder("latin1");

/** Two clients of one registry; the commits of the first wait for a word. */
class TwoClients implements AsyncDisposable {
  private constructor(
    readonly lab: PostgresWork,
    readonly proxy: CuttingProxy,
    readonly held: Registry,
    readonly free: Registry,
  ) {}

  static async open(): Promise<TwoClients> {
    const lab = await PostgresWork.unpack(server, "before");
    const proxy = await CuttingProxy.start(server.port);
    const open = (url: string) => {
      writeConfig(lab.work.repo, url);
      const config = loadRepositoryConfig(lab.work.repo, { get: () => undefined });
      return openRegistry(config, { writeable: true, busyTimeoutMs: 10_000 });
    };
    const url = server.tcpUrl(lab.database, undefined, proxy.port) + "?sslmode=disable";
    return new TwoClients(lab, proxy, await open(url), await open(server.url(lab.database)));
  }

  /** Stops the first client's next commit on its way; gives the word that lets it go. */
  holdCommit(): { isThere: Promise<void>; release: () => void } {
    let arrive = () => {};
    let release = () => {};
    const isThere = new Promise<void>((resolve) => arrive = resolve);
    const released = new Promise<void>((resolve) => release = resolve);
    this.proxy.onHold = (data) => {
      if (!TEXT.decode(data).includes("COMMIT\0")) return null;
      this.proxy.onHold = () => null;
      arrive();
      return released;
    };
    return { isThere, release };
  }

  /** Waits until the second client waits for a lock of the first. */
  async untilWaiting(): Promise<void> {
    for (let i = 0; i < 500; i++) {
      const rows = await server.sql(
        "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND " +
          `datname = '${this.lab.database}'`,
      );
      if (rows.length > 0) return;
    }
    throw new Error("nobody waits");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.held[Symbol.asyncDispose]();
    await this.free[Symbol.asyncDispose]();
    await this.proxy[Symbol.asyncDispose]();
    await this.lab[Symbol.asyncDispose]();
  }
}

function typeOf(registry: Registry, name: string, dimensions: string[]): DatasetType {
  return {
    name,
    group: registry.universe.group(dimensions),
    storageClass: "StructuredDataDict",
    isCalibration: false,
  };
}

function pixels(run: string, type: DatasetType, n: number, salt: number) {
  return batchOf(
    run,
    Array.from({ length: n }, (_, i) => ({
      id: uuidFromText(`0000000${salt}-0000-7000-8000-${i.toString(16).padStart(12, "0")}`),
      type,
      values: [i],
      path: `${run}/${i}`,
    })),
  );
}

async function withRuns({ held }: TwoClients): Promise<DatasetType> {
  const type = typeOf(held, "pixels", ["healpix17"]);
  await held.registerDatasetTypes([type]);
  for (const run of ["u/a", "u/b"]) await held.registerCollection(run, "RUN");
  return type;
}

Deno.test("clients with RUNs of their own don't wait for each other at all", async () => {
  await using clients = await TwoClients.open();
  const type = await withRuns(clients);
  const { held, free } = clients;
  await free.importDatasets(pixels("u/b", type, 50, 1));
  const { isThere, release } = clients.holdCommit();
  const importing = held.importDatasets(pixels("u/a", type, 200, 2));
  await isThere;
  // All of this while the other transaction is open.
  await free.importDatasets({
    ...pixels("u/b", type, 100, 3),
    values: Array.from({ length: 100 }, (_, i) => 1000 + i),
  });
  await free.ingestDatasets(pixels("u/b", type, 50, 1));
  assert.equal(await free.forgetDatasets(pixels("u/b", type, 50, 1).ids, "u/b"), 50);
  await free.registerDatasetTypes([type]);
  await free.registerCollection("u/c", "RUN");
  await free.updateOutputChain("u/chain", "u/b", ["inputs"]);
  assert.equal((await free.datasetIds("u/a")).length, 0);
  release();
  await importing;
  assert.equal((await free.datasetIds("u/a")).length, 200 * UUID_SIZE);
  assert.equal((await free.datasetIds("u/b")).length, 100 * UUID_SIZE);
});

Deno.test("registerDatasetTypes() waits for one batch of another client where it makes tables", async () => {
  await using clients = await TwoClients.open();
  const type = await withRuns(clients);
  const { held, free } = clients;
  const { isThere, release } = clients.holdCommit();
  const importing = held.importDatasets(pixels("u/a", type, 50, 1));
  await isThere;
  const registering = free.registerDatasetTypes([
    typeOf(free, "fresh", ["patch", "physical_filter"]),
    typeOf(free, "other", ["tract", "subfilter"]),
  ]);
  await clients.untilWaiting();
  release();
  await Promise.all([importing, registering]);
  assert.equal((await held.findDatasetType("fresh"))?.storageClass, "StructuredDataDict");
});

Deno.test("registerDatasetTypes() makes one definition when four clients make it at once", async () => {
  await using clients = await TwoClients.open();
  const { held, free } = clients;
  const config = free.config;
  const types = [["healpix9", "band"], ["patch", "band"], ["visit"]].map((names, i) =>
    typeOf(free, `fresh_${i}`, names)
  );
  const more = await Promise.all([1, 2].map(() => openRegistry(config, { writeable: true })));
  await Promise.all(
    [held, free, ...more].map((registry, i) =>
      registry.registerDatasetTypes(i % 2 === 0 ? types : types.toReversed())
    ),
  );
  for (const registry of more) await registry[Symbol.asyncDispose]();
  const [{ keys, definitions, tables }] = await server.sql(
    "SELECT (SELECT count(*)::int FROM mixed.dimension_graph_key) AS keys, " +
      "(SELECT count(DISTINCT dimension_graph_id)::int FROM mixed.dimension_graph_definition) " +
      "AS definitions, (SELECT count(*)::int FROM pg_tables WHERE tablename LIKE 'dataset_tags%') " +
      "AS tables",
    clients.lab.database,
  );
  assert.deepEqual([keys, definitions, tables], [6, 6, 6]);
  for (const type of types) assert.equal(await free.checkDatasetType(type), "present");
});

Deno.test("ingestDatasets() of the same datasets by two clients leaves each once", async () => {
  await using clients = await TwoClients.open();
  const type = await withRuns(clients);
  const { held, free } = clients;
  const { isThere, release } = clients.holdCommit();
  const first = held.ingestDatasets(pixels("u/a", type, 300, 1));
  await isThere;
  const second = free.ingestDatasets(pixels("u/a", type, 300, 1));
  await clients.untilWaiting();
  release();
  await Promise.all([first, second]);
  assert.equal((await free.datasetIds("u/a")).length, 300 * UUID_SIZE);
  // And both at once, in many batches, in opposite order.
  const batches = Array.from({ length: 5 }, (_, i) => ({
    ...pixels("u/b", type, 40, 2 + i),
    values: Array.from({ length: 40 }, (_, k) => i * 100 + k),
  }));
  await Promise.all([
    (async () => {
      for (const batch of batches) await held.ingestDatasets(batch);
    })(),
    (async () => {
      for (const batch of batches.toReversed()) await free.ingestDatasets(batch);
    })(),
  ]);
  assert.equal((await free.datasetIds("u/b")).length, 200 * UUID_SIZE);
});

Deno.test("importDatasets() tells of a conflict with what another client commits meanwhile", async () => {
  await using clients = await TwoClients.open();
  const type = await withRuns(clients);
  const { held, free } = clients;
  const { isThere, release } = clients.holdCommit();
  const first = held.importDatasets(pixels("u/a", type, 30, 1));
  await isThere;
  const second = free.importDatasets(pixels("u/a", type, 30, 2));
  const refused = assert.rejects(second, {
    name: "ConflictingDatasetError",
    message: /00000002-.* dataset 00000001-.* is registered with this data ID/,
  });
  await clients.untilWaiting();
  release();
  await first;
  await refused;
  assert.equal((await free.datasetIds("u/a")).length, 30 * UUID_SIZE);
});

Deno.test("forgetDatasets() sees a provenance graph that another client is about to register", async () => {
  await using clients = await TwoClients.open();
  const type = await withRuns(clients);
  const { held, free } = clients;
  const batch = pixels("u/a", type, 30, 1);
  await held.importDatasets(batch);
  const provenance = { ...typeOf(held, "run_provenance", []), storageClass: "X" };
  await held.registerDatasetTypes([provenance]);
  const { isThere, release } = clients.holdCommit();
  const id = uuidFromText("00000009-0000-7000-8000-000000000000");
  const ingesting = held.ingestDatasets(
    batchOf("u/a", [{ id, type: provenance, values: [], path: "graph.qg" }]),
  );
  await isThere;
  const refused = assert.rejects(free.forgetDatasets(batch.ids, "u/a"), {
    name: "ConflictingDatasetError",
    message: /registered meanwhile/,
  });
  await clients.untilWaiting();
  release();
  await ingesting;
  await refused;
  assert.equal((await free.datasetIds("u/a")).length, 31 * UUID_SIZE);
});

Deno.test("ingestDatasets() refuses a graph when another client is about to register one", async () => {
  await using clients = await TwoClients.open();
  const type = await withRuns(clients);
  const { held, free } = clients;
  const provenance = { ...typeOf(held, "run_provenance", []), storageClass: "X" };
  await held.registerDatasetTypes([provenance]);
  const graph = (n: number) => ({
    ...batchOf("u/a", [{
      id: uuidFromText(`0000000${n}-0000-7000-8000-000000000000`),
      type: provenance,
      values: [],
      path: `graph${n}.qg`,
    }]),
    fileSize: 10,
  });
  const { isThere, release } = clients.holdCommit();
  const first = held.ingestDatasets(graph(8), { provenance: null });
  await isThere;
  const refused = assert.rejects(free.ingestDatasets(graph(9), { provenance: null }), {
    name: "ConflictingDatasetError",
    message: /"graph8.qg" .* now, not absent/,
  });
  await clients.untilWaiting();
  release();
  await first;
  await refused;
  // And what a graph backs is committed before somebody removes the graph.
  const guard = { provenance: { id: graph(8).ids, path: "graph8.qg", fileSize: 10 } };
  const held2 = clients.holdCommit();
  const backed = held.ingestDatasets(pixels("u/a", type, 30, 1), guard);
  await held2.isThere;
  const forgetting = free.forgetDatasets(graph(8).ids);
  await clients.untilWaiting();
  held2.release();
  await backed;
  assert.equal(await forgetting, 1);
  await assert.rejects(held.ingestDatasets(pixels("u/a", type, 30, 1), guard), /is absent now/);
});

Deno.test("ingestDatasets() registers again what another client is about to forget", async () => {
  await using clients = await TwoClients.open();
  const type = await withRuns(clients);
  const { held, free } = clients;
  const batch = pixels("u/a", type, 30, 1);
  await held.importDatasets(batch);
  const { isThere, release } = clients.holdCommit();
  const forgetting = held.forgetDatasets(batch.ids);
  await isThere;
  const ingesting = free.ingestDatasets(batch);
  await clients.untilWaiting();
  release();
  assert.equal(await forgetting, 30);
  await ingesting;
  const [counts] = await server.sql(
    "SELECT (SELECT count(*)::int FROM mixed.file_datastore_records WHERE path LIKE 'u/a/%') AS r, " +
      "(SELECT count(*)::int FROM mixed.dataset_location l JOIN mixed.dataset d ON d.id = " +
      "l.dataset_id JOIN mixed.collection c ON c.collection_id = d.run_id WHERE c.name = 'u/a') AS l",
    clients.lab.database,
  );
  assert.deepEqual(counts, { r: 30, l: 30 });
});

Deno.test("updateOutputChain() of two clients puts both RUNs into the chain", async () => {
  await using clients = await TwoClients.open();
  await withRuns(clients);
  const { held, free } = clients;
  await Promise.all([
    held.updateOutputChain("u/chain", "u/a", ["inputs"]),
    free.updateOutputChain("u/chain", "u/b", ["inputs"]),
  ]);
  const members = await free.chainChildren("u/chain");
  assert.deepEqual(members.slice(0, 2).sort(), ["u/a", "u/b"]);
  assert.deepEqual(members.slice(2), ["inputs/certified", "inputs/run1", "inputs/calibs"]);
});

Deno.test("openRegistry() goes on without TLS where the server has none, unless told otherwise", async () => {
  await using lab = await PostgresWork.unpack(server, "before");
  const open = (query: string) => {
    writeConfig(lab.work.repo, server.tcpUrl(lab.database) + query);
    const config = loadRepositoryConfig(lab.work.repo, { get: () => undefined });
    return openRegistry(config, { writeable: false, env: { get: () => undefined } });
  };
  for (const query of ["", "?sslmode=prefer", "?sslmode=allow"]) {
    await using registry = await open(query);
    assert.notEqual(await registry.findCollection("inputs"), null);
  }
  await assert.rejects(open("?sslmode=require"), {
    name: "EnvironmentError",
    message: /does not offer TLS, and sslmode is "require"/,
  });
});
