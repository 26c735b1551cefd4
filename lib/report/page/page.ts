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
import { baselineSection, versionsSection } from "./compare.ts";
import { extremesSection } from "./extremes.ts";
import { failedSection } from "./failed.ts";
import { causesSection } from "./failures.ts";
import { heatSections } from "./heat.ts";
import { rerunSection } from "./rerun.ts";
import { REPORT_SCRIPT } from "./script.ts";
import { distributionSection, statusSection, timelineSection } from "./tasks.ts";
import { Markup, markup } from "./markup.ts";
import type { RunReport } from "../model.ts";
import { REPORT_STYLE } from "./style.ts";

/** Bytes that a page may have: mail and tickets take no more. */
const MAX_PAGE = 10_000_000;

/**
 * Makes the page: HTML 5, UTF-8.
 *
 * @param maxSize Bytes that it may have. Failed quanta that find no room are left out, which it says.
 */
export async function reportHtml(report: RunReport, maxSize = MAX_PAGE): Promise<string> {
  const size = encodeUtf8(await pageText(report, 0)).length;
  return await pageText(report, Math.max(0, maxSize - size - MARGIN));
}

/** Bytes for the rows that are there without script. */
const MARGIN = 400_000;

async function pageText(report: RunReport, maxFailedSize: number): Promise<string> {
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
    causesSection(report),
    ...heatSections(report),
    failedSection(report, maxFailedSize),
    rerunSection(report),
    baselineSection(report),
    timelineSection(report),
    distributionSection(report, "time"),
    distributionSection(report, "size"),
    extremesSection(report, "time"),
    extremesSection(report, "size"),
    versionsSection(report),
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
${remarks(report)}
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

/** What a reader should know, and what was left out. */
function remarks(report: RunReport): Markup[] {
  const blocks: [string, string[]][] = [
    ["Warnings", report.warnings.map((text) => `${text}.`)],
    ["What was left out", cappedTexts(report)],
  ];
  return blocks.filter(([, texts]) => texts.length > 0).map(([name, texts]) =>
    markup`<aside class="capped" aria-label="${name}">${
      texts.map((text) => markup`<p>${text}</p>`)
    }</aside>
`
  );
}
