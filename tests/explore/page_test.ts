import assert from "node:assert/strict";
import { encodeUtf8 } from "../../lib/base/json_text.ts";
import { readPage } from "../../lib/explore/page_text.ts";
import { bundle, compressedSize, makePage } from "../tools/page_bundle.ts";

const page = await readPage();

Deno.test("the page is what its sources make; deno task bundle makes it anew", async () => {
  assert.ok(await makePage() === page, "lib/explore/page.html is another: deno task bundle");
});

Deno.test("the page and the library take at most 350 kB compressed", async () => {
  const sizes = [
    await compressedSize(page),
    await compressedSize(await bundle("lib/browser.ts", "esm")),
  ];
  console.log(`page ${sizes[0]} bytes, library ${sizes[1]} bytes compressed`);
  assert.ok(Math.max(...sizes) <= 350_000);
});

Deno.test("the page holds the licences of all packages that it is made of", () => {
  const comment = page.slice(page.lastIndexOf("<!--"), page.lastIndexOf("-->"));
  const made = ["@bokuweb/zstd-wasm", "fflate", "htm", "hyparquet", "preact"];
  const held = [...comment.matchAll(/^(\S+) \d+\.\d+\.\d+ \(\S+\)$/gm)].map(([, name]) => name);
  assert.deepEqual(held, made);
  assert.match(comment, /^provgraph\n\nMIT License/m);
  assert.match(comment, /Zstandard[^]*Meta Platforms/);
});

Deno.test("the page allows no script but its own, and no evaluation of text", async () => {
  const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)![1];
  const script = page.slice(page.lastIndexOf("<script>") + 8, page.lastIndexOf("</script>"));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", encodeUtf8(script)));
  assert.ok(
    policy.includes(`script-src 'sha256-${digest.toBase64()}' 'wasm-unsafe-eval'`),
    policy,
  );
  assert.ok(policy.startsWith("default-src 'none';"));
  assert.ok(!/'unsafe-inline'|'unsafe-eval'/.test(policy));
  assert.ok(
    !/\bnew Function\b|\beval\(|dangerouslySetInnerHTML:|\.innerHTML\s*=(?!=)[^=]*\$\{/.test(
      script,
    ),
  );
  assert.ok(
    !/<(?:link|img|script)[^>]*(?:src|href)="(?:https?:)?\/\//.test(page),
    "it names no other file",
  );
});
