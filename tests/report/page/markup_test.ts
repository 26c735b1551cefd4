/** Texts of reports that nobody vouches for. */

import assert from "node:assert/strict";
import { formatSeconds, formatShare, formatSize } from "../../../lib/report/format.ts";
import { escapeHtml, Markup, markup } from "../../../lib/report/page/markup.ts";

Deno.test("markup escapes texts, in lists too, but not markup", () => {
  const page = markup`<p title="${"\"'<"}">${["a<b", new Markup("<i>"), [1, "&"]]}</p>`;
  assert.equal(page.text, '<p title="&quot;&#39;&lt;">a&lt;b<i>1&amp;</p>');
});

const HIDDEN: [text: string, shown: string][] = [
  ["a\tb\nc", "a\tb\nc"],
  ["\x1b[31m\0\r", "\u241b[31m\u2400\u240d"],
  ["\x7f\x85", "\u2421\\u{85}"],
  ["abc\u202edcba\u2066", "abc\\u{202e}dcba\\u{2066}"],
  ["\ud800", "\\u{d800}"],
  ["é😀", "é😀"],
];

for (const [text, shown] of HIDDEN) {
  Deno.test(`escapeHtml() shows ${JSON.stringify(text)}`, () => {
    assert.equal(escapeHtml(text), shown);
  });
}

const TIMES: [seconds: number, text: string][] = [
  [0, "0 s"],
  [0.00512, "5.12 ms"],
  [0.9999, "1.00 s"],
  [12.345, "12.3 s"],
  [-0.096, "-96.0 ms"],
  [119, "119 s"],
  [600, "10.0 min"],
  [86400, "24.0 h"],
  [7.2e6, "2,000 h"],
];

for (const [seconds, text] of TIMES) {
  Deno.test(`formatSeconds() writes ${seconds} as ${text}`, () => {
    assert.equal(formatSeconds(seconds), text);
  });
}

Deno.test("formatSize() changes unit where three figures would become four", () => {
  assert.deepEqual(
    [0, 999, 1000, 999_499, 999_500, 4_545_380_352].map(formatSize),
    ["0 B", "999 B", "1.00 kB", "999 kB", "1.00 MB", "4.55 GB"],
  );
});

Deno.test("formatShare() never hides the last one", () => {
  assert.deepEqual(
    [[0, 0], [0, 5], [1, 1_000_000], [999_999, 1_000_000], [5, 5], [1, 3]]
      .map(([n, total]) => formatShare(n, total)),
    ["0 %", "0 %", "< 0.1 %", "> 99.9 %", "100 %", "33.3 %"],
  );
});
