/**
 * Two processes, each in a PID namespace of its own, ingest graphs into one RUN at once, again and again:
 * whoever comes first and wherever each of them pauses, the content of every file is in its original or in
 * the registered graph.
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { IngestOptions } from "../../lib/ingest/options.ts";
import { copyTree, RUN, type TemporaryDirectory, temporaryDirectory } from "../support/fixtures.ts";
import { writeConfig } from "../support/postgres_fixtures.ts";
import {
  aggregateTwice,
  assertContentKept,
  GRAPHS,
  originalsOf,
  registeredGraph,
  TARGET,
  unpackTwoGraphs,
} from "../ingest/two_graphs.ts";
import { PostgresWork, startServer } from "../postgres/lab.ts";
import type { IngestAnswer, IngestOrder } from "./ingest_driver.ts";
import { N_TURNS as N_TIMES, Random, seedsOr } from "./random.ts";

const SEEDS = seedsOr([20260701]);
/** Turns on each database, with each seed. */
const N_TURNS = 20 * N_TIMES;
/** Each of so many turns is followed by one more ingest, which finishes what is left. */
const N_PER_FINISH = 4;
/** Longest pause at a failpoint, milliseconds, and how many failpoints a process pauses at. */
const MAX_PAUSE_MS = 60;
const N_PAUSES = 3;
const PAUSES = [
  "forget.before-commit",
  "forget.committed",
  "transfer.directory-made",
  "transfer.copied",
  "transfer.placed",
  "transfer.named",
  "transfer.done",
  "ingest.type-registered",
  "backed.before-commit",
  "backed.committed",
  "delete.before",
  "directories.before",
];

/** Command and arguments in front of those that are to run in a PID namespace; none where that isn't allowed. */
function namespacePrefix(): string[] {
  const prefix = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];
  try {
    const { success } = new Deno.Command(prefix[0], {
      args: [...prefix.slice(1), "true"],
      stdout: "null",
      stderr: "null",
    }).outputSync();
    if (success) return prefix;
  } catch {
    // There is no such command.
  }
  return [];
}

const PREFIX = namespacePrefix();
/** What was possible is said in the names of the tests. */
const WHERE = PREFIX.length > 0
  ? "in two PID namespaces"
  : "in one PID namespace, as others can't be made here";

/** A process that ingests what it is told to. */
class Driver implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<string>;
  #text = "";

  constructor(prefix: readonly string[]) {
    const script = fileURLToPath(new URL("ingest_driver.ts", import.meta.url));
    const config = fileURLToPath(new URL("../../deno.json", import.meta.url));
    const command = [
      ...prefix,
      Deno.execPath(),
      "run",
      "-A",
      "--quiet",
      "--config",
      config,
      script,
    ];
    this.#child = new Deno.Command(command[0], {
      args: command.slice(1),
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#reader = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  async ingest(order: IngestOrder): Promise<IngestAnswer> {
    await this.#writer.write(new TextEncoder().encode(JSON.stringify(order) + "\n"));
    while (!this.#text.includes("\n")) {
      const { value, done } = await this.#reader.read();
      if (done) throw new Error("the process has ended");
      this.#text += value;
    }
    const end = this.#text.indexOf("\n");
    const line = this.#text.slice(0, end);
    this.#text = this.#text.slice(end + 1);
    return JSON.parse(line);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close();
    await this.#reader.cancel();
    await this.#child.status;
  }
}

/** A repository of one turn. */
interface Turn extends AsyncDisposable {
  work: TemporaryDirectory;
  /** Path that the registry has for the RUN's graph. */
  registered(): Promise<string | null>;
}

/** Where copies of the run come from. */
interface Source extends AsyncDisposable {
  master: TemporaryDirectory;
  turn(): Promise<Turn>;
}

/** A copy of the tree; only the graphs are no hard links, which a move would take from other turns. */
async function copyMaster(master: TemporaryDirectory): Promise<TemporaryDirectory> {
  const work = await temporaryDirectory();
  copyTree(master.repo, work.repo, { link: true });
  for (const name of GRAPHS) Deno.copyFileSync(master.join(name), work.join(name));
  return work;
}

async function sqliteSource(): Promise<Source> {
  const master = await unpackTwoGraphs();
  return {
    master,
    turn: async () => {
      const work = await copyMaster(master);
      return {
        work,
        registered: () => Promise.resolve(registeredGraph(work)),
        [Symbol.asyncDispose]: () => work[Symbol.asyncDispose](),
      };
    },
    [Symbol.asyncDispose]: () => master[Symbol.asyncDispose](),
  };
}

async function postgresSource(): Promise<Source> {
  const server = await startServer();
  const lab = await PostgresWork.unpack(server, "before");
  await aggregateTwice(lab.work);
  return {
    master: lab.work,
    turn: async () => {
      const database = await server.database(lab.database);
      const work = await copyMaster(lab.work);
      Deno.removeSync(`${work.repo}/butler.yaml`);
      writeConfig(work.repo, server.url(database));
      return {
        work,
        registered: async () => {
          const rows = await server.sql(
            "SELECT r.path FROM mixed.file_datastore_records r JOIN mixed.dataset d ON d.id = " +
              "r.dataset_id JOIN mixed.dataset_type t ON t.id = d.dataset_type_id " +
              "WHERE t.name = 'run_provenance'",
            database,
          );
          return rows.length === 0 ? null : rows[0].path as string;
        },
        [Symbol.asyncDispose]: async () => {
          await work[Symbol.asyncDispose]();
          await server.drop(database);
        },
      };
    },
    [Symbol.asyncDispose]: async () => {
      await lab.work[Symbol.asyncDispose]();
      await server.stop();
    },
  };
}

/** What one of the two does in a turn. */
function randomOrder(random: Random, work: TemporaryDirectory, isBlind: boolean): IngestOrder {
  const pauses = new Set(Array.from({ length: N_PAUSES }, () => random.pick(PAUSES)));
  return {
    options: optionsOf(work, {
      graphPath: work.join(random.pick(GRAPHS)),
      transfer: random.pick(["copy", "move", "hardlink", "symlink"] as const),
      batchSize: 10 + random.below(60),
      inPlace: random.next() < 0.25,
    }),
    failpoints: [...pauses].map((name) => `${name}:${1 + random.below(MAX_PAUSE_MS)}=pause`).join(),
    lockToRemove: isBlind ? `${work.repo}/${TARGET}.lock` : null,
  };
}

function optionsOf(work: TemporaryDirectory, options: Partial<IngestOptions>): IngestOptions {
  return {
    repository: work.repo,
    graphPath: null,
    outputRun: null,
    transfer: "move",
    batchSize: 5000,
    inPlace: false,
    resume: false,
    isDryRun: false,
    ...options,
  } as IngestOptions;
}

async function playTurn(
  turn: Turn,
  drivers: readonly [Driver, Driver],
  orders: readonly [IngestOrder, IngestOrder],
  master: TemporaryDirectory,
): Promise<IngestAnswer[]> {
  const { work } = turn;
  const before = originalsOf(work);
  const answers = await Promise.all(orders.map((order, i) => drivers[i].ingest(order)));
  for (const { code, message } of answers) assert.ok([0, 1, 2, 3].includes(code), message);
  assertContentKept(work, before, await turn.registered(), master);
  assert.ok(
    answers.some(({ code }) => code === 0 || code === 3),
    `nobody has got through: ${answers.map(({ message }) => message).join("; ")}`,
  );
  return answers;
}

/** Finishes whatever is left to be done, with the graph that won. */
async function finish(turn: Turn, driver: Driver, master: TemporaryDirectory): Promise<void> {
  const { work } = turn;
  const before = originalsOf(work);
  const { code, message } = await driver.ingest({
    options: optionsOf(work, { outputRun: RUN }),
    failpoints: "",
    lockToRemove: null,
  });
  assert.ok(code === 0 || code === 3, message);
  assertContentKept(work, before, await turn.registered(), master);
}

const DATABASES = [["SQLite", sqliteSource], ["PostgreSQL", postgresSource]] as const;

for (
  const [name, makeSource, seed] of DATABASES.flatMap((database) =>
    SEEDS.map((seed) => [...database, seed] as const)
  )
) {
  Deno.test(`two writers of one RUN lose nothing on ${name}, ${WHERE} (${N_TURNS} turns, seed ${seed})`, async () => {
    const random = new Random(`two writers on ${name}`, seed);
    await using source = await makeSource();
    await using first = new Driver(PREFIX);
    await using second = new Driver(PREFIX);
    let nRefused = 0;
    for (let i = 0; i < N_TURNS; i++) {
      await using turn = await source.turn();
      const isBlind = i % 2 === 1;
      const orders = [0, 1].map(() => randomOrder(random, turn.work, isBlind)) as [
        IngestOrder,
        IngestOrder,
      ];
      try {
        const answers = await playTurn(turn, [first, second], orders, source.master);
        nRefused += answers.filter(({ code }) => code === 1 || code === 2).length;
        if (i % N_PER_FINISH === 0) await finish(turn, first, source.master);
      } catch (error) {
        throw new Error(
          `turn ${i} of seed ${seed}${isBlind ? ", without locks" : ""}: ${
            JSON.stringify(orders)
          }: ` +
            `${error instanceof Error ? error.message : error}`,
          { cause: error },
        );
      }
    }
    assert.ok(nRefused > 0, "they never met");
  });
}
