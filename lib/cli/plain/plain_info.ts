/** `info` without the parser of options: see `plain_command.ts`. @module */

import type { DocumentSource } from "../../sources/source.ts";
import { infoJson, infoText } from "../summaries/info_text.ts";
import { makeStyle, shown } from "../terminal/color.ts";
import { jsonLine } from "../terminal/ndjson.ts";

/** Says what a source is. */
export async function printInfo(
  open: () => Promise<DocumentSource>,
  { isCounting, isJson }: { isCounting: boolean; isJson: boolean },
  write: (text: string) => void,
): Promise<void> {
  await using source = await open();
  const info = await source.info(isCounting);
  const style = makeStyle(false);
  write(isJson ? jsonLine("info", infoJson(info)) : shown(infoText(info, style), style));
}
