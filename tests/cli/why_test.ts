/** `why` beside what follows from the graphs as the reference's reader gives them. */

import assert from "node:assert/strict";
import { whyJson } from "../../lib/cli/summaries/why_json.ts";
import { why as explain } from "../../lib/inspect/why/why.ts";
import { openSource } from "../../lib/sources/open_source.ts";
import { parseSelector } from "../../lib/sources/selector.ts";
import { fixturePath, RUN } from "../support/fixtures.ts";
import { assertMatchesSchema } from "../support/json_schema.ts";
import { runHere } from "./check_support.ts";
import { type GraphTruth, graphTruth, type TrueQuantum } from "./graph_truth.ts";
import { assertOneError, copyOfFixture, removeUnpacked } from "./support.ts";

const MIXED = fixturePath("small-mixed", "provenance.qg");

interface Why {
  dataset: { dataset_id: string; produced: boolean | null; explanation: string } | null;
  quantum: {
    quantum_id: string;
    task: string;
    status: string | null;
    verdict: string;
    data_id: { [dimension: string]: unknown };
    caveats: { name: string }[];
    attempts: { status: string; exception: string | null; message: string | null }[];
    log: { text: string; n_records: number; process: number; last_time: string } | null;
    outputs: { n: number; n_produced: number } | null;
    causes: { n: number; is_complete: boolean; quanta: { quantum_id: string }[] } | null;
    blocks: { n: number; by_task: Record<string, number>; is_complete: boolean } | null;
  } | null;
  commands: string[];
}

async function why(source: string, ...words: string[]): Promise<Why> {
  const { code, stdout, stderr } = await runHere(["why", source, ...words, "--json"]);
  assert.equal(code, 0, stderr);
  const answer = JSON.parse(stdout);
  assertMatchesSchema("why", answer);
  return answer;
}

/** All answers of one source, opened once. */
async function whyAll(path: string, ids: readonly string[]): Promise<Why[]> {
  await using source = await openSource(path, null, { get: () => undefined }, Deno.cwd());
  const answers: Why[] = [];
  for (const id of ids) {
    const answer = JSON.parse(whyJson(await explain(source, parseSelector([id])!, 2000), [path]));
    assertMatchesSchema("why", answer);
    answers.push(answer);
  }
  return answers;
}

async function whyText(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runHere(["why", ...args]);
  assert.equal(code, 0, stderr);
  return stdout;
}

/** Quanta next to each other, both ways, by the oracle's dump. */
class Neighbours {
  readonly quanta: ReadonlyMap<string, TrueQuantum>;
  readonly #producers = new Map<string, string>();
  readonly #consumers = new Map<string, string[]>();

  constructor({ quanta, datasets }: GraphTruth) {
    this.quanta = new Map(quanta.map((quantum) => [quantum.quantum_id, quantum]));
    for (const { dataset_id, producer, consumers } of datasets) {
      if (producer.length > 0) this.#producers.set(dataset_id, producer[0]);
      this.#consumers.set(dataset_id, consumers);
    }
  }

  above({ inputs }: TrueQuantum): TrueQuantum[] {
    const ids = Object.values(inputs).flat().flatMap((id) => this.#producers.get(id) ?? []);
    return [...new Set(ids)].flatMap((id) => this.quanta.get(id) ?? []);
  }

  below({ outputs }: TrueQuantum): TrueQuantum[] {
    const ids = Object.values(outputs).flat().flatMap((id) => this.#consumers.get(id) ?? []);
    return [...new Set(ids)].flatMap((id) => this.quanta.get(id) ?? []);
  }

  /** Blocked quanta below, through blocked ones. */
  blocked(start: TrueQuantum): Set<TrueQuantum> {
    const found = new Set<TrueQuantum>();
    const queue = [start];
    for (const quantum of queue) {
      for (const next of this.below(quantum)) {
        if (next.status !== "BLOCKED" || found.has(next)) continue;
        found.add(next);
        queue.push(next);
      }
    }
    return found;
  }

  /** Failed quanta above, through blocked ones. */
  causes(start: TrueQuantum): Set<TrueQuantum> {
    const found = new Set<TrueQuantum>();
    const seen = new Set([start]);
    const queue = [start];
    for (const quantum of queue) {
      for (const next of this.above(quantum)) {
        if (seen.has(next)) continue;
        seen.add(next);
        if (next.status === "BLOCKED") queue.push(next);
        else if (next.status === "FAILED") found.add(next);
      }
    }
    return found;
  }
}

const VERDICTS: Record<string, (quantum: TrueQuantum) => string[]> = {
  SUCCESSFUL: ({ attempts }) => [
    (attempts.at(-1)!.caveats ?? 0) === 0 ? "succeeded" : "succeeded_with_caveats",
  ],
  FAILED: ({ exception }) => exception === null ? ["killed", "left_nothing"] : ["raised"],
  BLOCKED: () => ["blocked"],
  ABORTED_SUCCESS: () => ["log_lost"],
};

for (const fixture of ["small-mixed", "small-failed", "small-mock"]) {
  const truth = graphTruth(fixture);
  const graph = fixturePath(fixture, "provenance.qg");
  Deno.test(`why tells of each quantum of ${fixture} what follows from the reference's dump`, async () => {
    const neighbours = new Neighbours(truth);
    const produced = new Map(truth.datasets.map((each) => [each.dataset_id, each.produced]));
    const answers = await whyAll(graph, truth.quanta.map(({ quantum_id }) => quantum_id));
    for (const [i, quantum] of truth.quanta.entries()) {
      const { dataset, quantum: told } = answers[i];
      assert.equal(dataset, null);
      assert.ok(told !== null);
      const { quantum_id, task_label, status, exception, outputs } = quantum;
      assert.deepEqual(
        [told.quantum_id, told.task, told.status],
        [quantum_id, task_label, status],
      );
      assert.deepEqual(told.data_id, { ...quantum.data_id });
      assert.ok(VERDICTS[status](quantum).includes(told.verdict), `${quantum_id} ${told.verdict}`);
      assert.equal(told.attempts.length, quantum.attempts.length);
      const last = told.attempts.at(-1);
      assert.equal(last?.exception ?? null, exception?.type_name ?? null);
      assert.equal(last?.message ?? null, exception?.message ?? null);
      const ids = Object.values(outputs).flat();
      assert.deepEqual(told.outputs, {
        n: ids.length,
        n_produced: ids.filter((id) => produced.get(id)).length,
      });
      if (status === "BLOCKED") {
        const causes = neighbours.causes(quantum);
        assert.ok(causes.size > 0);
        assert.equal(told.causes!.n, causes.size);
        const shown = told.causes!.quanta.map((cause) => neighbours.quanta.get(cause.quantum_id)!);
        assert.equal(shown.length, Math.min(10, causes.size));
        assert.ok(shown.every((cause) => causes.has(cause)));
      } else assert.equal(told.causes, null);
      if (status === "FAILED") {
        const blocked = neighbours.blocked(quantum);
        assert.equal(told.blocks!.n, blocked.size);
        const byTask: Record<string, number> = {};
        for (const { task_label: task } of blocked) byTask[task] = (byTask[task] ?? 0) + 1;
        assert.deepEqual(told.blocks!.by_task, byTask);
      } else assert.equal(told.blocks, null);
    }
  });

  Deno.test(`why explains datasets of ${fixture} by the quanta that make them`, async () => {
    const inits = Object.values(truth.init_quanta).map(({ quantum_id }) => quantum_id);
    const byType = new Map(
      truth.datasets.map((each) => [`${each.dataset_type} ${each.produced}`, each]),
    );
    const asked = [...byType.values()];
    const answers = await whyAll(graph, asked.map(({ dataset_id }) => dataset_id));
    for (const [i, { dataset_id, produced, producer }] of asked.entries()) {
      const { dataset, quantum } = answers[i];
      assert.equal(dataset!.dataset_id, dataset_id);
      assert.equal(dataset!.produced, produced);
      assert.equal(quantum?.quantum_id ?? null, producer[0] ?? null);
      if (producer.length === 0) assert.match(dataset!.explanation, /overall input/);
      else if (inits.includes(producer[0])) assert.equal(quantum!.verdict, "init");
    }
  });
}

/** By its task and data ID. */
const CALIBRATE = (visit: number, detector: number) => [
  "calibrate",
  `visit=${visit}`,
  `detector=${detector}`,
];

/** Words of an ID, and what the text says. */
const TEXTS: readonly (readonly [what: string, words: string[], expected: RegExp[]])[] = [
  ["an exception", CALIBRATE(3, 1), [
    /^quantum calibrate .*detector=1 visit=3 FAILED/,
    /It ended with an exception\.\n {2}ValueError: Deliberate failure .*\n {4}with two lines\n/,
    /attempt +status .*\n +0 +FAILED .*ValueError\n +1 +FAILED .*ValueError\n +2 +FAILED .*ValueError/,
    /Log of attempt 2, 6 records; end of its errors:\n {2}ERROR /,
    /It blocks 6 quanta: consolidate 1, warp 2, summarize 1, coadd 2\./,
    /More: provgraph cat .* log [0-9a-f-]{36} --all-attempts\n/,
  ]],
  ["a process that was killed", CALIBRATE(2, 3), [
    /killed/,
    /its last records:\n {2}INFO /,
    /The last record is of \S+ by process \d+:\nask the batch system/,
  ]],
  ["a quantum without a trace", CALIBRATE(2, 1), [/left outputs, so it was started, but no log/]],
  ["a lost log", CALIBRATE(2, 4), [/ABORTED_SUCCESS/, /the task succeeded, but no log/]],
  ["a quantum that failed ones block", ["summarize"], [
    /^quantum summarize .*BLOCKED/,
    /It was not run: 6 quanta that it depends on failed\./,
    /\nquantum calibrate .*detector=1 visit=3 FAILED {2}[0-9a-f-]{36}\n {2}ValueError: /,
    /More: provgraph why /,
  ]],
  ["a quantum that blocked ones block", ["coadd", "band=r", "tract=0", "patch=0"], [
    /^quantum coadd .*BLOCKED/,
    /\nquantum calibrate .*FAILED \(2 quanta up\) {2}[0-9a-f-]{36}\n/,
  ]],
  ["caveats", CALIBRATE(2, 2), [
    /It succeeded, with caveats\.\n/,
    /NO_WORK: the task found that there was no work to do/,
  ]],
  ["a dataset that was written in spite of all", ["source_detector", "visit=3", "detector=1"], [
    /^dataset source_detector .* produced {2}/,
    /wrote it before it failed/,
  ]],
  ["a dataset that was not written", ["calibrate_metadata", "visit=2", "detector=1"], [
    /^dataset calibrate_metadata .* not produced/,
    /The quantum that makes it failed before it wrote it\./,
    /\nquantum calibrate .*FAILED/,
  ]],
  ["a dataset of a blocked quantum", ["calibrate_summary"], [
    /The quantum that makes it was not run\./,
    /\nquantum summarize .*BLOCKED/,
  ]],
  ["an overall input", ["raw", "visit=1", "detector=1"], [/It is an overall input/]],
];

for (const [what, words, expected] of TEXTS) {
  Deno.test(`why tells of ${what} on one screen`, async () => {
    const text = await whyText(MIXED, ...words);
    for (const pattern of expected) assert.match(text, pattern);
    assert.ok(text.split("\n").length <= 40, text);
  });
}

for (const columns of [40, 80, 120]) {
  Deno.test(`why fits a terminal of ${columns} columns, as far as names and commands do`, async () => {
    let text = "";
    const { code } = await runHere(["--color", "never", "why", MIXED, ...CALIBRATE(3, 1)], {
      terminal: {
        write: (part) => void (text += part),
        writeError: () => {},
        isTerminal: true,
        isErrorTerminal: false,
        size: () => ({ columns, rows: 200 }),
      },
    });
    assert.equal(code, 0);
    const own = text.split("\n").filter((line) => !/[0-9a-f-]{36}|^It blocks/.test(line));
    for (const line of own) assert.ok(line.length <= columns, line);
  });
}

Deno.test("why says the same of a chunk log and of an ingested RUN", async () => {
  await using work = await copyOfFixture("small-mixed", "before");
  const output = work.join("provenance.qg");
  const made = await runHere(
    ["-q", "aggregate-graph", work.join("predicted.qg"), work.repo, "-o", output, "--keep-chunks"],
  );
  assert.equal(made.code, 0, made.stderr);
  await using ingested = await copyOfFixture("small-mixed", "ingested");
  for (const words of [CALIBRATE(3, 1), CALIBRATE(2, 3), ["summarize"]]) {
    const id = (await why(MIXED, ...words)).quantum!.quantum_id;
    const expected = (await why(MIXED, id)).quantum;
    assert.deepEqual((await why(`${output}.chunks`, id)).quantum, expected);
    assert.deepEqual((await why(output, id)).quantum, expected);
    assert.deepEqual((await why(ingested.repo, id, "--run", RUN)).quantum, expected);
  }
  // Cut in the middle: what was not scanned yet is called that.
  const bytes = Deno.readFileSync(`${output}.chunks`);
  Deno.writeFileSync(work.join("part.chunks"), bytes.slice(0, bytes.length / 2));
  const known = await runHere(["ls", work.join("part.chunks"), "quanta", "--fields", "quantum_id"]);
  const [first] = known.stdout.split("\n");
  assert.equal((await why(work.join("part.chunks"), first)).quantum!.quantum_id, first);
});

Deno.test("why ends at --limit, and says at least", async () => {
  const { quantum } = await why(MIXED, "summarize", "--limit", "12");
  assert.equal(quantum!.causes!.is_complete, false);
  const text = await whyText(MIXED, "summarize", "--limit", "20");
  assert.match(text, /at least \d+ quanta that it depends on failed/);
  assert.match(text, /Not all above was looked at: --limit allows more/);
});

const REFUSED: readonly (readonly [words: string[], message: RegExp])[] = [
  [[fixturePath("small-mixed", "predicted.qg"), "summarize"], /has not been run/],
  [[MIXED, "nothing"], /Cannot find/],
  [[MIXED, "00000000-0000-7000-8000-000000000000"], /no node has that ID/],
  [[MIXED, "019f"], /Cannot tell what "019f" means/],
  [[MIXED], /missing required argument/],
];

for (const [words, message] of REFUSED) {
  Deno.test(`why ${words.slice(1).join(" ") || "without an ID"} of ${words[0].split("/").pop()} is refused`, async () => {
    const result = await runHere(["why", ...words]);
    assert.equal(result.code, 2);
    assertOneError({ ...result, signal: null }, message);
  });
}

Deno.test.afterAll(removeUnpacked);
