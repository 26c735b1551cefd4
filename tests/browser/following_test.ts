/** The page follows the chunk log of a run that goes on. */

import assert from "node:assert/strict";
import { readPage } from "../../lib/explore/page_text.ts";
import { serveExplorer } from "../../lib/explore/server.ts";
import { servedGrowingFile } from "../../lib/explore/served_bytes.ts";
import {
  expectProvgraph,
  runProvgraph,
  temporaryDirectory,
  unpackFixture,
} from "../support/fixtures.ts";
import { makeArrivingLog } from "./arriving_log.ts";
import { Browser } from "./chromium.ts";

const PAGE = await readPage();
const work = await temporaryDirectory();
const browser = await Browser.start();
Deno.test.afterAll(async () => {
  await browser[Symbol.asyncDispose]();
  await work[Symbol.asyncDispose]();
});

/** Quanta of the fixture. */
const N_QUANTA = 53;
const AGGREGATE = ["aggregate-graph", "predicted.qg", "repo", "-o", "run.qg", "-j", "1"];

/** Statuses of the quanta that the command line finds in a chunk log. */
async function listed(path: string): Promise<string[]> {
  const { stdout } = await expectProvgraph(
    ["ls", path, "quanta", "--where", "attempts >= 0", "--json", "--fields", "status"],
  );
  return stdout.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line).status);
}

/** Waits until the page has these quanta, by status. */
async function untilShown(statuses: readonly string[]): Promise<void> {
  await browser.until(
    `document.body.innerText.includes("Following: ${statuses.length} of ${N_QUANTA}")`,
  );
  for (const name of ["Successful", "Failed", "Blocked"]) {
    const n = statuses.filter((status) => status === name.toUpperCase()).length;
    await browser.until(
      `[...document.querySelectorAll(".tiles li")].some((tile) =>
        tile.querySelector(".name").innerText === "${name}" &&
        tile.querySelector(".value").innerText === "${n}")`,
    );
  }
}

const KILLS: [what: string, failpoints: string][] = [
  ["within a chunk", "chunks.half-appended:3=kill"],
  ["between two chunks", "chunks.appended=kill"],
  ["while it writes the graph", "finish.half-written=kill"],
];
for (const [what, failpoints] of KILLS) {
  Deno.test(`an aggregation is followed that was killed ${what} and started again`, async () => {
    await using run = await unpackFixture("small-mixed", "before");
    const chunks = run.join("run.qg.chunks");
    const killed = await runProvgraph(AGGREGATE, {
      cwd: run.path,
      env: { PROVGRAPH_FAILPOINTS: failpoints },
    });
    assert.equal(killed.signal, "SIGKILL", killed.stderr);
    await using server = serveExplorer(PAGE, [servedGrowingFile(chunks, "chunk log")]);
    await browser.open(`${server.url}#/overview`);
    const before = await listed(chunks);
    await untilShown(before);
    await expectProvgraph([...AGGREGATE, "--keep-chunks"], { cwd: run.path });
    const after = await listed(chunks);
    assert.equal(after.length, N_QUANTA);
    await untilShown(after);
    await Deno.remove(chunks);
    await browser.until(`document.body.innerText.includes("The chunk log is gone")`);
  });
}

Deno.test("a run that is followed has a timeline, and is searched by data ID", async () => {
  await using run = await unpackFixture("small-mixed", "before");
  await expectProvgraph([...AGGREGATE, "--keep-chunks"], { cwd: run.path });
  const chunks = run.join("run.qg.chunks");
  await using server = serveExplorer(PAGE, [servedGrowingFile(chunks, "chunk log")]);
  await browser.open(`${server.url}#/overview`);
  await browser.until(`document.querySelectorAll(".timeline tbody tr").length > 0`);
  const { stdout } = await expectProvgraph(["report", "run.qg", "--json"], { cwd: run.path });
  const { tasks } = JSON.parse(stdout).timeline;
  await browser.until(
    `document.querySelectorAll(".timeline tbody tr").length === ${tasks.length + 1}`,
  );
  await browser.evaluate(`{
    const input = document.querySelector(".find input");
    input.value = "calibrate visit=3 detector=1";
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }`);
  await browser.evaluate(
    `new Promise((resolve) => setTimeout(resolve)).then(() => document.querySelector(".find button").click())`,
  );
  await browser.until(`document.querySelector(".line") !== null`);
  const cat = await expectProvgraph(
    ["cat", "run.qg", "log", "calibrate", "visit=3", "detector=1"],
    {
      cwd: run.path,
    },
  );
  const lines = await browser.evaluate<string[]>(
    `[...document.querySelectorAll(".line")].map((line) => line.textContent)`,
  );
  assert.equal(lines.join("\n"), cat.stdout.trimEnd());
});

/** Quanta that arrive at once. */
const N_ARRIVING = 10_000;
/** Longest piece of work that lets a page feel alive, milliseconds. */
const MAX_TASK_MS = 200;
const arriving = await makeArrivingLog(N_ARRIVING);
const ARRIVED = `document.body.innerText.includes("Following: ${
  N_ARRIVING.toLocaleString("en")
} of")`;
const VIEWS: [view: string, hasAll: string][] = [
  ["overview", ARRIVED],
  ["failures", ARRIVED],
  ["map", ARRIVED],
  [
    "quanta",
    `${ARRIVED} && document.querySelector("[role=grid]").ariaRowCount === "${N_ARRIVING + 1}"`,
  ],
  ["quanta?sort=-run_time&where=attempts%20%3E%200", ARRIVED],
];
for (const [view, hasAll] of VIEWS) {
  Deno.test(`${N_ARRIVING} quanta that arrive at once don't freeze the page: ${view}`, async () => {
    const path = work.join("arriving.chunks");
    await Deno.writeFile(path, arriving.head);
    await using server = serveExplorer(PAGE, [servedGrowingFile(path, "chunk log")]);
    await browser.open(`${server.url}#/${view}`);
    await browser.until(`document.body.innerText.includes("Following: 0 of")`);
    const longest = await browser.longestTask(async () => {
      await Deno.writeFile(path, arriving.whole);
      await browser.until(hasAll);
    });
    console.log(`longest task of ${view}: ${longest.toFixed(0)} ms of processor time`);
    assert.ok(longest < MAX_TASK_MS, `${longest} ms`);
    assert.ok(
      await browser.evaluate<number>(`document.querySelectorAll(".list-row").length`) < 100,
      "only rows in sight exist",
    );
  });
}
