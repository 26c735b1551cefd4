/**
 * Log of an attempt, record by record.
 *
 * @module
 */

import { useMemo } from "preact/hooks";
import { forEachLogRecord } from "../../../sources/logs/log_text.ts";
import { parseSelector } from "../../../sources/selector.ts";
import { Lines, type TextLine } from "./long_text.ts";
import { Problem, Waiting } from "../parts.ts";
import { linkWith, type Route } from "../model/route.ts";
import type { Run } from "../model/run.ts";
import { useAnswer } from "../use_answer.ts";
import { html, type VNode } from "../view.ts";

/** Levels of Python's `logging`. */
const LEVELS: readonly [name: string, least: number][] = [
  ["all", 0],
  ["INFO", 20],
  ["WARNING", 30],
  ["ERROR", 40],
];

/** A record as a line, with its level. */
interface Record extends TextLine {
  levelno: number;
}

/** Records; a text says why there are none. */
async function readLog(run: Run, id: string, attempt: number): Promise<Record[] | string> {
  const documents = await run.documents.attempts("log", parseSelector([id])!);
  const range = documents.attempts[attempt] ?? null;
  if (range === null) return `No log: ${await documents.reason(attempt)}.`;
  const records: Record[] = [];
  forEachLogRecord(documents.text.subarray(...range), ({ line, levelno }) => {
    records.push({ text: line, levelno, mark: markOf(levelno) });
  });
  return records;
}

function markOf(levelno: number): string {
  return levelno >= 40 ? "error" : levelno >= 30 ? "warning" : levelno < 20 ? "debug" : "";
}

/** The records of an attempt, those of a level at least. */
export function Log(
  { run, id, attempt, route }: { run: Run; id: string; attempt: number; route: Route },
): VNode {
  const answer = useAnswer(() => readLog(run, id, attempt), [run, id, attempt]);
  const least = LEVELS.find(([name]) => name === route.query.level)?.[1] ?? 0;
  const records = answer.state === "there" && typeof answer.value !== "string"
    ? answer.value
    : null;
  const lines = useMemo(
    () => records?.filter(({ levelno }) => least === 0 || levelno >= least) ?? [],
    [records, least],
  );
  if (answer.state === "waiting") return html`<${Waiting} what="the log" />`;
  if (answer.state === "there" && typeof answer.value === "string") {
    return html`<p class="soft">${answer.value}</p>`;
  }
  if (answer.state === "failed") return html`<${Problem} error=${answer.error} />`;
  const choose = (event: Event) => {
    const level = (event.target as HTMLSelectElement).value;
    location.hash = linkWith(route, { level: level === "all" ? null : level });
  };
  return html`
    <${Lines} lines=${lines} name="log" route=${route}>
      <label>Level
        <select onChange=${choose}>
          ${LEVELS.map(([name, level]) =>
            html`<option value=${name} selected=${level === least}>${name}${
              level > 0 ? " and above" : ""
            }</option>`
          )}
        </select>
      </label>
      <//>
  `;
}
