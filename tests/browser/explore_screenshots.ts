/**
 * Takes the screenshots of the explorer: `deno run -A tests/browser/explore_screenshots.ts GRAPH`. Look at them
 * before they are committed.
 */

import { join } from "node:path";
import { readPage } from "../../lib/explore/page_text.ts";
import { serveExplorer } from "../../lib/explore/server.ts";
import { servedSource } from "../../lib/explore/served_bytes.ts";
import { FileSource } from "../../lib/storage/file_source.ts";
import { PROJECT } from "../support/fixtures.ts";
import { Browser } from "./chromium.ts";

interface Shot {
  name: string;
  width: number;
  height: number;
  scheme: "light" | "dark";
  /** Expression for the part behind `#`. */
  hash: string;
  /** What is there when the view is complete. */
  ready: string;
}

const FIRST_FAILED = `[...document.querySelectorAll(".counts a:last-child")][0].hash`;

const SHOTS: Shot[] = [
  {
    name: "explore-1280",
    width: 1280,
    height: 560,
    scheme: "light",
    hash: `"#/map?colour=run_time"`,
    ready: `document.querySelector("canvas") && !document.querySelector(".notice")`,
  },
  {
    name: "explore-768",
    width: 768,
    height: 640,
    scheme: "dark",
    hash: `"#/failures"`,
    ready: `document.querySelector(".cluster")`,
  },
  {
    name: "explore-360",
    width: 360,
    height: 640,
    scheme: "light",
    hash: FIRST_FAILED,
    ready: `document.querySelector(".line")`,
  },
];

const [path] = Deno.args;
await using server = serveExplorer(await readPage(), [
  servedSource(FileSource.open(path), "provenance.qg", false),
]);
await using browser = await Browser.start();
await browser.send("Emulation.setScrollbarsHidden", { hidden: true });
await browser.open(`${server.url}#/overview`);
for (const { name, width, height, scheme, hash, ready } of SHOTS) {
  await browser.emulate({ width, scheme });
  await browser.evaluate(`(location.hash = ${hash}, new Promise((resolve) => {
    const look = () => ${ready} ? resolve() : setTimeout(look, 50);
    setTimeout(look, 500);
  }))`);
  const { data } = await browser.send("Page.captureScreenshot", {
    format: "png",
    clip: { x: 0, y: 0, width, height, scale: 1 },
  });
  const bytes = Uint8Array.fromBase64(data as string);
  await Deno.writeFile(join(PROJECT, "testdata", "screenshots", `${name}.png`), bytes);
  console.log(`${name}.png: ${bytes.length} bytes`);
}
