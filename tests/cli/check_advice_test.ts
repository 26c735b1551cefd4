/**
 * Every advice of `check` is followed as it is printed, in the state in which it is printed: it isn't
 * refused, the problem is gone or the advice isn't given again, and no content is lost.
 */

import assert from "node:assert/strict";
import { ADVICES } from "../../lib/check/advice.ts";
import { contentsOf, lostContents } from "../support/contents.ts";
import { type Made, type State, STATES } from "./advice_states.ts";
import { pruneDatasets } from "./butler_prune.ts";
import { check, type PrintedProblem, runPrinted, shellWords } from "./check_support.ts";
import { removeUnpacked } from "./support.ts";

/** Advices that only lead to another, at most this many in a row. */
const MAX_STEPS = 3;

/** A command with what people put for the words in capitals. */
function filled(command: string, words: Record<string, string>): string {
  return command.replaceAll(/(?<![\w./-])[A-Z_]{4,}(?![\w./-])/g, (word) => {
    assert.ok(word in words || word === "AND", `${command}: nobody knows what ${word} is`);
    return words[word] ?? word;
  });
}

/** Runs a command line; commands of the butler as the reference does them. */
async function follow(line: string): Promise<void> {
  for (const part of line.split(" && ")) {
    const commandWords = shellWords(part);
    if (commandWords[0] === "butler") {
      await pruneDatasets(commandWords);
      continue;
    }
    const { code, stderr } = await runPrinted(part);
    assert.ok(code === 0 || code === 3, `${part}: exit code ${code}\n${stderr}`);
  }
}

function samePlace(problem: PrintedProblem) {
  return (other: PrintedProblem) => other.kind === problem.kind && other.where === problem.where;
}

/** Follows an advice and, if it only tells more, what that tells. */
async function followAll(problem: PrintedProblem, { words }: Made): Promise<void> {
  let next = problem;
  for (let step = 0; step < MAX_STEPS; step++) {
    const line = filled(next.command!, words);
    await follow(line);
    if (next.advice !== "check-file") return;
    const { problems } = await check(...shellWords(line).slice(2));
    next = problems.find(({ command }) => command !== null)!;
    assert.ok(next !== undefined, `${line} finds nothing that is mended`);
  }
  assert.fail(`${problem.command}: leads on and on`);
}

for (const { name, kind, advice, make, stays = false } of STATES) {
  Deno.test(`what check says when ${name} (${kind}) is ${advice ?? "nothing to be done"}`, async () => {
    const made = await make();
    await using work = made.work;
    const found = await check(...made.args);
    const problem = found.problems.find((one) => one.kind === kind && one.advice === advice);
    assert.ok(problem !== undefined, JSON.stringify(found.problems.slice(0, 5), null, 1));
    assert.equal(problem.command === null, advice === null);
    if (problem.command === null) return;
    const before = await contentsOf(work.path);
    await followAll(problem, made);
    const after = await check(...made.argsAfter ?? made.args);
    const left = after.problems.filter(samePlace(problem));
    if (!stays) assert.deepEqual(left, []);
    else assert.deepEqual(left.filter((one) => one.advice === advice), []);
    assert.deepEqual(lostContents(before, await contentsOf(work.path)), []);
  });
}

Deno.test("every advice of check is followed in some state", () => {
  const given = new Set(STATES.map(({ advice }: State) => advice));
  assert.deepEqual(ADVICES.filter((name) => !given.has(name)), []);
});

Deno.test.afterAll(removeUnpacked);
