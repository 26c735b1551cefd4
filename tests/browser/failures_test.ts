/**
 * The list of failed quanta in a real browser: with ten thousand of them, each can be found; it is sorted,
 * used by keyboard, and what is saved of it is what the reference's graph builder reads.
 */

import assert from "node:assert/strict";
import type { FailedReport, RunReport } from "../../lib/report/model.ts";
import { reportHtml } from "../../lib/report/page/page.ts";
import { expectProvgraph, fixturePath, temporaryDirectory } from "../support/fixtures.ts";
import { Browser } from "./chromium.ts";

const N = 10_000;

/** A page with many failures, made of a real report. */
async function largeReport(): Promise<RunReport> {
  const path = fixturePath("small-mixed", "provenance.qg");
  const { stdout } = await expectProvgraph(["report", "--json", path]);
  const report: RunReport = JSON.parse(stdout);
  const [cluster, other] = report.clusters;
  report.failed = Array.from({ length: N }, (_, i): FailedReport => ({
    quantum_id: `019f1af9-b4f7-7832-4be1-${String(i).padStart(12, "0")}`,
    task: i % 4 === 0 ? "warp" : "calibrate",
    data_id: i % 4 === 0
      ? { skymap: "sky map", tract: i, patch: 3 }
      : { instrument: "OracleCam", detector: i % 189, visit: 1000 + i },
    status: "FAILED",
    n_attempts: 1 + i % 3,
    exception: i % 2 === 0 ? "ValueError" : "<img src=x onerror=alert(1)>",
    message: i === 7777 ? "a needle\twith </pre><script>document.title='run'</script>" : `no ${i}`,
    cluster: i % 2,
    n_blocked: (i * 7919) % N,
    run_time: i === 5 ? null : (i * 104729) % N / 100,
  }));
  cluster.n_failed = other.n_failed = N / 2;
  report.by_status.FAILED = N;
  report.by_status.ABORTED_SUCCESS = 0;
  return report;
}

const pages = await temporaryDirectory();
const report = await largeReport();
const html = await reportHtml(report);
Deno.writeTextFileSync(pages.join("large.html"), html);
Deno.writeTextFileSync(pages.join("cut.html"), await reportHtml(report, 1_000_000));
const browser = await Browser.start();
Deno.test.afterAll(async () => {
  await browser[Symbol.asyncDispose]();
  await pages[Symbol.asyncDispose]();
});

async function open(name = "large"): Promise<void> {
  await browser.emulate({});
  await browser.open(`file://${pages.join(`${name}.html`)}`);
}

function shownIds(): Promise<string[]> {
  return browser.evaluate(
    `[...document.querySelectorAll("#failed-table tbody .id")].map((id) => id.textContent)`,
  );
}

async function type(text: string): Promise<void> {
  await browser.evaluate(`(document.getElementById("filter").value = "",
    document.getElementById("filter").focus())`);
  await browser.send("Input.insertText", { text });
}

function counted(): Promise<string> {
  return browser.evaluate(`document.getElementById("filter-count").innerText`);
}

Deno.test("the page with ten thousand failures is smaller than 10 MB and complains of nothing", async () => {
  assert.ok(html.length < 10_000_000);
  await open();
  assert.deepEqual(
    browser.events.filter(({ method }) =>
      ["Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"].includes(method)
    ),
    [],
  );
  assert.equal(await counted(), "10,000 of 10,000 fit, the first 200 are shown");
  assert.equal(await browser.evaluate("document.scripts.length"), 1);
  assert.equal(await browser.evaluate("document.images.length"), 0);
});

Deno.test("every one of ten thousand failures can be found", async () => {
  await open();
  const nFound = await browser.evaluate<number>(`(() => {
    const box = document.getElementById("filter");
    let n = 0;
    for (let i = 0; i < ${N}; i += 97) {
      const id = "019f1af9-b4f7-7832-4be1-" + String(i).padStart(12, "0");
      box.value = id;
      box.dispatchEvent(new Event("input"));
      const ids = [...document.querySelectorAll("#failed-table tbody .id")];
      if (ids.length === 1 && ids[0].textContent === id) n++;
    }
    return n;
  })()`);
  assert.equal(nFound, Math.ceil(N / 97));
  await type("calibrate visit=8777");
  assert.deepEqual(await shownIds(), ["019f1af9-b4f7-7832-4be1-000000007777"]);
  assert.equal(await counted(), "1 of 10,000 shown");
  const cell = await browser.evaluate<string>(
    `document.querySelector("#failed-table tbody .message").textContent`,
  );
  assert.equal(cell, "a needle with </pre><script>document.title='run'</script>");
  assert.notEqual(await browser.evaluate("document.title"), "run");
});

Deno.test("all that fit are reached, some at a time, by keyboard", async () => {
  await open();
  await type("tract=99");
  const fitting = report.failed.filter(({ data_id }) => String(data_id.tract).startsWith("99"));
  assert.deepEqual(await shownIds(), fitting.map(({ quantum_id }) => quantum_id));
  await type("warp");
  await browser.evaluate(`document.getElementById("failed-more").focus()`);
  for (const type of ["rawKeyDown", "char", "keyUp"]) {
    await browser.send("Input.dispatchKeyEvent", {
      type,
      key: "Enter",
      code: "Enter",
      text: type === "char" ? "\r" : undefined,
      windowsVirtualKeyCode: 13,
    });
  }
  assert.equal((await shownIds()).length, 400);
  assert.equal(await counted(), "2,500 of 10,000 fit, the first 400 are shown");
  assert.equal(await browser.evaluate("document.activeElement.rowIndex"), 201);
});

const ORDERS: [
  heading: string,
  clicks: number,
  order: (a: FailedReport, b: FailedReport) => number,
][] = [
  ["Blocks", 1, (a, b) => b.n_blocked - a.n_blocked],
  ["Blocks", 2, (a, b) => a.n_blocked - b.n_blocked],
  ["Run time", 1, (a, b) => (b.run_time ?? -1) - (a.run_time ?? -1)],
  ["Run time", 2, (a, b) => (a.run_time ?? -1) - (b.run_time ?? -1)],
];
for (const [heading, clicks, order] of ORDERS) {
  Deno.test(`failed quanta are sorted by ${heading.toLowerCase()}, pressed ${clicks} times`, async () => {
    await open();
    const told = await browser.evaluate<string>(`(() => {
      const heading = [...document.querySelectorAll("#failed-table th button")]
        .find((button) => button.textContent === ${JSON.stringify(heading)});
      for (let i = 0; i < ${clicks}; i++) heading.click();
      return heading.parentElement.ariaSort;
    })()`);
    assert.equal(told, clicks === 1 ? "descending" : "ascending");
    const expected = report.failed.toSorted(order).slice(0, 200);
    assert.deepEqual(await shownIds(), expected.map(({ quantum_id }) => quantum_id));
  });
}

Deno.test("a cause leads to its quanta", async () => {
  await open();
  await browser.evaluate(`document.querySelectorAll("a.pick")[1].click()`);
  assert.equal(await counted(), "5,000 of 10,000 fit, the first 200 are shown");
  const odd = report.failed.filter(({ cluster }) => cluster === 1).slice(0, 200);
  assert.deepEqual(await shownIds(), odd.map(({ quantum_id }) => quantum_id));
  assert.equal(await browser.evaluate("location.hash"), "#failed");
});

Deno.test("tables of data IDs are saved as Astropy reads them, quoted where it needs that", async () => {
  await open();
  await type("tract=9996");
  const saved = await browser.evaluate<string>(`(async () => {
    let blob = null;
    URL.createObjectURL = (of) => (blob = of, "blob:none");
    HTMLAnchorElement.prototype.click = () => {};
    const buttons = [...document.querySelectorAll("#save button")];
    buttons[0].click();
    return buttons.map((button) => button.textContent).join() + "\\n" + await blob.text();
  })()`);
  assert.equal(
    saved,
    `warp.ecsv
# %ECSV 1.0
# ---
# datatype:
# - {name: skymap, datatype: string}
# - {name: tract, datatype: int64}
# - {name: patch, datatype: int64}
# schema: astropy-2.0
skymap tract patch
"sky map" 9996 3
`,
  );
});

Deno.test("other tables are sorted by their headings, amounts by size", async () => {
  await open();
  const values = await browser.evaluate<number[][]>(`(() => {
    const table = document.getElementById("causes-table");
    const headings = [...table.tHead.rows[0].cells];
    const column = headings.findIndex((cell) => cell.textContent === "Lost");
    const read = () => [...table.tBodies[0].rows].map((row) => Number(row.cells[column].dataset.v));
    return [1, 2].map(() => (headings[column].querySelector("button").click(), read()));
  })()`);
  const sorted = values[0].toSorted((a, b) => b - a);
  assert.ok(sorted.length > 3 && sorted[0] > sorted.at(-1)!);
  assert.deepEqual(values, [sorted, sorted.toReversed()]);
});

Deno.test("a page that would be too large says what it left out and how to see it", async () => {
  const cut = Deno.readTextFileSync(pages.join("cut.html"));
  assert.ok(new TextEncoder().encode(cut).length <= 1_000_000);
  await open("cut");
  const text = await browser.evaluate<string>(`document.getElementById("failed-text").innerText`);
  const [, shown, all, command] = /: ([\d,]+) of ([\d,]+) are on this page\. All of them: (.*)$/
    .exec(text)!;
  const n = Number(shown.replaceAll(",", ""));
  assert.equal(all, "10,000");
  assert.ok(n > 500 && n < N, shown);
  assert.match(
    command,
    /^provgraph ls \S+ quanta --status FAILED,ABORTED,ABORTED_SUCCESS,UNKNOWN$/,
  );
  assert.equal(await counted(), `${shown} of ${shown} fit, the first 200 are shown`);
  const tasks = await browser.evaluate<string[]>(
    `[...document.querySelectorAll("#save button")].map((button) => button.textContent)`,
  );
  assert.deepEqual(tasks.sort(), ["calibrate.ecsv", "warp.ecsv"]);
});

for (const width of [360, 768, 1280]) {
  for (const scheme of ["light", "dark"] as const) {
    Deno.test(`ten thousand failures fit a window of ${width} pixels, ${scheme}`, async () => {
      await open();
      await browser.emulate({ width, scheme });
      assert.ok(await browser.evaluate<number>("document.documentElement.scrollWidth") <= width);
    });
  }
}
