/** Configurations are compared before the deleter sees them, which then needs no graph. */

import assert from "node:assert/strict";
import { stampConfigs } from "../../lib/ingest/originals/config_stamps.ts";
import { Deleter } from "../../lib/ingest/originals/deleter.ts";
import type { Originals } from "../../lib/ingest/originals/deleter_messages.ts";
import type { OriginalType } from "../../lib/provenance/originals/original_type.ts";
import { FILE_PROOF_SIZE } from "../../lib/provenance/originals/proof_sizes.ts";
import type { ProvenanceGraph } from "../../lib/qg/provenance_graph.ts";
import { stampAt } from "../../lib/storage/file_stamp.ts";
import { inTemporaryDirectory } from "../storage/support.ts";

const TEXT = "config.threshold=5.0\n";
const TYPES: readonly OriginalType[] = [
  { kind: "config", label: "isr" },
  { kind: "log", label: "isr" },
  { kind: "config", label: "unknown" },
];
/** A graph with the configuration of one task. */
const GRAPH = {
  pipelineGraph: () => Promise.resolve({ tasks: new Map([["isr", { configText: () => TEXT }]]) }),
} as unknown as ProvenanceGraph;

/** A file that stands for the graph's, which has nothing that is asked for. */
const GRAPH_FILE = new URL(import.meta.url).pathname;

interface Row {
  what: string;
  typeIndex?: number;
  make: (path: string) => void;
  /** Whether the deleter may go by its stamp. */
  isStamped: boolean;
}

const ROWS: Row[] = [
  {
    what: "says what the graph says",
    make: (path) => Deno.writeTextFileSync(path, TEXT),
    isStamped: true,
  },
  {
    what: "loads another module",
    make: (path) => Deno.writeTextFileSync(path, `import other.module\n${TEXT}`),
    isStamped: true,
  },
  {
    what: "has another value",
    make: (path) => Deno.writeTextFileSync(path, TEXT.replace("5", "6")),
    isStamped: false,
  },
  {
    what: "isn't UTF-8",
    make: (path) => Deno.writeFileSync(path, Uint8Array.of(0xff)),
    isStamped: false,
  },
  { what: "is a directory", make: (path) => Deno.mkdirSync(path), isStamped: false },
  {
    what: "is a link to itself",
    make: (path) => Deno.symlinkSync(path, path),
    isStamped: false,
  },
  { what: "is absent", make: () => {}, isStamped: false },
  {
    what: "is a log",
    typeIndex: 1,
    make: (path) => Deno.writeTextFileSync(path, TEXT),
    isStamped: false,
  },
  {
    what: "is of a task that the graph doesn't know",
    typeIndex: 2,
    make: (path) => Deno.writeTextFileSync(path, TEXT),
    isStamped: false,
  },
];

/** Looks at one file, `ageMs` after it was written. */
async function stamped(root: string, typeIndex: number, ageMs: number): Promise<Originals> {
  const originals: Originals = {
    paths: ["file"],
    typeIndex: Uint16Array.of(typeIndex),
    ids: new Uint8Array(16),
    proofs: new Uint8Array(FILE_PROOF_SIZE),
  };
  const { now } = Date;
  Date.now = () => now() + ageMs;
  try {
    await stampConfigs(originals, TYPES, root, GRAPH);
  } finally {
    Date.now = now;
  }
  return originals;
}

function hasStamp({ proofs }: Originals): boolean {
  return proofs.some((byte) => byte !== 0);
}

for (const { what, typeIndex = 0, make, isStamped } of ROWS) {
  Deno.test(`stampConfigs() ${isStamped ? "stamps" : "leaves to the deleter"} a file that ${what}`, async () => {
    await inTemporaryDirectory(async (root) => {
      make(`${root}/file`);
      assert.equal(hasStamp(await stamped(root, typeIndex, 60_000)), isStamped);
    });
  });
}

Deno.test("stampConfigs() leaves a file that was written just now to the deleter", async () => {
  await inTemporaryDirectory(async (root) => {
    Deno.writeTextFileSync(`${root}/file`, TEXT);
    assert.equal(hasStamp(await stamped(root, 0, 0)), false);
  });
});

for (
  const [what, change, isDeleted] of [
    ["as it was", () => {}, true],
    ["with another value of the same size", (path: string) => {
      const { atime, mtime } = Deno.statSync(path);
      const other = `${path}.other`;
      Deno.writeTextFileSync(other, TEXT.replace("5", "6"));
      Deno.renameSync(other, path);
      Deno.utimeSync(path, atime!, mtime!);
    }, false],
  ] as [what: string, change: (path: string) => void, isDeleted: boolean][]
) {
  Deno.test(`Deleter ${isDeleted ? "deletes" : "keeps"} a stamped configuration that is ${what}`, async () => {
    await inTemporaryDirectory(async (root) => {
      const path = `${root}/file`;
      Deno.writeTextFileSync(path, TEXT);
      const originals = await stamped(root, 0, 60_000);
      change(path);
      const deleter = new Deleter({
        root,
        graph: { path: GRAPH_FILE, stamp: stampAt(GRAPH_FILE)! },
        types: TYPES,
        isDryRun: false,
      });
      if (isDeleted) {
        assert.equal((await deleter.delete(originals)).nDeleted, 1);
        await deleter[Symbol.asyncDispose]();
      } else {
        // It has to look into the graph, which isn't one.
        await assert.rejects(() => deleter.delete(originals));
        assert.equal(Deno.readTextFileSync(path), TEXT.replace("5", "6"));
      }
    });
  });
}
