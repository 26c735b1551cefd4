/** The scripts of `schema/batch.md`, as users copy them. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { PROJECT } from "../support/fixtures.ts";

/**
 * The code block under a heading of the document.
 *
 * @param name What the heading says: the name of the file.
 */
export function snippet(name: string): string {
  const text = Deno.readTextFileSync(join(PROJECT, "schema", "batch.md"));
  const heading = `\n### \`${name}\`\n`;
  const start = text.indexOf(heading);
  assert.ok(start >= 0, `batch.md has no ${name}`);
  const match = /\n```\w+\n(.*?)\n```\n/s.exec(text.slice(start));
  return `${match?.[1] ?? assert.fail(`${name} has no code`)}\n`;
}

/** Writes scripts into a directory. */
export function writeSnippets(directory: string, ...names: string[]): void {
  for (const name of names) Deno.writeTextFileSync(join(directory, name), snippet(name));
}

/** Settings and number of jobs of an HTCondor submit file. */
export interface SubmitFile {
  settings: Map<string, string>;
  nJobs: number;
}

/** Reads the part of HTCondor's language that the document uses. */
export function readSubmitFile(text: string, env: Record<string, string>): SubmitFile {
  const settings = new Map<string, string>();
  const expand = (value: string) =>
    value.replaceAll(/\$ENV\((\w+)\)/g, (_, name) => env[name] ?? assert.fail(`no ${name}`));
  for (const line of text.split("\n")) {
    const queue = /^queue(?: (.+))?$/.exec(line);
    if (queue !== null) {
      return { settings, nJobs: queue[1] === undefined ? 1 : Number(expand(queue[1])) };
    }
    const [, name, value] = /^(\w+) = (.+)$/.exec(line) ?? assert.fail(line);
    settings.set(name, expand(value));
  }
  return assert.fail("it queues nothing");
}

/** The command of one job of a submit file: blanks part its arguments, which have no quotes. */
export function commandOf({ settings }: SubmitFile, process: number): string[] {
  const [, words] = /^"([^"']*)"$/.exec(settings.get("arguments")!) ?? assert.fail("no arguments");
  const expanded = words.replaceAll(
    /\$\((\w+)\)/g,
    (_, name) => name === "Process" ? String(process) : settings.get(name) ?? assert.fail(name),
  );
  return [settings.get("executable")!, ...expanded.split(" ")];
}
