/**
 * Makes the explorer's page: one file with style, script and Zstandard in it.
 *
 * @module
 */

import { join } from "node:path";
import { encodeUtf8 } from "../../lib/base/json_text.ts";
import { importEsbuild } from "../support/packages.ts";
import { PROJECT } from "../support/fixtures.ts";

/** What finds the packages that sources import: the import map of the project, whatever their place. */
const PACKAGES = {
  name: "packages",
  setup(build: {
    onResolve(
      filter: { filter: RegExp },
      resolve: (args: { path: string }) => { path: string },
    ): void;
  }) {
    build.onResolve({ filter: /^[a-z@]/ }, ({ path }) => {
      const found = decodeURIComponent(new URL(import.meta.resolve(path)).pathname);
      // The project's runtime finds the package's entry for Node; browsers have the one beside it.
      return { path: found.replace(/(\/hyparquet\/[^/]+\/src\/)node\.js$/, "$1index.js") };
    });
  },
};

/** JavaScript for browsers, minified, of a module with all that it imports. */
export async function bundle(path: string, format: "esm" | "iife"): Promise<string> {
  const esbuild = await importEsbuild();
  try {
    const { outputFiles } = await esbuild.build({
      entryPoints: [join(PROJECT, path)],
      absWorkingDir: PROJECT,
      bundle: true,
      minify: true,
      format,
      platform: "browser",
      target: ["chrome125", "firefox128", "safari18"],
      charset: "utf8",
      legalComments: "none",
      logLevel: "error",
      write: false,
      plugins: [PACKAGES],
    });
    return outputFiles[0].text.trim();
  } finally {
    await esbuild.stop();
  }
}

async function digest(text: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", encodeUtf8(text)));
  return `'sha256-${bytes.toBase64()}'`;
}

/** The page. The same sources and packages make the same text. */
export async function makePage(): Promise<string> {
  // What would end the element that it stands in is written another way.
  const script = (await bundle("lib/explore/page/main.ts", "iife")).replaceAll("</", "<\\/");
  const style = Deno.readTextFileSync(join(PROJECT, "lib/explore/page/style.css")).trim();
  const wasm = new URL("./zstd.wasm", import.meta.resolve("@bokuweb/zstd-wasm"));
  const policy = [
    "default-src 'none'",
    `script-src ${await digest(script)} 'wasm-unsafe-eval'`,
    `style-src ${await digest(style)}`,
    "connect-src 'self' http: https:",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="generator" content="provgraph explorer">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>provgraph explorer</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<noscript>This page reads quantum graphs in the browser, for which it needs JavaScript.</noscript>
<div id="app"></div>
<script type="application/json" id="served-sources">[]</script>
<script type="text/plain" id="zstd-wasm">${(await Deno.readFile(wasm)).toBase64()}</script>
<script>${script}</script>
</body>
</html>
`;
}

/** Bytes of a text as servers send it. */
export async function compressedSize(text: string): Promise<number> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return (await new Response(stream).arrayBuffer()).byteLength;
}
