/**
 * Makes `testdata/provenance/documents.json.gz`: asks the reference what it makes of many log and
 * metadata files, makes our blocks of them, and has the reference read these. Run by hand:
 *
 *     ORACLE_ROOT=DIR deno run -A tests/oracle/golden/make_provenance_golden.ts
 *
 * @module
 */

import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { PROJECT, temporaryDirectory } from "../../support/fixtures.ts";
import { Reference } from "../reference.ts";
import { answerCase, type BlockName, type DocumentCase } from "./provenance_blocks.ts";

const SCRIPT = "provenance_documents.py";

await using work = await temporaryDirectory();
const reference = await Reference.install(work.path);
Deno.copyFileSync(join(PROJECT, "tests/oracle/golden", SCRIPT), work.join(SCRIPT));
await reference.expect(["python", `/data/${SCRIPT}`, "documents", "/data/documents.json"]);
const data = JSON.parse(Deno.readTextFileSync(work.join("documents.json")));
for (const entry of data.cases as (DocumentCase & { blocks?: unknown })[]) {
  const answer = answerCase(entry, data.predicted, data.label);
  if ("refused" in answer || answer.blocks === null) continue;
  const blocks: Partial<Record<BlockName, { text: string }>> = {};
  for (const [name, bytes] of Object.entries(answer.blocks)) {
    blocks[name as BlockName] = { text: Array.from(bytes, (b) => String.fromCharCode(b)).join("") };
  }
  entry.blocks = blocks;
}
Deno.writeTextFileSync(work.join("own.json"), JSON.stringify(data));
await reference.expect(["python", `/data/${SCRIPT}`, "blocks", "/data/own.json", "/data/out.json"]);
const target = join(PROJECT, "testdata/provenance/documents.json.gz");
Deno.mkdirSync(join(target, ".."), { recursive: true });
Deno.writeFileSync(target, gzipSync(Deno.readFileSync(work.join("out.json")), { level: 9 }));
console.log(`wrote ${target}: ${data.cases.length} cases, ${Deno.statSync(target).size} bytes`);
