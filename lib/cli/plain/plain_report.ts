/** `report` without options: see `plain_command.ts`. @module */

import { TOOL_NAME, TOOL_VERSION } from "../../base/version.ts";
import { collectReport } from "../../report/collect.ts";
import { DEFAULT_REPORT_LIMITS } from "../../report/collector.ts";
import type { DocumentSource } from "../../sources/source.ts";
import type { CliContext } from "../context.ts";
import { reportText } from "../summaries/report_text.ts";
import { makeStyle, shown } from "../terminal/color.ts";
import { Logger } from "../terminal/logger.ts";
import { ProgressReporter, STATUS_SECONDS } from "../terminal/progress.ts";

/** Prints the main numbers of a run. */
export async function printReport(
  argument: string,
  open: () => Promise<DocumentSource>,
  context: CliContext,
): Promise<void> {
  await using source = await open();
  const report = await collectReport(source, {
    argument,
    limits: DEFAULT_REPORT_LIMITS,
    tool: `${TOOL_NAME} ${TOOL_VERSION}`,
    now: context.now(),
    progress: statusLines(context),
  });
  const style = makeStyle(false);
  context.terminal.write(shown(reportText(report, style), style));
}

/** What commands tell meanwhile where nobody asks for another form of it. */
function statusLines({ terminal, append, now, processId, every, rssBytes }: CliContext) {
  const logger = new Logger(
    { isLong: false, isOnTerminal: true, files: [], levels: [], labels: {} },
    { writeError: (text) => terminal.writeError(text), append, now, processId },
  );
  const log = logger.get(`${TOOL_NAME}.report`);
  const intervalMs = STATUS_SECONDS * 1000;
  return new ProgressReporter({
    log,
    bars: null,
    hasLines: true,
    intervalMs,
    now,
    every,
    rssBytes,
  });
}
