import assert from "node:assert/strict";
import { type DocumentSource, openGraph, openRun } from "../../lib/browser.ts";
import { EnvironmentError, InvalidQuantumGraphFileError } from "../../lib/base/errors.ts";
import { readQuantum } from "../../lib/provenance/documents/quantum.ts";
import { parseSelector } from "../../lib/sources/selector.ts";
import { openSource } from "../../lib/sources/open_source.ts";
import { FileSource } from "../../lib/storage/file_source.ts";
import { fixturePath, PROJECT } from "../support/fixtures.ts";
import { serveRanges } from "../support/range_server.ts";
import { CODECS } from "./codecs.ts";

const GRAPHS: Record<string, string> = {
  "small-ok": fixturePath("small-ok", "provenance.qg"),
  "small-mixed": fixturePath("small-mixed", "provenance.qg"),
  "small-mixed, with dictionary": fixturePath("small-mixed", "provenance-with-dictionary.qg"),
  "small-mixed, while it ran": fixturePath("small-mixed", "midrun.provenance.qg"),
  "rare states": `${PROJECT}/testdata/reports/rare-states/provenance.qg`,
};

/** Everything that a source tells of its quanta, as texts. */
async function tell(source: {
  quanta(): AsyncIterable<Uint8Array>;
  attempts: DocumentSource["attempts"];
}): Promise<string[]> {
  const decoder = new TextDecoder();
  const told: string[] = [];
  for await (const bytes of source.quanta()) {
    const text = decoder.decode(bytes);
    told.push(text);
    const selector = parseSelector([readQuantum(bytes).quantumId])!;
    for (const kind of ["log", "metadata"] as const) {
      const documents = await source.attempts(kind, selector).catch((error: Error) => error);
      told.push(documents instanceof Error ? "none" : decoder.decode(documents.text));
    }
  }
  return told;
}

for (const [name, path] of Object.entries(GRAPHS)) {
  Deno.test(`a page reads what the command line reads, of a dropped file: ${name}`, async () => {
    await using expected = await openSource(path, null, Deno.env, Deno.cwd());
    await using graph = await openGraph(new Blob([await Deno.readFile(path)]), CODECS);
    assert.deepEqual(await tell(graph), await tell(expected));
  });
}

Deno.test("a page reads a log of a URL in at most 8 requests, and nothing whole", async () => {
  const path = GRAPHS["small-mixed"];
  using file = FileSource.open(path);
  await using server = serveRanges(file);
  await using graph = await openGraph(server.url, CODECS);
  const { attempts } = await graph.attempts(
    "log",
    parseSelector(["calibrate", "visit=3", "detector=1"])!,
  );
  assert.ok(attempts.some((range) => range !== null));
  assert.ok(server.counts.nRequests <= 8, `${server.counts.nRequests} requests`);
});

Deno.test("what was opened is told by its content", async () => {
  const graph = await openRun(new Blob([await Deno.readFile(GRAPHS["small-ok"])]), CODECS);
  assert.ok("quanta" in graph);
  const magic = Uint8Array.from([0x89, 0x50, 0x47, 0x43, 0x4c, 0x0d, 0x0a, 0x1a]);
  assert.ok("readNew" in await openRun(new Blob([magic]), CODECS));
});

const REFUSED: [what: string, content: BlobPart[], reason: RegExp][] = [
  ["text", ["hello"], /Cannot read|isn't|not/],
  ["nothing", [], /Cannot read|empty|0 bytes/],
  ["a cut graph", [(await Deno.readFile(GRAPHS["small-ok"])).slice(0, 9000)], /Cannot/],
];
for (const [what, content, reason] of REFUSED) {
  Deno.test(`another format is refused with what to open: ${what}`, async () => {
    await assert.rejects(openRun(new Blob(content), CODECS), (error) => {
      assert.ok(error instanceof InvalidQuantumGraphFileError, String(error));
      assert.match(error.message, reason);
      assert.match(error.hint ?? "", /\.qg/);
      return true;
    });
  });
}

Deno.test("a predicted graph is refused as that", async () => {
  const predicted = new Blob([await Deno.readFile(fixturePath("small-ok", "predicted.qg"))]);
  await assert.rejects(openRun(predicted, CODECS), /predicted/);
});

const URL_OF_GRAPH = "https://data.example/run.qg?X-Amz-Signature=secret";
const REFUSALS: [what: string, answer: () => Promise<Response>, hint: RegExp][] = [
  ["no CORS", () => Promise.reject(new TypeError("Failed to fetch")), /CORS/],
  [
    "Content-Range is hidden",
    () => Promise.resolve(new Response("x", { status: 206 })),
    /expose the header Content-Range/,
  ],
  ["the link expired", () => Promise.resolve(new Response("", { status: 403 })), /new link/],
  [
    "no ranges",
    () => Promise.resolve(new Response("x", { headers: { "content-length": "99999999" } })),
    /download/,
  ],
];
for (const [what, answer, hint] of REFUSALS) {
  Deno.test(`a server that doesn't allow it is told with what to change: ${what}`, async () => {
    await assert.rejects(openRun(URL_OF_GRAPH, CODECS, { fetch: answer }), (error) => {
      assert.ok(error instanceof Error && "hint" in error);
      assert.match(String(error.hint), hint);
      assert.ok(!error.message.includes("secret"), error.message);
      return true;
    });
  });
}

Deno.test("a server that sends other bytes than it says is refused", async () => {
  const lie = () =>
    Promise.resolve(
      new Response("short", {
        status: 206,
        headers: { "content-range": "bytes 0-99/100" },
      }),
    );
  await assert.rejects(openRun(URL_OF_GRAPH, CODECS, { fetch: lie }), EnvironmentError);
});
