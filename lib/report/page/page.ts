/**
 * The report as one page that needs nothing else: no network, no other file. A content security policy
 * in the page itself makes browsers refuse everything but its own style and script, known by their hashes.
 *
 * Every figure stands in a table that has the numbers it shows.
 *
 * @module
 */

import { encodeUtf8 } from "../../base/json_text.ts";
import { cappedTexts, formatInstant } from "../format.ts";
import { aboutRun, summaryTiles } from "./summary.ts";
import { exceptionsSection, extremesSection, failedSection } from "./lists.ts";
import { distributionSection, statusSection, timelineSection } from "./tasks.ts";
import { Markup, markup } from "./markup.ts";
import type { RunReport } from "../model.ts";
import { REPORT_SCRIPT, REPORT_STYLE } from "./style.ts";

/** Makes the page: HTML 5, UTF-8. */
export async function reportHtml(report: RunReport): Promise<string> {
  const policy = [
    "default-src 'none'",
    `style-src '${await contentHash(REPORT_STYLE)}'`,
    `script-src '${await contentHash(REPORT_SCRIPT)}'`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const sections = [
    statusSection(report),
    exceptionsSection(report),
    timelineSection(report),
    distributionSection(report, "time"),
    distributionSection(report, "size"),
    extremesSection(report, "time"),
    extremesSection(report, "size"),
    failedSection(report),
  ].filter((section) => section !== null);
  const links = sections.map(({ id, title }) => markup`<li><a href="#${id}">${title}</a></li>`);
  const page = markup`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Markup(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="${report.tool}">
<title>${report.output_run}: run report</title>
<link rel="icon" href="data:,">
<style>${new Markup(REPORT_STYLE)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the report</a>
<header>
<p class="kind">Run report</p>
<h1>${report.output_run}</h1>
${aboutRun(report)}
</header>
<nav aria-label="Sections"><ul>${links}</ul></nav>
<main id="main">
${summaryTiles(report)}
${capped(report)}
${
    sections.map(({ id, title, body }) =>
      markup`<section aria-labelledby="${id}">
<h2 id="${id}">${title}</h2>
${body}
</section>
`
    )
  }</main>
<footer>Made by ${report.tool} at ${
    formatInstant(report.made)
  } UTC from ${report.source}. Times are UTC, 1 MB is
1,000,000 bytes.</footer>
<script>${new Markup(REPORT_SCRIPT)}</script>
</body>
</html>
`;
  return page.text;
}

/** Hash of an inline style or script as policies name it. Source: Content Security Policy Level 3. */
async function contentHash(text: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", encodeUtf8(text)));
  return `sha256-${btoa(String.fromCharCode(...digest))}`;
}

function capped(report: RunReport): Markup {
  const texts = cappedTexts(report);
  if (texts.length === 0) return new Markup("");
  return markup`<aside class="capped" aria-label="What was left out">${
    texts.map((text) => markup`<p>${text}</p>`)
  }</aside>`;
}
