/** `why` without options: see `plain_command.ts`. @module */

import { why } from "../../inspect/why/why.ts";
import { parseSelector } from "../../sources/selector.ts";
import type { DocumentSource } from "../../sources/source.ts";
import { DEFAULT_WHY_LIMIT, whySourceWords } from "../summaries/why_words.ts";
import { whyScreen } from "../summaries/why_screen.ts";
import { makeStyle, shown } from "../terminal/color.ts";

/** Explains what the words name. */
export async function printWhy(
  request: { source: string; idWords: readonly string[]; run: string | null },
  open: () => Promise<DocumentSource>,
  write: (text: string) => void,
): Promise<void> {
  const selector = parseSelector(request.idWords)!;
  await using source = await open();
  const style = makeStyle(false);
  const words = whySourceWords(request.source, request.run);
  const answer = await why(source, selector, DEFAULT_WHY_LIMIT);
  write(shown(whyScreen(answer, style, words), style));
}
