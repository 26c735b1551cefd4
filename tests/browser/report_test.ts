/**
 * The report page in a real browser: the numbers of the reference's dump are what a reader sees, in both
 * colour schemes, at any width, on paper and without script; and it asks for nothing.
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import {
  expectedJson,
  expectProvgraph,
  fixturePath,
  PROJECT,
  readJsonGz,
  RUN,
  temporaryDirectory,
} from "../support/fixtures.ts";
import { reportFacts, type RunFacts, total } from "../support/report_facts.ts";
import { Browser } from "./chromium.ts";

const RARE = join(PROJECT, "testdata", "reports", "rare-states");

const GRAPHS: Record<string, [path: string, facts: () => RunFacts]> = {
  "small-mixed": [
    fixturePath("small-mixed", "provenance.qg"),
    () => reportFacts(expectedJson("small-mixed", "provenance.graph")),
  ],
  "medium": [
    fixturePath("medium", "provenance.qg"),
    () => reportFacts(expectedJson("medium", "provenance.graph")),
  ],
  "rare-states": [
    join(RARE, "provenance.qg"),
    () => reportFacts(readJsonGz(join(RARE, "provenance.graph.json.gz"))),
  ],
};

const pages = await temporaryDirectory();
const browser = await Browser.start();
Deno.test.afterAll(async () => {
  await browser[Symbol.asyncDispose]();
  await pages[Symbol.asyncDispose]();
});

/** Makes the page of a graph once, and opens it. */
async function open(name: string): Promise<void> {
  const path = pages.join(`${name}.html`);
  try {
    Deno.statSync(path);
  } catch {
    await expectProvgraph(["report", GRAPHS[name][0], "--html", path]);
  }
  await browser.open(`file://${path}`);
}

/** Cells of a table by the first of each row; headings are cells, too. Only what is to be seen. */
function tableCells(id: string): Promise<Record<string, string[]>> {
  return browser.evaluate(`Object.fromEntries(
    [...document.querySelectorAll("#${id} tr")].filter((row) => row.offsetParent !== null)
      .map((row) => [...row.cells].map((cell) => cell.innerText.trim()))
      .map(([first, ...rest]) => [first, rest]))`);
}

function count(text: string): number {
  assert.match(text, /^\d{1,3}(,\d{3})*$/);
  return Number(text.replaceAll(",", ""));
}

for (const name of Object.keys(GRAPHS)) {
  Deno.test(`the page shows the numbers of the reference's dump: ${name}`, async () => {
    await browser.emulate({});
    await open(name);
    const facts = GRAPHS[name][1]();
    assert.equal(await browser.evaluate("document.title"), `${RUN}: run report`);
    assert.equal(await browser.evaluate("document.querySelector('h1').innerText"), RUN);

    const status = await tableCells("status-table");
    const columns = status["Task"];
    const column = (row: string, title: string) => status[row][columns.indexOf(title)];
    for (const [label, task] of facts.tasks) {
      assert.equal(count(column(label, "Quanta")), task.nQuanta, label);
      assert.equal(count(column(label, "Retried")), task.nRetried, label);
      for (
        const [title, key] of [
          ["Successful", "SUCCESSFUL"],
          ["Failed", "FAILED"],
          ["Blocked", "BLOCKED"],
          ["Aborted", "ABORTED"],
          ["Aborted success", "ABORTED_SUCCESS"],
          ["Unknown", "UNKNOWN"],
        ]
      ) {
        const expected = task.byStatus[key] ?? 0;
        if (columns.includes(title)) assert.equal(count(column(label, title)), expected, title);
        else assert.equal(expected, 0, title);
      }
      const nCaveats = [...column(label, "Caveats").matchAll(/\((\d+)\)/g)]
        .reduce((sum, [, n]) => sum + Number(n), 0);
      assert.equal(nCaveats, task.nCaveats, label);
    }
    assert.equal(count(column("All", "Quanta")), total(facts, ({ nQuanta }) => nQuanta));

    for (const id of ["run-time", "memory"] as const) {
      const cells = await tableCells(`${id}-table`);
      for (const [label, { runTimes, memories }] of facts.tasks) {
        const values = id === "memory" ? memories : runTimes;
        if (values.length === 0) assert.ok(!(label in cells));
        else {
          assert.equal(count(cells[label][1]), values.length);
          const most = cells[label][cells["Task"].indexOf("Most")];
          const unit = { ms: 1e-3, s: 1, min: 60, h: 3600, MB: 1e6, GB: 1e9 }[most.split(" ")[1]];
          const shown = Number(most.split(" ")[0].replaceAll(",", "")) * unit!;
          assert.ok(Math.abs(shown / values.at(-1)! - 1) < 0.006, `${label}: ${most}`);
        }
      }
    }

    const causes = await browser.evaluate<[string, string, string[]][]>(
      `[...document.querySelectorAll("#causes-table tbody tr")].map((row) => [
        row.cells[0].innerText, row.querySelector("code").innerText,
        [2, 5, 6].map((i) => row.cells[i].innerText)])`,
    );
    const found = new Map<string, number[]>();
    for (const [task, exception, cells] of causes) {
      const key = `${task} ${exception === "no exception recorded" ? null : exception}`;
      const sums = found.get(key) ?? [0, 0, 0];
      found.set(key, sums.map((sum, i) => sum + count(cells[i])));
    }
    assert.deepEqual([...found].sort(), [...facts.exceptions].sort());

    const failed = await browser.evaluate<string[]>(
      `[...document.querySelectorAll("#failed-table tbody .id")].map((id) => id.innerText)`,
    );
    assert.deepEqual(failed.sort(), [...facts.failed].sort());
    const tiles = await browser.evaluate<string[]>(
      `[...document.querySelectorAll(".tiles li")].map((tile) => tile.innerText)`,
    );
    assert.match(tiles[2], new RegExp(`^Failed\\s+${facts.failed.size}\\s`));
  });

  Deno.test(`the page asks for nothing and reports no error: ${name}`, async () => {
    await open(name);
    const requests = browser.events.filter(({ method }) => method === "Network.requestWillBeSent")
      .map(({ params }) => (params.request as { url: string }).url)
      .filter((url) => !url.startsWith("data:"));
    assert.deepEqual(requests, [`file://${pages.join(`${name}.html`)}`]);
    const complaints = browser.events.filter(({ method }) =>
      ["Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"].includes(method)
    );
    assert.deepEqual(complaints, []);
    assert.equal(
      await browser.evaluate(
        "document.querySelectorAll('img, iframe, link[rel=stylesheet]').length",
      ),
      0,
    );
    assert.equal(await browser.evaluate("document.scripts.length"), 1);
  });
}

/**
 * Contrasts, computed in the page: of each text with what is painted behind it, and of each part of a
 * figure with the page. Source: Web Content Accessibility Guidelines 2.2, 1.4.3 and 1.4.11.
 */
const CONTRASTS = `(() => {
  const parse = (color) => color.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => v / 255)
      .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ratio = (a, b) => {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const behind = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const found = { page: getComputedStyle(document.body).backgroundColor, texts: 0, parts: 0, low: [] };
  for (const details of document.querySelectorAll("details")) details.open = true;
  for (const element of document.body.querySelectorAll("*")) {
    const style = getComputedStyle(element);
    if (element.closest("script") || element.getClientRects().length === 0) continue;
    const isSvgText = element.localName === "text";
    if (element.closest("svg") && !isSvgText) {
      if (element.localName !== "rect" || element.classList.contains("absent")) continue;
      found.parts++;
      const contrast = ratio(parse(style.fill), behind(element.closest("svg").parentElement));
      if (contrast < 3) found.low.push([element.className.baseVal, contrast]);
      continue;
    }
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== "")) continue;
    found.texts++;
    const color = parse(isSvgText ? style.fill : style.color);
    const contrast = ratio(color, behind(isSvgText ? element.closest("svg").parentElement : element));
    if (contrast < 4.5) found.low.push([element.outerHTML.slice(0, 100), contrast]);
  }
  return found;
})()`;

for (const scheme of ["light", "dark"] as const) {
  for (const name of ["small-mixed", "rare-states"]) {
    Deno.test(`text and figures stand out in the ${scheme} scheme: ${name}`, async () => {
      await browser.emulate({ scheme });
      await open(name);
      const { page, texts, parts, low } = await browser.evaluate<
        { page: string; texts: number; parts: number; low: unknown[] }
      >(CONTRASTS);
      assert.equal(page, scheme === "light" ? "rgb(255, 255, 255)" : "rgb(18, 21, 26)");
      assert.ok(texts > 200 && parts > 50, `${texts} texts, ${parts} parts`);
      assert.deepEqual(low, []);
    });
  }
}

for (const width of [360, 768, 1280]) {
  Deno.test(`the page fits a window of ${width} pixels`, async () => {
    await browser.emulate({ width });
    await open("small-mixed");
    assert.equal(await browser.evaluate("innerWidth"), width);
    // Only tables may be wider, each in a region of its own that can be scrolled.
    assert.ok(await browser.evaluate<number>("document.documentElement.scrollWidth") <= width);
    const cut = await browser.evaluate<number>(
      `[...document.querySelectorAll("table")].filter((table) => {
        const region = table.closest(".scroll");
        return region.scrollWidth > region.clientWidth &&
          (region.tabIndex !== 0 || region.getAttribute("aria-label") === null);
      }).length`,
    );
    assert.equal(cut, 0);
  });
}

Deno.test("every figure stands in a row that has its numbers, or is a key", async () => {
  await browser.emulate({});
  await open("small-mixed");
  const figures = await browser.evaluate<[boolean, boolean][]>(
    `[...document.querySelectorAll("svg")].map((svg) => [
      svg.getAttribute("aria-hidden") === "true",
      svg.classList.contains("key") ? svg.parentElement.innerText.trim() !== ""
        : svg.closest("tr").querySelectorAll("th, td.number").length > 2])`,
  );
  assert.ok(figures.length > 20);
  assert.ok(figures.every(([isHidden, hasNumbers]) => isHidden && hasNumbers));
});

Deno.test("tables, regions and headings have names for those who don't see them", async () => {
  await open("small-mixed");
  const { unscoped, unnamed, levels, lang } = await browser.evaluate<
    { unscoped: number; unnamed: number; levels: number[]; lang: string }
  >(`({
    unscoped: document.querySelectorAll("th:not([scope])").length,
    unnamed: [...document.querySelectorAll("table, [role=region], nav, aside, section")].filter((part) =>
      !part.hasAttribute("aria-label") && !document.getElementById(part.getAttribute("aria-labelledby"))).length,
    levels: [...document.querySelectorAll("h1, h2, h3")].map((heading) => Number(heading.localName[1])),
    lang: document.documentElement.lang,
  })`);
  assert.equal(unscoped, 0);
  assert.equal(unnamed, 0);
  assert.equal(lang, "en");
  assert.deepEqual(levels.filter((level) => level === 1), [1]);
  assert.ok(levels.length >= 8);
  const dangling = await browser.evaluate(
    `[...document.querySelectorAll("a[href^='#'], [aria-describedby]")].filter((part) =>
      document.getElementById(part.getAttribute("aria-describedby") ?? part.hash.slice(1)) === null).length`,
  );
  assert.equal(dangling, 0);
});

Deno.test("the first key leads past the links to the report", async () => {
  await open("small-mixed");
  await browser.send("Input.dispatchKeyEvent", {
    type: "keyDown",
    key: "Tab",
    code: "Tab",
    windowsVirtualKeyCode: 9,
  });
  assert.equal(await browser.evaluate("document.activeElement.innerText"), "Skip to the report");
});

Deno.test("typing filters the failed quanta and says how many are left", async () => {
  await browser.emulate({});
  await open("small-mixed");
  const facts = GRAPHS["small-mixed"][1]();
  const expected = [...facts.failed].filter((id) => facts.dataIds.get(id)!.visit === 3);
  assert.ok(expected.length > 0 && expected.length < facts.failed.size);
  await browser.evaluate(`document.getElementById("filter").focus()`);
  await browser.send("Input.insertText", { text: "Calibrate visit=3" });
  const left = await browser.evaluate<string[]>(
    `[...document.querySelectorAll("#failed-table tbody tr")].filter((row) => row.offsetParent !== null)
      .map((row) => row.querySelector(".id").innerText)`,
  );
  assert.deepEqual(left.sort(), expected.sort());
  assert.equal(
    await browser.evaluate(`document.getElementById("filter-count").innerText`),
    `${expected.length} of ${facts.failed.size} shown`,
  );
});

Deno.test("the page is whole without script", async () => {
  await browser.emulate({});
  await browser.send("Emulation.setScriptExecutionDisabled", { value: true });
  try {
    await open("small-mixed");
    const facts = GRAPHS["small-mixed"][1]();
    const rows = await tableCells("failed-table");
    assert.equal(
      await browser.evaluate(`document.querySelectorAll("#failed-table tbody tr").length`),
      facts.failed.size,
    );
    assert.ok(Object.keys(rows).length > 1);
    assert.equal(
      await browser.evaluate(`document.getElementById("filter").offsetParent === null`),
      true,
    );
  } finally {
    await browser.send("Emulation.setScriptExecutionDisabled", { value: false });
  }
});

/** Width of A4 less margins of 12 mm, at 96 pixels an inch. */
const A4_PIXELS = 703;

Deno.test("on paper it is light, unfolded, and has nothing to click", async () => {
  await browser.emulate({ scheme: "dark", media: "print" });
  await open("small-mixed");
  assert.equal(
    await browser.evaluate("getComputedStyle(document.body).backgroundColor"),
    "rgb(255, 255, 255)",
  );
  assert.equal(await browser.evaluate("document.querySelector('nav').offsetParent === null"), true);
  await browser.emulate({ scheme: "dark", media: "print", width: A4_PIXELS });
  for (const name of ["rare-states", "small-mixed"]) {
    await open(name);
    assert.ok(
      await browser.evaluate<number>("document.documentElement.scrollWidth") <= A4_PIXELS,
      name,
    );
  }
  const { data } = await browser.send("Page.printToPDF", { preferCSSPageSize: true });
  assert.ok(atob(data as string).startsWith("%PDF-"));
  const folded = await browser.evaluate("document.querySelectorAll('details:not([open])').length");
  assert.equal(folded, 0);
});
