/** All that a mouse does in the explorer, keys do. */

import assert from "node:assert/strict";
import { readPage } from "../../lib/explore/page_text.ts";
import { serveExplorer } from "../../lib/explore/server.ts";
import { servedSource } from "../../lib/explore/served_bytes.ts";
import { FileSource } from "../../lib/storage/file_source.ts";
import { fixturePath } from "../support/fixtures.ts";
import { Browser } from "./chromium.ts";

const PAGE = await readPage();
const browser = await Browser.start();
Deno.test.afterAll(() => browser[Symbol.asyncDispose]());

const FAILED = "019f1af9-b4f6-7645-91be-34eb1e39ef8e";

async function open(hash: string, isThere: string): Promise<AsyncDisposable> {
  const source = servedSource(
    FileSource.open(fixturePath("small-mixed", "provenance.qg")),
    "graph",
    false,
  );
  const server = serveExplorer(PAGE, [source]);
  await browser.emulate({});
  await browser.open(`${server.url}${hash}`);
  await browser.until(isThere);
  return server;
}

/** Presses keys one after another. */
async function press(...keys: string[]): Promise<void> {
  for (const key of keys) {
    const text = key === "Enter" ? { text: "\r" } : {};
    const common = { key, code: key, windowsVirtualKeyCode: KEY_CODES[key] };
    await browser.send("Input.dispatchKeyEvent", { type: "keyDown", ...common, ...text });
    await browser.send("Input.dispatchKeyEvent", { type: "keyUp", ...common });
  }
}
const KEY_CODES: Record<string, number> = {
  Enter: 13,
  End: 35,
  Home: 36,
  ArrowLeft: 37,
  ArrowUp: 38,
  ArrowRight: 39,
  ArrowDown: 40,
  Tab: 9,
};

/** Path of what the page shows. */
const place = () => browser.evaluate<string>("location.hash");
const focus = (selector: string) =>
  browser.evaluate(`document.querySelector(${JSON.stringify(selector)}).focus()`);

Deno.test("arrows, Home and End move through the list, Enter opens a row", async () => {
  await using _server = await open("#/quanta", `document.querySelectorAll(".list-row").length > 3`);
  await focus("[role=grid]");
  const current = () =>
    browser.evaluate<string>(
      `document.querySelector("[role=grid]").getAttribute("aria-activedescendant")`,
    );
  await press("ArrowDown", "ArrowDown", "ArrowUp");
  await browser.until(`document.querySelector("#row-1.current") !== null`);
  assert.equal(await current(), "row-1");
  await press("End");
  await browser.until(`document.querySelector("#row-52.current") !== null`);
  assert.equal(await current(), "row-52");
  await press("Home", "ArrowDown");
  await browser.until(`document.querySelector("#row-1.current") !== null`);
  const link = await browser.evaluate<string>(`document.querySelector("#row-1 a").hash`);
  await press("Enter");
  await browser.until(`document.getElementById("quantum-title") !== null`);
  assert.equal(await place(), link);
});

Deno.test("arrows move between the nodes of the graph, Enter walks there", async () => {
  await using _server = await open(
    `#/quantum/${FAILED}?tab=graph`,
    `document.querySelectorAll(".walk .node").length === 9`,
  );
  await focus(".walk .here");
  const what = () =>
    browser.evaluate<string>("document.activeElement.querySelector('.what').innerText");
  await press("ArrowRight", "ArrowDown");
  assert.equal(await what(), "image");
  await press("Enter");
  await browser.until(`document.getElementById("dataset-title")?.innerText.startsWith("image")`);
  await browser.until(`document.querySelectorAll(".walk .node").length === 4`);
  await focus(".walk .here");
  await press("ArrowLeft");
  assert.equal(await what(), "calibrate");
  await press("Enter");
  await browser.until(`document.getElementById("quantum-title") !== null`);
  assert.match(await place(), new RegExp(FAILED));
});

Deno.test("arrows move over the map, Enter opens what is there", async () => {
  await using _server = await open("#/map", `document.querySelector("canvas") !== null`);
  await focus("canvas");
  await press("ArrowRight", "ArrowDown", "ArrowDown");
  await browser.until(`document.querySelector(".cell b").innerText === "detector 2, visit 3"`);
  await press("Enter");
  await browser.until(
    `document.getElementById("quantum-title")?.innerText.includes("detector=2 visit=3")`,
  );
});

Deno.test("the first key leads past the frame to the content", async () => {
  await using _server = await open("#/overview", `document.querySelector(".tiles") !== null`);
  await browser.evaluate("document.body.focus(), document.activeElement.blur()");
  await browser.evaluate(`document.querySelector(".skip").focus()`);
  await press("Enter");
  assert.equal(await browser.evaluate("document.activeElement.id"), "main");
});
