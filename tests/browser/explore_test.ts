import assert from "node:assert/strict";
import { readPage } from "../../lib/explore/page_text.ts";
import { serveExplorer } from "../../lib/explore/server.ts";
import { servedSource } from "../../lib/explore/served_bytes.ts";
import { FileSource } from "../../lib/storage/file_source.ts";
import { expectProvgraph, fixturePath, temporaryDirectory } from "../support/fixtures.ts";
import { Browser } from "./chromium.ts";

const GRAPHS: Record<string, string> = {
  "small-ok": fixturePath("small-ok", "provenance.qg"),
  "small-mixed": fixturePath("small-mixed", "provenance.qg"),
};

const PAGE = await readPage();
const work = await temporaryDirectory();
const browser = await Browser.start();
Deno.test.afterAll(async () => {
  await browser[Symbol.asyncDispose]();
  await work[Symbol.asyncDispose]();
});

const until = (expression: string) => browser.until(expression);

/** What the browser complained of since the page was opened. */
function complaints(): unknown[] {
  return browser.events.filter(({ method }) =>
    ["Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"].includes(method)
  ).map(({ params }) => params);
}

/** Serves a graph, and opens a place of it. */
async function open(path: string, hash: string): Promise<AsyncDisposable> {
  const server = serveExplorer(PAGE, [servedSource(FileSource.open(path), "graph", false)]);
  await browser.emulate({});
  await browser.open(`${server.url}${hash}`);
  return server;
}

/** Whether all quanta have been read and something is shown of them. */
const HAS_ALL = `document.querySelector(".notice") === null &&
  document.querySelector(".tiles, .list, .clusters, .v-failures p.soft") !== null`;

Deno.test("a pasted link to a log takes at most 8 requests, and shows what cat prints", async () => {
  const path = GRAPHS["small-mixed"];
  const id = ["calibrate", "visit=3", "detector=1"];
  const { stdout } = await expectProvgraph(["cat", path, "log", ...id]);
  await using _server = await open(path, `#/quantum/${encodeURIComponent(id.join(" "))}?tab=log`);
  await until(`document.querySelector(".line") !== null`);
  const lines = await browser.evaluate<string[]>(
    `[...document.querySelectorAll(".line")].map((line) => line.textContent)`,
  );
  assert.equal(lines.join("\n"), stdout.trimEnd());
  const requests = browser.events.filter(({ method, params }) =>
    method === "Network.requestWillBeSent" &&
    (params.request as { url: string }).url.includes("/source/")
  );
  // A label has to be looked for among all quanta; a UUID hasn't.
  const uuid = await browser.evaluate<string>(`document.querySelector(".id").innerText`);
  assert.ok(requests.length > 0);
  await using _again = await open(path, `#/quantum/${uuid}?tab=log`);
  await until(`document.querySelector(".line") !== null`);
  const direct = browser.events.filter(({ method, params }) =>
    method === "Network.requestWillBeSent" &&
    (params.request as { url: string }).url.includes("/source/")
  );
  assert.ok(direct.length <= 8, `${direct.length} requests`);
  await browser.evaluate(`void (location.hash += "&level=ERROR")`);
  await until(`document.querySelectorAll(".line").length < ${Math.max(2, lines.length)}`);
});

Deno.test("every view has names for those who don't see it, and fits narrow windows", async () => {
  await using _server = await open(GRAPHS["small-mixed"], "#/overview");
  await until(HAS_ALL);
  const id = await browser.evaluate<string>(`(location.hash = "#/quanta", new Promise((resolve) => {
    const look = () => {
      const link = document.querySelector(".list-row a");
      if (link === null) setTimeout(look, 20); else resolve(link.hash.split("/").pop());
    };
    look();
  }))`);
  for (
    const hash of [
      "#/overview",
      "#/failures",
      "#/quanta",
      "#/map",
      `#/quantum/${id}`,
      `#/quantum/${id}?tab=graph`,
      "#/compare",
    ]
  ) {
    for (const width of [360, 768, 1280]) {
      await browser.emulate({ width });
      await browser.evaluate(`void (location.hash = ${JSON.stringify(hash)})`);
      await until(
        `document.querySelector("main h2, main h3") !== null && document.querySelector("main [role=status].soft, .walk, .tiles, .list, .clusters, canvas, .filters, .text, .problem") !== null`,
      );
      const state = await browser.evaluate<{ unnamed: string[]; width: number }>(`({
        unnamed: [...document.querySelectorAll("input:not([type=file]), select, button, [role=region], [role=grid], nav, table, canvas")]
          .filter((part) => !part.ariaLabel && !part.labels?.length && !part.innerText?.trim() && !part.caption && !part.getAttribute("aria-labelledby"))
          .map((part) => part.outerHTML.slice(0, 100)),
        width: document.documentElement.scrollWidth,
      })`);
      assert.deepEqual(state.unnamed, [], hash);
      assert.ok(state.width <= width, `${hash} is ${state.width} pixels wide in ${width}`);
    }
  }
  assert.deepEqual(complaints(), []);
});

Deno.test("what a graph holds is shown as text", async () => {
  await using graphs = await temporaryDirectory();
  const path = graphs.join("hostile.qg");
  const { makeHostileGraph } = await import("./hostile_graph.ts");
  await makeHostileGraph(path);
  await using _server = await open(path, "#/failures");
  await until(`document.querySelector(".cluster") !== null`);
  const id = await browser.evaluate<string>(
    `[...document.querySelectorAll(".cluster")].find((cluster) => cluster.innerText.includes("<img"))
      .querySelector(".counts a:last-child").hash.split("/").pop().split("?")[0]`,
  );
  for (
    const hash of [
      "#/failures",
      "#/quanta",
      `#/quantum/${id}?tab=log`,
      `#/quantum/${id}?tab=document`,
    ]
  ) {
    await browser.evaluate(`void (location.hash = ${JSON.stringify(hash)})`);
    await until(`document.body.innerText.includes("<img src=x onerror")`);
    assert.equal(
      await browser.evaluate(`document.querySelectorAll("main img, main script").length`),
      0,
    );
  }
  assert.equal(await browser.evaluate(`"pwned" in globalThis`), false);
  const shown = await browser.evaluate<string>("document.body.innerText");
  assert.ok(
    ["\u202e", "\u0007"].every((control) => !shown.includes(control)),
    "controls are made visible",
  );
});

const DAMAGED: [what: string, edit: (bytes: Uint8Array) => Uint8Array, text: RegExp][] = [
  ["cut", (bytes) => bytes.slice(0, bytes.length / 2), /What to do: open a provenance graph/],
  [
    "no graph",
    () => new TextEncoder().encode("hello, world"),
    /What to do: open a provenance graph/,
  ],
  ["damaged in its quanta", (bytes) => {
    const copy = bytes.slice();
    const name = new TextEncoder().encode("quanta.mb");
    const at = copy.findIndex((_, i) => name.every((letter, k) => copy[i + k] === letter));
    copy.fill(0xff, at + 200, at + 2000);
    return copy;
  }, /Cannot/],
];
for (const [what, edit, text] of DAMAGED) {
  Deno.test(`a file that is ${what} gets one clear error`, async () => {
    const path = work.join("damaged.qg");
    await Deno.writeFile(path, edit(await Deno.readFile(GRAPHS["small-mixed"])));
    await using _server = await open(path, "#/overview");
    await until(`document.querySelector("[role=alert]") !== null`);
    assert.match(await browser.evaluate<string>("document.body.innerText"), text);
    assert.equal(await browser.evaluate(`document.querySelectorAll("[role=alert]").length`), 1);
  });
}

Deno.test("another host's page cannot read what is served", async () => {
  const server = serveExplorer(PAGE, [
    servedSource(FileSource.open(GRAPHS["small-ok"]), "graph", false),
  ]);
  await using other = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () =>
      new Response("<!doctype html><title>other</title>", {
        headers: { "content-type": "text/html" },
      }),
  );
  try {
    await browser.open(`http://127.0.0.1:${(other.addr as Deno.NetAddr).port}/`);
    const outcome = await browser.evaluate<string>(
      `fetch(${JSON.stringify(server.url)} + "source/0", { headers: { range: "bytes=0-9" } })
        .then((response) => response.text(), () => "refused")`,
    );
    assert.equal(outcome, "refused");
  } finally {
    await server[Symbol.asyncDispose]();
  }
});
