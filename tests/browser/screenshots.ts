/**
 * Takes the screenshots of README.md: `deno run -A tests/browser/screenshots.ts GRAPH`. Look at them
 * before they are committed.
 */

import { join } from "node:path";
import { expectProvgraph, PROJECT, temporaryDirectory } from "../support/fixtures.ts";
import { Browser } from "./chromium.ts";

const WIDTH = 1080;

interface Shot {
  name: string;
  scheme: "light" | "dark";
  /** Ids of the headings of the first section that is shown and of the first that isn't. */
  from: string | null;
  to: string;
}

const SHOTS: Shot[] = [
  { name: "report-light", scheme: "light", from: null, to: "exceptions" },
  { name: "report-dark", scheme: "dark", from: "timeline", to: "slowest" },
];

const [graph] = Deno.args;
await using work = await temporaryDirectory();
await using browser = await Browser.start();
await expectProvgraph(["report", graph, "--html", work.join("page.html")]);
// They are gone while a picture is taken, and lines would break elsewhere.
await browser.send("Emulation.setScrollbarsHidden", { hidden: true });
for (const { name, scheme, from, to } of SHOTS) {
  await browser.emulate({ width: WIDTH, scheme });
  await browser.open(`file://${work.join("page.html")}`);
  const placeOf = (id: string) =>
    browser.evaluate<number>(
      `document.getElementById("${id}").getBoundingClientRect().top + scrollY - 20`,
    );
  const top = from === null ? 0 : await placeOf(from);
  const bottom = await placeOf(to);
  const { data } = await browser.send("Page.captureScreenshot", {
    format: "png",
    captureBeyondViewport: true,
    clip: { x: 0, y: top, width: WIDTH, height: bottom - top, scale: 1 },
  });
  const bytes = Uint8Array.from(atob(data as string), (c) => c.charCodeAt(0));
  Deno.writeFileSync(join(PROJECT, "testdata", "screenshots", `${name}.png`), bytes);
  console.log(`${name}.png: ${bytes.length} bytes`);
}
