/** `check-storage PLACE`. @module */

import { Command } from "commander";
import { NotFoundError } from "../../../base/errors.ts";
import { visibleCell } from "../../../base/text/visible_text.ts";
import { localPath, uriScheme } from "../../../butler/config/local_path.ts";
import { isRemoteUri } from "../../../storage/remote/storage_url.ts";
import type { StoreAbilities, StoreStep } from "../../../storage/remote/store_check.ts";
import type { CliContext, CommandContext } from "../../context.ts";
import { ExitCode } from "../../exit_codes.ts";
import { CHECK_STORAGE_EPILOGUE } from "../../manual/help.ts";
import { shown, type Style } from "../../terminal/color.ts";
import { jsonLine } from "../../terminal/ndjson.ts";
import { seemsThere } from "../../../storage/path_kind.ts";

/** Options as commander gives them. */
interface Options {
  write: boolean;
  json: boolean;
}

/** A place that is checked. */
interface Place {
  /** Path, or URI. */
  text: string;
  /** What it is, for people. */
  title: string;
}

/** Defines the command. */
export function checkStorageCommand(
  _cli: CliContext,
  start: (name: string, aliases?: string[]) => CommandContext,
  setExitCode: (code: number) => void,
): Command {
  return new Command("check-storage")
    .description(
      "Try what commands need of PLACE, step by step: reach it, list it, write a small file of a random " +
        "name, read a range of it, and delete it. Each line is ok, or says what to mend.",
    )
    .argument("<place>", "s3:, dav:, davs: URI, directory, or butler repository: its datastores")
    .option("--no-write", "write and delete nothing")
    .option("--json", "print JSON lines", false)
    .addHelpText("after", CHECK_STORAGE_EPILOGUE)
    .action(async (argument: string, options: Options) => {
      const context = start("check-storage");
      context.stopGracefully();
      const places = await placesOf(argument, context);
      let nToMend = 0;
      for (const place of places) nToMend += await checkPlace(place, options, context);
      if (options.json) {
        context.terminal.write(
          jsonLine("summary", { places: places.map(({ text }) => text), n_to_mend: nToMend }),
        );
      }
      setExitCode(nToMend > 0 ? ExitCode.INCOMPLETE : ExitCode.DONE);
    });
}

/**
 * The places that an argument names.
 *
 * @throws {NotFoundError} if it is neither a place nor a repository.
 */
async function placesOf(argument: string, { env, cwd }: CommandContext): Promise<Place[]> {
  const isConfig = /\.(?:ya?ml|json)$/i.test(argument);
  const path = localPathOf(argument, env, cwd);
  if (!isConfig) {
    const isRepository = isRemoteUri(argument)
      ? await hasConfiguration(argument, env)
      : path !== null && seemsThere(`${path}/butler.yaml`);
    const isPlace = isRemoteUri(argument) || (path !== null && seemsThere(path)) ||
      uriScheme(argument) !== null;
    if (!isRepository && isPlace) return [{ text: path ?? argument, title: argument }];
  }
  const { openRepositoryConfig } = await import(
    import.meta.resolve("../../../butler/config/open_repo_config.ts")
  ) as typeof import("../../../butler/config/open_repo_config.ts");
  try {
    const { datastores } = await openRepositoryConfig(argument, env);
    const roots = [...new Set(datastores.map(({ root }) => root))];
    return roots.map((root) => ({ text: root, title: `datastore of "${argument}": ${root}` }));
  } catch (error) {
    if (!(error instanceof NotFoundError) || isConfig) throw error;
    throw new NotFoundError(
      `Cannot check "${argument}": it is no directory; as a repository: ${error.message}`,
      { cause: error, hint: "give an s3:, dav: or davs: URI, a directory or a repository" },
    );
  }
}

/** Null for URIs of other schemes. */
function localPathOf(argument: string, env: CommandContext["env"], cwd: string): string | null {
  const scheme = uriScheme(argument);
  return scheme === null || scheme === "file" ? localPath(argument, env, cwd, "place") : null;
}

/** Whether a place has the configuration of a repository; if it can't be told, its check says why. */
async function hasConfiguration(uri: string, env: CommandContext["env"]): Promise<boolean> {
  const { openStorage } = await import(
    import.meta.resolve("../../../storage/remote/open_storage.ts")
  ) as typeof import("../../../storage/remote/open_storage.ts");
  try {
    using storage = await openStorage(uri, { env });
    return await storage.stat("butler.yaml") !== null;
  } catch {
    return false;
  }
}

/** @returns how many steps have to be mended. */
async function checkPlace(
  { text, title }: Place,
  { write, json }: Options,
  { env, signal, terminal, style }: CommandContext,
): Promise<number> {
  const { StoreCheck } = await import(
    import.meta.resolve("../../../storage/remote/store_check.ts")
  ) as typeof import("../../../storage/remote/store_check.ts");
  const { StorageUrl } = await import(
    import.meta.resolve("../../../storage/remote/storage_url.ts")
  ) as typeof import("../../../storage/remote/storage_url.ts");
  const url = StorageUrl.parse(text);
  const check = new StoreCheck(url, { env, signal }, { mayWrite: write });
  let nToMend = 0;
  if (!json) terminal.write(shown(`${style.bold(visibleCell(title))}\n`, style));
  for await (const step of check.run()) {
    if (step.state === "mend") nToMend++;
    terminal.write(json ? stepJson(url.text, step) : shown(stepText(step, style), style));
  }
  if (json) terminal.write(abilitiesJson(url.text, check.abilities));
  else terminal.write(`${nToMend === 0 ? "nothing" : nToMend} to mend\n`);
  return nToMend;
}

const WIDTH = "conditional-write".length;

function stepText({ name, state, detail, hint }: StoreStep, style: Style): string {
  const marks = { ok: style.green, note: style.yellow, mend: style.red, skipped: style.dim };
  const line = `${marks[state](state.padEnd(7))}  ${name.padEnd(WIDTH)}  ${visibleCell(detail)}\n`;
  return hint === null ? line : `${line}${" ".repeat(11 + WIDTH)}hint: ${visibleCell(hint)}\n`;
}

/** As `schema/commands/check-storage.md` says. */
function stepJson(place: string, { name, state, detail, hint, seconds }: StoreStep): string {
  return jsonLine("step", { place, name, state, detail, hint, seconds });
}

function abilitiesJson(place: string, abilities: StoreAbilities): string {
  return jsonLine("capabilities", {
    place,
    local: abilities.isLocal,
    directories: abilities.hasDirectories,
    lists_by_prefix: abilities.listsByPrefix,
    reads_ranges: abilities.readsRanges,
    writes_conditionally: abilities.writesConditionally,
    bulk_delete: abilities.bulkDelete,
    clock_offset_seconds: abilities.clockOffsetSeconds,
  });
}
