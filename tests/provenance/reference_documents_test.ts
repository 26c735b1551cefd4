/**
 * Log and metadata files against the reference's readers: what it accepts, what it makes of them, and
 * whether it can read the blocks that we make of them (`testdata/provenance/ORIGIN.md`).
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { join } from "node:path";
import { ScanStatus } from "../../lib/provenance/quantum_status.ts";
import {
  answerCase,
  type BlockName,
  type DocumentCase,
} from "../oracle/golden/provenance_blocks.ts";
import { PROJECT } from "../support/fixtures.ts";

interface GoldenBlock {
  sha256: string;
  accepted: boolean;
  reason?: string;
  differs?: { ours: string; reference: string };
}

interface GoldenCase extends DocumentCase {
  reference: {
    accepted: boolean;
    stage?: "log" | "metadata" | "assembly" | "writing";
    reason?: string;
    scan_status?: string;
    existence?: Record<string, boolean>;
    attempts?: { status: number; caveats: number | null; previous_process_quanta: string[] }[];
    n_log_records?: (number | null)[];
    has_metadata?: boolean[];
    unreadable?: string[];
  };
  blocks?: Record<BlockName, GoldenBlock>;
}

const golden: { label: string; predicted: unknown; cases: GoldenCase[] } = JSON.parse(
  new TextDecoder().decode(
    gunzipSync(Deno.readFileSync(join(PROJECT, "testdata/provenance/documents.json.gz"))),
  ),
);
const answers = golden.cases.map((entry) => answerCase(entry, golden.predicted, golden.label));

/** Cases treated otherwise than by the reference, and why. */
type Exceptions = readonly (readonly [names: RegExp, reason: string])[];

/** Files that the reference reads and we count as broken. No writer of the reference makes them. */
const STRICTER: Exceptions = [
  [/^log\/record-levelno-(true|false|string_)/, "integers given as booleans or text"],
  [/^log\/v2-version_(true|string)$/, "an integer given as a boolean or text"],
  [/^log\/v2-extended_again_one$/, "1 for true"],
  [/^log\/record-asctime-(085|086|087|091)$/, "epoch numbers given as text"],
  [/^log\/record-asctime-043$/, "an offset with the typographic minus sign"],
  [/repeated|bad_first|bad_then_good/, "a repeated key must hold a sound value every time"],
  [
    /depth|deep/,
    "the last levels before the readers' limit, which text inside a block may not use",
  ],
  [/^log\/extra-quanta_(urn|braces)$/, "UUIDs as URN or in braces"],
  [/^log\/stream-.*return_only$/, "lines that end in a lone carriage return"],
  [/^log\/stream-nbsp_line$/, "lines of blanks outside ASCII"],
  [/^log\/stream-extra_(null|array|zero|empty_text|false)$/, "an extra that is no object"],
  [/^metadata\/array-after_number-string_(arabic|fullwidth)_digits$/, "digits outside ASCII"],
];

/** Files that stop the reference and of which we make blocks that it can read. */
const LENIENT: Exceptions = [
  [
    /^metadata\/quantum-(empty|number-scalar|prepUtc-\d+|(without|empty|numbers|word|null|infinite)-(?!outputs).*)$/,
    "a figure of merit can't be made out: it is left out",
  ],
  [/^both\/log_(extra|attempt)_without_times/, "as before"],
  [/^log\/mutation-v2-\d+$|^metadata\/mutation-md-\d+$/, "as before, by chance"],
  [
    /^metadata\/quantum-(outputs-mixed-.*|.*-outputs)$|^metadata\/outputs-(word|number)$/,
    "an output that is no UUID is none of ours",
  ],
  [/^metadata\/caveats-/, "caveats unknown or no number are dropped and told"],
  [
    /^metadata\/failure-((type|message)_.*|scalar)$/,
    "an exception that is none is left out; numeric text stays text",
  ],
];

/** Blocks that read back differently from what the reference would have written. */
const DIFFERENT: Exceptions = [
  [
    /^metadata\/(document-full|failure-metadata-.*|mutation-md-\d+) quantum$/,
    "exception metadata keeps its tokens: ints, booleans and numeric text are not made floats",
  ],
  [/^metadata\/failure-(nested_arrays|nested_twice|key_in_both) quantum$/, "as before"],
  [/^both\/.*-metadata_partial quantum$/, "as before"],
  [/^metadata\/failure-type_array quantum$/, "an exception's type given as array"],
  [
    /^metadata\/quantum-(null|infinite)-.* quantum$/,
    "the reference writes null for a float there, which it can't read back",
  ],
  [
    /^metadata\/quantum-prepUtc-\d+ quantum$/,
    "times that isoformat() doesn't write; offsets are turned into UTC",
  ],
  [
    /^both\/log_(exception|metadata|both|retried_failed|stream_extra|extra_without_quantum)-metadata_(?!none).* metadata$/,
    "metadata in the log beside a metadata file is stale: the reference appends both and misaligns the attempts",
  ],
];

function reasonFor(exceptions: Exceptions, name: string, used: Set<RegExp>): string | undefined {
  const found = exceptions.find(([names]) => names.test(name));
  if (found !== undefined) used.add(found[0]);
  return found?.[1];
}

function assertAllUsed(exceptions: Exceptions, used: Set<RegExp>): void {
  assert.deepEqual(
    exceptions.filter(([names]) => !used.has(names)),
    [],
    "exceptions without a case",
  );
}

Deno.test("every block made of a log or metadata file is readable for the reference", () => {
  let nBlocks = 0;
  golden.cases.forEach((entry, i) => {
    const answer = answers[i];
    if ("refused" in answer || answer.blocks === null) return;
    for (const [name, bytes] of Object.entries(answer.blocks)) {
      const asked = entry.blocks?.[name as BlockName];
      assert.equal(
        createHash("sha256").update(bytes).digest("hex"),
        asked?.sha256,
        `${entry.name}: the reference was not asked about this ${name} block: ` +
          "run tests/oracle/golden/make_provenance_golden.ts",
      );
      assert.ok(asked?.accepted, `${entry.name}: ${name} block: ${asked?.reason}`);
      nBlocks++;
    }
  });
  assert.ok(nBlocks > 2500, `only ${nBlocks} blocks`);
});

Deno.test("files that the reference reads are read, with listed exceptions", () => {
  const used = new Set<RegExp>();
  let n = 0;
  golden.cases.forEach((entry, i) => {
    const answer = answers[i];
    if (!entry.reference.accepted) return;
    n++;
    if (!("refused" in answer)) return;
    if ((entry.reference.unreadable?.length ?? 0) > 0) return; // it can't read its own block back
    assert.ok(reasonFor(STRICTER, entry.name, used), `${entry.name}: ${answer.refused}`);
  });
  assertAllUsed(STRICTER, used);
  assert.ok(n > 900, `only ${n} cases`);
});

Deno.test("files that the reference refuses are refused, but for what only stops its assembly", () => {
  const used = new Set<RegExp>();
  golden.cases.forEach((entry, i) => {
    const { accepted, stage, reason } = entry.reference;
    if (accepted || "refused" in answers[i]) return;
    const told = `${entry.name}: ${stage}: ${reason}`;
    assert.equal(stage, "assembly", told);
    assert.ok(reasonFor(LENIENT, entry.name, used), told);
  });
  assertAllUsed(LENIENT, used);
});

Deno.test("attempts are assembled as by the reference, with listed exceptions", () => {
  const used = new Set<RegExp>();
  golden.cases.forEach((entry, i) => {
    const answer = answers[i];
    if ("refused" in answer || !entry.reference.accepted) return;
    const { scanned } = answer;
    const status = Object.entries(ScanStatus).find(([, value]) => value === scanned.scanStatus)
      ?.[0];
    assert.equal(status, entry.reference.scan_status, entry.name);
    if (answer.blocks === null) return;
    for (const [name, { differs }] of Object.entries(entry.blocks!)) {
      if (differs === undefined) continue;
      const told = `${entry.name} ${name}`;
      assert.ok(reasonFor(DIFFERENT, told, used), `${told}:\n${JSON.stringify(differs, null, 1)}`);
    }
    const { attempts, n_log_records: nLogRecords } = entry.reference;
    assert.deepEqual(
      scanned.attempts.map(({ status, caveats }) => [status, caveats]),
      attempts!.map(({ status, caveats }) => [status, caveats]),
      entry.name,
    );
    assert.deepEqual(
      scanned.attempts.map(({ log }) => log !== null),
      nLogRecords!.map((n) => n !== null),
    );
  });
  assertAllUsed(DIFFERENT, used);
});

Deno.test("outputs exist where the reference finds that they do", () => {
  const { outputs } = golden.predicted as {
    outputs: Record<string, { dataset_id: string }[]>;
  };
  const ids = ["image", "catalog"].map((connection) => outputs[connection][0].dataset_id);
  let n = 0;
  golden.cases.forEach((entry, i) => {
    const answer = answers[i];
    const existence = entry.reference.existence;
    if ("refused" in answer || existence === undefined) return;
    if (entry.name === "metadata/outputs-braces") return; // UUIDs in braces: no writer makes them
    n++;
    const ours = ids.map((id) => answer.scanned.outputs?.has(id));
    assert.deepEqual(ours, ids.map((id) => existence[id]), entry.name);
  });
  assert.ok(n > 800, `only ${n} cases`);
});

Deno.test("non-finite numbers in exception metadata keep their tokens, which the reference reads", () => {
  for (
    const [name, token] of [["nan", "NaN"], ["infinity", "Infinity"], [
      "minus_infinity",
      "-Infinity",
    ]]
  ) {
    for (const prefix of ["metadata/failure-metadata-", "log/extra-exception_metadata-"]) {
      const i = golden.cases.findIndex((entry) => entry.name === prefix + name);
      const answer = answers[i];
      assert.ok("blocks" in answer && answer.blocks !== null);
      const text = new TextDecoder().decode(answer.blocks.quantum);
      assert.ok(text.includes(`"metadata":{"a":${token}}`), text);
      assert.ok(golden.cases[i].blocks!.quantum.accepted);
    }
  }
});
