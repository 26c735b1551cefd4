/** `ls` without the parser of options: see `plain_command.ts`. @module */

import type { Log } from "../../base/log.ts";
import type { DocumentSource } from "../../sources/source.ts";
import type { CliContext } from "../context.ts";
import type { ListKind } from "../summaries/list_output.ts";
import { checkListWords, type ListWords, printList } from "../summaries/list_rows.ts";
import { makeStyle } from "../terminal/color.ts";
import { gather, LIST_KINDS } from "../values.ts";
import type { PlainWords } from "./plain_words.ts";

/** What is listed and how. */
interface ListRequest {
  kind: ListKind;
  options: ListWords;
}

/** What the words ask for; null if that isn't clear. */
export function listRequest({ words, value, has }: PlainWords): ListRequest | null {
  const kind = LIST_KINDS.find((known) => known === words[1]);
  const limit = value("--limit");
  if (kind === undefined || words.length !== 2 || !/^\d{1,9}$/.test(limit ?? "0")) return null;
  const list = (option: string) => {
    const text = value(option);
    return text === undefined ? undefined : gather(text, undefined);
  };
  const options = {
    task: list("--task") ?? [],
    type: list("--type") ?? [],
    status: list("--status") ?? [],
    exception: value("--exception"),
    where: value("--where"),
    fields: list("--fields"),
    sort: list("--sort"),
    count: has("--count"),
    json: has("--json"),
    limit: limit === undefined ? undefined : Number(limit),
  };
  return { kind, options };
}

/** Lists what is asked for. */
export async function printListed(
  open: () => Promise<DocumentSource>,
  { kind, options }: ListRequest,
  context: CliContext & { log: Log },
): Promise<void> {
  await checkListWords(kind, options);
  await using source = await open();
  await printList(source, kind, options, {
    ...context,
    style: makeStyle(false),
    isPagerWanted: false,
  });
}
