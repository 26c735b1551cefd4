/**
 * Makes the explorer's page: one file with style, script and Zstandard in it.
 *
 * @module
 */

import { join, resolve } from "node:path";
import { encodeUtf8 } from "../../lib/base/json_text.ts";
import { readLicense } from "../package/licenses.ts";
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

/** A package that a bundle is made of. */
interface BundledPackage {
  name: string;
  version: string;
  folder: string;
}

/** JavaScript for browsers, minified, of a module with all that it imports. */
export async function bundle(path: string, format: "esm" | "iife"): Promise<string> {
  return (await bundleWithPackages(path, format)).script;
}

/** The same with the packages that are in it. */
async function bundleWithPackages(
  path: string,
  format: "esm" | "iife",
): Promise<{ script: string; packages: BundledPackage[] }> {
  const esbuild = await importEsbuild();
  try {
    const { outputFiles, metafile } = await esbuild.build({
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
      metafile: true,
      write: false,
      plugins: [PACKAGES],
    });
    const packages = Object.keys(metafile.inputs).flatMap((input) => packageOf(input) ?? []);
    return { script: outputFiles[0].text.trim(), packages };
  } finally {
    await esbuild.stop();
  }
}

/** The package of a file in the cache of packages; null for files of the project. */
function packageOf(path: string): BundledPackage | null {
  const found = /^(?:.*?\/)?((?:@[^/]+\/)?[^/@]+)\/(\d+\.\d+\.\d+[^/]*)\//.exec(path);
  if (found === null) return null;
  return { name: found[1], version: found[2], folder: resolve(PROJECT, found[0]) };
}

/** Licences of all that is in the page, which is given away as one file: a comment at its end. */
function licenses(packages: readonly BundledPackage[]): string {
  const byName = new Map(packages.map((one) => [one.name, one]));
  const parts = [...byName.values()].sort((a, b) => a.name < b.name ? -1 : 1)
    .map(({ name, version, folder }) => readLicense(name, version, folder))
    .map(({ name, version, license, text }) => `${name} ${version} (${license})\n\n${text}`);
  const own = Deno.readTextFileSync(join(PROJECT, "LICENSE")).trim();
  const text = [`provgraph\n\n${own}`, ...parts].join(`\n\n${"=".repeat(80)}\n`);
  // Nothing in a comment may look like its end.
  return `<!--\nThis page is made of:\n\n${text.replaceAll("--", "- -")}\n-->`;
}

async function digest(text: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", encodeUtf8(text)));
  return `'sha256-${bytes.toBase64()}'`;
}

/** The page. The same sources and packages make the same text. */
export async function makePage(): Promise<string> {
  // What would end the element that it stands in is written another way.
  const made = await bundleWithPackages("lib/explore/page/main.ts", "iife");
  const script = made.script.replaceAll("</", "<\\/");
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
${licenses([...made.packages, packageOf(decodeURIComponent(wasm.pathname))!])}
</body>
</html>
`;
}

/** Bytes of a text as servers send it. */
export async function compressedSize(text: string): Promise<number> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return (await new Response(stream).arrayBuffer()).byteLength;
}
