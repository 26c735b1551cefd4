/** What the page shows of each graph in testdata is what the command line prints of it. */

import assert from "node:assert/strict";
import { readPage } from "../../lib/explore/page_text.ts";
import { serveExplorer } from "../../lib/explore/server.ts";
import { servedSource } from "../../lib/explore/served_bytes.ts";
import { openSource } from "../../lib/sources/open_source.ts";
import { FileSource } from "../../lib/storage/file_source.ts";
import { decodeUtf8, encodeUtf8 } from "../../lib/base/json_text.ts";
import { indentJson } from "../../lib/inspect/cat/json_layout.ts";
import { visibleText } from "../../lib/base/text/visible_text.ts";
import { expectProvgraph, fixturePath, PROJECT, runProvgraph } from "../support/fixtures.ts";
import { Browser } from "./chromium.ts";

const PAGE = await readPage();
const browser = await Browser.start();

/** Paths of all provenance graphs below a folder; predicted ones have nothing to show. */
async function* graphsBelow(folder: string): AsyncGenerator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* graphsBelow(path);
    if (!name.endsWith(".qg")) continue;
    await using source = await openSource(path, null, Deno.env, Deno.cwd());
    if (!source.isPlan) yield path;
  }
}
const GRAPHS = (await Array.fromAsync(graphsBelow(`${PROJECT}/testdata`))).sort();
/** Enough for all rows of the small ones. */
const HEIGHT = 2400;

/** What is served, and shown by the page that is open. */
let open: { paths: readonly string[]; server: AsyncDisposable } | null = null;
Deno.test.afterAll(async () => {
  await open?.server[Symbol.asyncDispose]();
  await browser[Symbol.asyncDispose]();
});

/** Shows a place of a graph, or of the first of several: in the page that is open, if it has them. */
async function show(paths: readonly string[], hash: string): Promise<void> {
  if (open !== null && String(open.paths) === String(paths)) {
    await browser.evaluate(`void (location.hash = ${JSON.stringify(hash)})`);
    return;
  }
  await open?.server[Symbol.asyncDispose]();
  const sources = paths.map((path) => servedSource(FileSource.open(path), "graph", false));
  const server = serveExplorer(PAGE, sources);
  open = { paths, server };
  await browser.emulate({ height: HEIGHT });
  await browser.open(`${server.url}${hash}`);
}

/** Goes to another place of the page, where a title or heading tells that it is there. */
async function go(hash: string, isThere: string): Promise<void> {
  await browser.evaluate(`void (location.hash = ${JSON.stringify(hash)})`);
  await browser.until(`(${isThere})`);
}

/** Whether all quanta have been read. */
const IS_COMPLETE = `document.querySelector(".tiles") !== null &&
  document.querySelector(".notice") === null`;

/** A number of the page. */
function number(text: string): number {
  return Number(text.replace(/[^0-9]/g, ""));
}

interface Row {
  quantum_id: string;
  task: string;
  status: string;
}

async function list(path: string, where: string): Promise<Row[]> {
  const { stdout } = await expectProvgraph(["ls", path, "quanta", "--json", "--where", where]);
  return stdout.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

for (const path of GRAPHS) {
  const name = path.slice(`${PROJECT}/testdata/`.length);

  Deno.test(`overview, timeline and failures are those of report: ${name}`, async () => {
    const { stdout } = await expectProvgraph(["report", path, "--json"]);
    const report = JSON.parse(stdout);
    await show([path], "#/overview");
    await browser.until(IS_COMPLETE);
    const [titles, ...tasks] = await browser.evaluate<string[][]>(
      `[...document.querySelectorAll(".tasks tr")].map((row) => [...row.cells].map((cell) => cell.innerText.trim()))`,
    );
    assert.deepEqual(
      tasks.map(([label]) => label),
      report.tasks.map((task: { task: string }) => task.task),
    );
    for (const [i, task] of report.tasks.entries()) {
      for (const [status, n] of Object.entries(task.by_status as Record<string, number>)) {
        const title = status[0] + status.slice(1).toLowerCase().replaceAll("_", " ");
        const column = titles.indexOf(title);
        assert.equal(column < 0 ? 0 : number(tasks[i][column]), n, `${task.task} ${title}`);
      }
    }
    const lanes = await browser.evaluate<[string, string][]>(
      `[...document.querySelectorAll(".timeline tbody tr")].map((row) =>
        [row.cells[0].innerText, row.cells[3].innerText])`,
    );
    type Lane = { task: string; failed: number[] };
    assert.deepEqual(
      lanes.filter(([task]) => task !== "All").map(([task, n]) => [task, number(n)]),
      (report.timeline?.tasks ?? []).map((
        { task, failed }: Lane,
      ) => [task, failed.reduce((sum, n) => sum + n, 0)]),
    );
    await go("#/failures", `document.getElementById("failures-title") !== null`);
    const clusters = await browser.evaluate<[string, string, string][]>(
      `[...document.querySelectorAll(".cluster")].map((cluster) => [
        cluster.querySelector(".task").innerText,
        cluster.querySelector("h3 .bad").innerText,
        cluster.querySelector(".counts a:first-child").innerText,
      ])`,
    );
    // The report adds up by exception, the page by exception and shape of the message.
    const shown = sums(clusters.map(([task, exception, n]) => [`${task} ${exception}`, number(n)]));
    const told = sums(report.exceptions.map(
      (
        { task, exception, n_failed }: { task: string; exception: string | null; n_failed: number },
      ) => [`${task} ${exception?.split(".").at(-1) ?? "No exception recorded"}`, n_failed],
    ));
    assert.deepEqual(shown, told);
  });

  for (
    const where of [
      "status = 'FAILED' or attempts > 1",
      "run_time > 0.02 and exception != ''",
      "attempts >= 0",
    ]
  ) {
    Deno.test(`quanta are those of ls --where "${where}": ${name}`, async () => {
      const listed = await list(path, where);
      await show([path], `#/quanta?where=${encodeURIComponent(where)}`);
      await browser.until(
        `document.querySelector("[role=grid]")?.ariaRowCount === "${listed.length + 1}" &&
          location.hash.endsWith(${JSON.stringify(encodeURIComponent(where))}) &&
          document.querySelector(".where input").value === ${JSON.stringify(where)}`,
      );
      const rows = await browser.evaluate<Row[]>(
        `[...document.querySelectorAll(".list-row")].map((row) => ({
          quantum_id: row.querySelector("a").hash.split("/").pop(),
          task: row.querySelector(".c-task").innerText,
          status: row.querySelector(".status").innerText.toUpperCase().replaceAll(" ", "_"),
        }))`,
      );
      // The page has them in the order of the file, and of many only those in sight.
      assert.ok(rows.length >= Math.min(listed.length, 60), `${rows.length} rows`);
      const shown = new Set(rows.map(({ quantum_id }) => quantum_id));
      assert.equal(shown.size, rows.length);
      const expected = listed.filter(({ quantum_id }) => shown.has(quantum_id))
        .map(({ quantum_id, task, status }) => ({ quantum_id, task, status }));
      const inOrder = (some: Row[]) => some.sort((a, b) => a.quantum_id < b.quantum_id ? -1 : 1);
      assert.deepEqual(inOrder(rows), inOrder(expected));
    });
  }

  Deno.test(`log, metadata, document and datasets are those of cat: ${name}`, async () => {
    const all = await list(path, "attempts >= 0");
    const some = [...new Map(all.toReversed().map((row) => [row.status, row])).values()];
    await show([path], "#/overview");
    await browser.until(IS_COMPLETE);
    for (const { quantum_id } of some) {
      for (const what of ["log", "metadata"] as const) {
        const { code, stdout } = await runProvgraph(["cat", path, what, quantum_id]);
        const expected = code === 0 ? visibleText(stdout).replace(/\n$/, "") : "";
        assert.equal(await textOf(quantum_id, what, code === 0), expected, `${what} ${quantum_id}`);
      }
      const { stdout } = await expectProvgraph(["cat", path, "quantum", quantum_id, "--json"]);
      const { inputs, outputs } = JSON.parse(stdout);
      const document = visibleText(decodeUtf8(indentJson(encodeUtf8(stdout)))).trimEnd();
      assert.equal(await textOf(quantum_id, "document", true), document);
      const ids = [inputs, outputs].map((edges) => Object.values(edges).flat()) as string[][];
      await go(
        `#/quantum/${quantum_id}?tab=inputs`,
        `document.querySelectorAll(".sides .datasets a").length === ${ids.flat().length}`,
      );
      const shown = await browser.evaluate<string[][]>(
        `[...document.querySelectorAll(".sides > section")].map((side) =>
          [...side.querySelectorAll(".datasets a")].map((link) => link.hash.split("/").pop()))`,
      );
      assert.deepEqual(shown, ids);
    }
  });
}

/** Text of a part of a quantum; empty where the page says why there is none. */
async function textOf(id: string, tab: string, hasText: boolean): Promise<string> {
  await browser.evaluate(`void (location.hash = "#/overview")`);
  const title = `document.querySelector(".id")?.innerText === "${id}"`;
  const there = hasText
    ? `document.querySelector(".text") !== null`
    : `document.querySelector(".problem, .text .soft, nav.tabs ~ p.soft:not([role])") !== null`;
  await go(`#/quantum/${id}?tab=${tab}`, `${title} && ${there}`);
  const lines = await browser.evaluate<string[]>(
    `[...document.querySelectorAll(".line")].map((line) => line.textContent)`,
  );
  return lines.join("\n");
}

/** Numbers by key, those above zero, in order. */
function sums(pairs: readonly [key: string, n: number][]): [key: string, n: number][] {
  const totals = new Map<string, number>();
  for (const [key, n] of pairs) if (n > 0) totals.set(key, (totals.get(key) ?? 0) + n);
  return [...totals].sort(([a], [b]) => a < b ? -1 : 1);
}

const PAIRS: [a: string, b: string][] = [
  ["small-ok/provenance.qg", "small-mixed/provenance.qg"],
  ["small-mixed/provenance.qg", "small-mixed/provenance-with-dictionary.qg"],
  ["small-ok/midrun.provenance.qg", "small-ok/provenance.qg"],
  ["small-failed/provenance.qg", "small-mock/provenance.qg"],
];
for (const names of PAIRS) {
  Deno.test(`the comparison is that of diff: ${names.join(" and ")}`, async () => {
    const paths = names.map((name) => fixturePath(...name.split("/") as [string, string]));
    const { stdout } = await expectProvgraph(["diff", ...paths, "--json"]);
    const tasks = stdout.split("\n").filter((line) => line !== "")
      .map((line) => JSON.parse(line)).filter(({ message_type }) => message_type === "task");
    await show(paths, "#/compare?with=source%2F1");
    await browser.until(`document.querySelector("main table") !== null`);
    const shown = await browser.evaluate<string[][]>(
      `[...document.querySelectorAll("main tbody tr")].map((row) =>
        [0, 3, 4, 5].map((i) => row.cells[i].innerText))`,
    );
    const told = tasks.map(({ task, n_changed, n_only }) =>
      [task, n_changed, n_only.a, n_only.b].map(String)
    );
    assert.deepEqual(shown, told);
    const listed = await browser.evaluate<number>(
      `document.querySelectorAll(".changes li").length`,
    );
    assert.equal(
      listed,
      tasks.reduce((sum, task) => sum + task.n_changed + task.n_only.a + task.n_only.b, 0),
    );
  });
}
