/** Whatever an ingest refuses with exit code 2, it has changed nothing: every byte of the repository is as before. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { encodeUtf8 } from "../../lib/base/json_text.ts";
import { ProvgraphError } from "../../lib/base/errors.ts";
import type { IngestOptions } from "../../lib/ingest/options.ts";
import { EditedGraph } from "../inspect/check_support.ts";
import { buildZip, zipMembers } from "../qg/support.ts";
import {
  copyOf,
  fixturePath,
  RUN,
  type TemporaryDirectory,
  unpackFixture,
} from "../support/fixtures.ts";
import { aggregateHere, ingestHere } from "./in_process.ts";
import { listTree, writeFiles } from "./support.ts";
import { TARGET } from "./two_graphs.ts";

const GRAPH = "provenance.qg";
const REFERENCE_GRAPH = fixturePath("small-mixed", GRAPH);

/** A run that was aggregated by this tool, and as the reference leaves one. */
const own = await unpackFixture("small-mixed", "before");
await aggregateHere(own);
const reference = await unpackFixture("small-mixed", "aggregated");
Deno.copyFileSync(REFERENCE_GRAPH, reference.join(GRAPH));
Deno.test.afterAll(() => {
  own[Symbol.dispose]();
  reference[Symbol.dispose]();
});

interface Refusal {
  what: string;
  /** Which tree it starts from; the reference's if left out. */
  tree?: TemporaryDirectory;
  prepare: (work: TemporaryDirectory) => Promise<void> | void;
  options?: (work: TemporaryDirectory) => Partial<IngestOptions>;
  code?: number;
  message: RegExp;
}

/** Replaces a file, whose content other copies share. */
function replace(path: string, content: Uint8Array): void {
  Deno.removeSync(path);
  Deno.writeFileSync(path, content);
}

/** Puts the reference's graph in with a change; checksums and addresses are made to fit. */
function edited(change: (graph: EditedGraph) => void): Refusal["prepare"] {
  return async (work) => {
    const graph = await EditedGraph.read(REFERENCE_GRAPH);
    change(graph);
    replace(work.join(GRAPH), graph.build());
  };
}

/** A zstd frame of so many bytes that holds this text, padded with blanks, as it is. */
function rawFrame(size: number, text: string): Uint8Array {
  const payload = encodeUtf8(text.padEnd(size - 12));
  const frame = new Uint8Array(size);
  const view = new DataView(frame.buffer);
  frame.set([0x28, 0xb5, 0x2f, 0xfd, 0xa0]);
  view.setUint32(5, payload.length, true);
  const header = payload.length << 3 | 1;
  frame.set([header & 255, header >> 8 & 255, header >> 16], 9);
  frame.set(payload, 12);
  return frame;
}

/** Replaces the first block of a member of the tool's own graph; the archive's checksums are made to fit. */
function withFirstBlock(member: string, text: string): Refusal["prepare"] {
  return (work) => {
    const path = work.join(GRAPH);
    const members = zipMembers(Deno.readFileSync(path)).map(({ name, data }) => {
      if (name !== member) return { name, data };
      const changed = data.slice();
      const size = Number(new DataView(changed.buffer, changed.byteOffset).getBigUint64(0));
      changed.set(rawFrame(size, text), 8);
      return { name, data: changed };
    });
    replace(path, buildZip(members));
  };
}

function flipByte(path: string, member: string): void {
  const bytes = Deno.readFileSync(path);
  const { start, data } = zipMembers(bytes).find(({ name }) => name === member)!;
  bytes[start + (data.length >> 1)] ^= 1;
  replace(path, bytes);
}

function sql(work: TemporaryDirectory, statement: string): void {
  using database = new DatabaseSync(`${work.repo}/gen3.sqlite3`, {
    enableForeignKeyConstraints: false,
  });
  database.exec(statement);
}

/** Ingests the graph, but leaves the originals where they are, as a kill does before they are deleted. */
async function ingestKeepingOriginals(work: TemporaryDirectory): Promise<void> {
  await ingestHere(work, { transfer: "copy" });
  const intact = await copyOf(reference);
  for (const path of listTree(intact.repo)) {
    if (!/_log\/.*[^/]$/.test(path)) continue;
    Deno.mkdirSync(`${work.repo}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
    Deno.copyFileSync(`${intact.repo}/${path}`, `${work.repo}/${path}`);
  }
  intact[Symbol.dispose]();
}

const REFUSALS: Refusal[] = [
  ...["logs.mb", "nodes.addr"].map((member): Refusal => ({
    what: `a byte of ${member} is another`,
    prepare: (work) => flipByte(work.join(GRAPH), member),
    message: new RegExp(`"${member}".*CRC-32`),
  })),
  ...["datasets.mb", "logs.mb"].map((member): Refusal => ({
    what: `a block of ${member} is no JSON, though checksums fit`,
    prepare: edited((graph) => graph.blocks.get(member)![3] = '{"attempts":[tru]}'),
    message: new RegExp(`at byte \\d+ of "${member}" can't be read`),
  })),
  {
    what: "a block of metadata.mb can't be decompressed, though checksums fit",
    prepare: edited((graph) => graph.blocks.get("metadata.mb")![3] = new Uint8Array(30)),
    message: /metadata.mb/,
  },
  {
    what: "a block of metadata.mb was replaced after this tool had checked it",
    tree: own,
    prepare: withFirstBlock("metadata.mb", "no JSON"),
    message: /at byte 0 of "metadata.mb" can't be read/,
  },
  {
    what: "a log has no attempts",
    prepare: edited((graph) => graph.blocks.get("logs.mb")![3] = '{"tries":[]}'),
    message: /"logs.mb" can't be read: .*no attempts array/,
  },
  {
    what: "a quantum is no JSON",
    prepare: edited((graph) => graph.blocks.get("quanta.mb")![5] = '{"quantum_id":'),
    message: /quantum/,
  },
  {
    what: "a data ID has a value of the wrong kind",
    prepare: edited((graph) =>
      graph.editBlock("quanta.mb", 7, (quantum) => {
        (quantum.data_coordinate as unknown[])[1] = ["x"];
      })
    ),
    message: /data ID|coordinate|dataset/,
  },
  {
    what: "a data ID is too short",
    prepare: edited((graph) =>
      graph.editBlock("quanta.mb", 7, (quantum) => {
        (quantum.data_coordinate as unknown[]).length = 1;
      })
    ),
    message: /data ID|coordinate|dataset/,
  },
  {
    what: "a dataset ID occurs twice",
    prepare: edited((graph) => {
      const outputs = (index: number) =>
        (JSON.parse(graph.blocks.get("quanta.mb")![index] as string).outputs) as Record<
          string,
          string[]
        >;
      graph.editBlock("quanta.mb", 9, (quantum) => {
        (quantum.outputs as Record<string, string[]>)._log = outputs(8)._log;
      });
    }),
    message: /twice/,
  },
  {
    what: "a dimension record that a path needs is missing",
    prepare: (work) => sql(work, "DELETE FROM detector WHERE id = (SELECT max(id) FROM detector)"),
    message: /detector/,
  },
  {
    what: "another file is where the graph has to go",
    prepare: (work) => writeFiles(work.repo, { [TARGET]: "what an earlier release left" }),
    message: /another file is at its place/,
  },
  {
    what: "the registered graph is damaged, and originals are left",
    prepare: async (work) => {
      await ingestKeepingOriginals(work);
      flipByte(`${work.repo}/${TARGET}`, "logs.mb");
    },
    options: () => ({ graphPath: null, outputRun: RUN }),
    message: /"logs.mb".*CRC-32/,
  },
  {
    what: "the registered graph is damaged, and a sound copy is given",
    prepare: async (work) => {
      await ingestKeepingOriginals(work);
      flipByte(`${work.repo}/${TARGET}`, "logs.mb");
    },
    message: /has its header and size, but other bytes/,
  },
  {
    what: "the registered graph is cut",
    prepare: async (work) => {
      await ingestKeepingOriginals(work);
      replace(`${work.repo}/${TARGET}`, Deno.readFileSync(`${work.repo}/${TARGET}`).slice(0, -1));
    },
    options: () => ({ graphPath: null, outputRun: RUN }),
    message: /run_provenance/,
  },
  {
    what: "the registered graph is not there",
    prepare: async (work) => {
      await ingestKeepingOriginals(work);
      Deno.removeSync(`${work.repo}/${TARGET}`);
    },
    message: /is not there/,
  },
  {
    what: "the checksum that was recorded is another",
    prepare: async (work) => {
      await ingestKeepingOriginals(work);
      sql(work, `UPDATE file_datastore_records SET checksum = '${"0".repeat(128)}'`);
    },
    options: () => ({ graphPath: null, outputRun: RUN }),
    message: /checksum is not that of its record/,
  },
];

/** Every byte of a working directory. */
function everything(work: TemporaryDirectory): string[] {
  return listTree(work.path).map((path) => {
    if (/[/@]$/.test(path)) return path;
    const hash = createHash("sha256").update(Deno.readFileSync(work.join(path))).digest("hex");
    return `${path} ${hash}`;
  });
}

for (const { what, tree, prepare, options, code = 2, message } of REFUSALS) {
  Deno.test(`ingest-graph changes nothing when ${what}`, async () => {
    await using work = await copyOf(tree ?? reference, { link: true });
    await prepare(work);
    const before = everything(work);
    // A dry run finds the same.
    for (const isDryRun of [true, false]) {
      await assert.rejects(
        ingestHere(work, { transfer: "copy", isDryRun, ...options?.(work) }),
        (error) => {
          assert.ok(error instanceof ProvgraphError, String(error));
          assert.equal(error.exitCode, code, error.message);
          assert.match(error.message, message);
          return true;
        },
      );
      assert.deepEqual(everything(work), before);
    }
  });
}

Deno.test("ingest-graph goes on where the graph is sound, after it refused a damaged one", async () => {
  await using work = await copyOf(reference, { link: true });
  await ingestKeepingOriginals(work);
  const sound = Deno.readFileSync(`${work.repo}/${TARGET}`);
  flipByte(`${work.repo}/${TARGET}`, "metadata.mb");
  await assert.rejects(ingestHere(work, { graphPath: null, outputRun: RUN }), /metadata.mb/);
  replace(`${work.repo}/${TARGET}`, sound);
  const { nFilesDeleted } = await ingestHere(work, { graphPath: null, outputRun: RUN });
  assert.ok(nFilesDeleted > 20);
});
