/**
 * Entry of the page: finds what was put into it, and draws.
 *
 * @module
 */

import { render } from "preact";
import { App } from "./app.ts";
import { Opener } from "./model/opener.ts";
import { NOTHING_SERVED, readServed, SERVED_ID } from "../served.ts";
import { html } from "./view.ts";

/** Id of the element that holds Zstandard, in base 64. */
const ZSTD_ID = "zstd-wasm";

function textOf(id: string): string {
  return document.getElementById(id)?.textContent ?? "";
}

const wasm = Uint8Array.from(atob(textOf(ZSTD_ID)), (letter) => letter.charCodeAt(0));
const served = readServed(textOf(SERVED_ID) || NOTHING_SERVED);
render(
  html`<${App} opener=${new Opener(wasm)} served=${served} />`,
  document.getElementById("app")!,
);
