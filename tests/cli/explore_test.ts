import assert from "node:assert/strict";
import { readPage } from "../../lib/explore/page_text.ts";
import {
  fixturePath,
  RUN,
  runProvgraph,
  spawnProvgraph,
  temporaryDirectory,
} from "../support/fixtures.ts";
import { copyOfFixture, removeUnpacked } from "./support.ts";

Deno.test.afterAll(removeUnpacked);

const GRAPH = fixturePath("small-mixed", "provenance.qg");

/** Starts the explorer, asks it, ends it as Ctrl-C does, and hands back the exit code. */
async function explore(
  args: readonly string[],
  ask: (url: string) => Promise<void>,
): Promise<number> {
  const child = spawnProvgraph(["explore", "--no-open", ...args]);
  const stderr = new Response(child.stderr).text();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value } = await lines.read();
    if (value === undefined) throw new Error(await stderr);
    text += value;
  }
  try {
    await ask(text.trim());
  } finally {
    child.kill("SIGINT");
  }
  await lines.cancel();
  await stderr;
  return (await child.status).code;
}

Deno.test("explore serves the page and its sources, and ends well with Ctrl-C", async () => {
  await using work = await copyOfFixture("small-mixed", "ingested");
  const code = await explore([GRAPH, GRAPH], async (url) => {
    const page = await (await fetch(url)).text();
    const list = JSON.parse(/id="served-sources">([^<]*)</.exec(page)![1]);
    assert.deepEqual(list.map(({ name }: { name: string }) => name), [GRAPH, GRAPH]);
    const response = await fetch(new URL(list[1].url, url), { headers: { range: "bytes=0-1" } });
    assert.equal(await response.text(), "PK");
  });
  assert.equal(code, 0);
  // A RUN of a repository is the graph that it holds.
  await explore([work.repo, "--run", RUN], async (url) => {
    assert.ok((await (await fetch(url)).text()).includes(RUN));
  });
});

const REFUSALS: [what: string, args: string[], message: RegExp][] = [
  ["no source", [], /no SOURCE is named/],
  ["a predicted graph", [fixturePath("small-mixed", "predicted.qg")], /nothing of it has run yet/],
  ["a page of a source", ["--page", "page.html", GRAPH], /leave SOURCE out/],
  ["what isn't there", ["nowhere.qg"], /no such file/],
];
for (const [what, args, message] of REFUSALS) {
  Deno.test(`explore refuses ${what}`, async () => {
    const { code, stdout, stderr } = await runProvgraph(["explore", "--no-open", ...args]);
    assert.equal(code, 2, stderr);
    assert.equal(stdout, "");
    assert.match(stderr, message);
    assert.match(stderr, /^hint: /m);
  });
}

Deno.test("explore refuses a repository without RUN and names those that it has", async () => {
  await using work = await copyOfFixture("small-mixed", "ingested");
  const { code, stderr } = await runProvgraph(["explore", "--no-open", work.repo]);
  assert.equal(code, 2);
  assert.ok(stderr.includes(`--run: ${RUN}`), stderr);
});

Deno.test("explore --page writes the page, and replaces only such a page", async () => {
  await using work = await temporaryDirectory();
  const path = work.join("explore.html");
  for (let i = 0; i < 2; i++) {
    const { code, stderr } = await runProvgraph(["explore", "--page", path]);
    assert.equal(code, 0, stderr);
  }
  assert.ok(Deno.readTextFileSync(path) === await readPage());
  const other = work.join("other.html");
  Deno.writeTextFileSync(other, "<!doctype html>\n<title>mine</title>\n");
  const { code, stderr } = await runProvgraph(["explore", "--page", other]);
  assert.equal(code, 2);
  assert.match(stderr, /no(?:t an| )?.*explorer page/);
  assert.equal(Deno.readTextFileSync(other), "<!doctype html>\n<title>mine</title>\n");
});
