/** Help, completion and the manual page: complete, in agreement, and tried in the shells that are here. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { COMMANDS as COMMAND_TABLE } from "../../lib/cli/command_table.ts";
import {
  expectProvgraph,
  fixturePath,
  PROJECT,
  provgraphCommand,
  temporaryDirectory,
} from "../support/fixtures.ts";
import { runHere, shellWords } from "./check_support.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;

/** Names of the commands, from the help of the program. */
const COMMANDS = [
  ...(await runHere(["help"])).stdout.split("\nCommands:\n")[1].split("\n\n")[0].matchAll(
    /^ {2}([a-z][\w-]*)/gm,
  ),
].map(([, name]) => name).filter((name) => name !== "help");

async function helpOf(command: string): Promise<string> {
  const { code, stdout } = await runHere(["help", command]);
  assert.equal(code, 0, command);
  return stdout;
}

/** Options that a help text lists, `-o` and `--output`. */
function optionsIn(help: string): string[] {
  return [...help.matchAll(/^ {2}(?:(-\S), )?(--[a-z][\w-]*)/gm)]
    .flatMap(([, short, long]) => short === undefined ? [long] : [short, long]);
}

for (const { name, summary } of COMMAND_TABLE) {
  Deno.test(`the list of commands tells of ${name} what its own help tells`, async () => {
    const list = (await runHere(["--help"])).stdout.replace(/\s+/g, " ");
    const usage = /^Usage: provgraph (.*)$/m.exec(await helpOf(name))?.[1];
    assert.ok(list.includes(` ${usage} ${summary} `), `${usage} ${summary}`);
  });
}

Deno.test("the help of every command has its exit codes, and examples that it takes itself", async () => {
  assert.ok(COMMANDS.length >= 8, COMMANDS.join(" "));
  let nExamples = 0;
  for (const command of COMMANDS) {
    const help = await helpOf(command);
    assert.match(help, /^Exit codes:/m, command);
    const examples = help.split("\nExamples:\n")[1]?.split("\n\n")[0];
    assert.ok(examples !== undefined, `${command} has no examples`);
    assert.doesNotMatch(help, /undefined|\[object/);
    for (const [line] of examples.replaceAll("\\\n", " ").matchAll(/provgraph [^|>)\n]+/g)) {
      const args = shellWords(line).slice(1);
      // Nothing may be carried out: the command line alone is looked at.
      if (args.length < 2) continue;
      const { stderr } = await runHere([...args, "--no-such-option"]);
      assert.match(stderr, /unknown option '--no-such-option'/, `${command}: ${line}`);
      nExamples++;
    }
  }
  assert.ok(nExamples > COMMANDS.length, String(nExamples));
});

for (
  const [rows, args, isPaged] of [
    [24, ["help", "ls"], true],
    [24, ["ls", "--help"], true],
    [24, ["--help"], true],
    [24, ["ls", "--help", "--no-pager"], false],
    [500, ["help", "ls"], false],
  ] as const
) {
  Deno.test(`${args.join(" ")} on a terminal of ${rows} lines is ${isPaged ? "paged" : "printed"}`, async () => {
    let printed = "";
    let paged = "";
    const { code } = await runHere(args, {
      terminal: {
        write: (part) => void (printed += part),
        writeError: () => {},
        isTerminal: true,
        isErrorTerminal: true,
        size: () => ({ columns: 100, rows }),
      },
      openPager: () => ({
        write: (text) => Promise.resolve(void (paged += text)),
        end: () => Promise.resolve(),
      }),
    });
    assert.equal(code, 0);
    const { stdout } = await runHere(args);
    assert.deepEqual([printed, paged], isPaged ? ["", stdout] : [stdout, ""]);
  });
}

Deno.test("every command prints JSON on demand, but those that print scripts and files, or a link", async () => {
  for (const command of COMMANDS) {
    const isForOthers = ["completion", "man", "explore", "export"].includes(command);
    assert.equal(optionsIn(await helpOf(command)).includes("--json"), !isForOthers, command);
  }
});

Deno.test("completions and the manual page name every command and option", async () => {
  const global = optionsIn((await runHere(["--help"])).stdout);
  for (const shell of SHELLS) {
    const script = (await runHere(["completion", shell])).stdout;
    for (const command of COMMANDS) {
      assert.match(script, new RegExp(`(?<![\\w-])${command}(?![\\w-])`), `${shell}: ${command}`);
      for (const option of [...optionsIn(await helpOf(command)), ...global]) {
        const word = shell !== "fish"
          ? option
          : option.startsWith("--")
          ? `-l ${option.slice(2)}`
          : `-s ${option === "-@" ? "'@'" : option.slice(1)}`;
        assert.ok(script.includes(word), `${shell}: ${command} ${option}`);
      }
    }
  }
  const page = (await runHere(["man"])).stdout.replaceAll("\\-", "-");
  for (const command of COMMANDS) {
    assert.ok(page.includes(`.SS "provgraph ${command} `), command);
    for (const option of optionsIn(await helpOf(command))) {
      assert.ok(page.includes(`\\fB${option}\\fR`), `${command} ${option}`);
    }
  }
  for (const heading of ["EXIT CODES", "ENVIRONMENT", "EXAMPLES"]) {
    assert.ok(page.includes(`\n.SH ${heading}\n`), heading);
  }
});

/** Runs a program; null if it isn't installed. */
async function tryRun(
  program: string,
  args: string[],
  cwd: string,
): Promise<{ code: number; text: string } | null> {
  try {
    const { code, stdout, stderr } = await new Deno.Command(program, { args, cwd }).output();
    const decoder = new TextDecoder();
    return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** The tool as a shell starts it. */
function shellCommand(): string {
  const [command, args] = provgraphCommand();
  return [command, ...args].map((word) => `'${word}'`).join(" ");
}

/** Matches of a line's last word, as the shell itself finds them. */
const COMPLETERS: Record<
  typeof SHELLS[number],
  (script: string, line: string, cwd: string) => Promise<string[] | null>
> = {
  bash: async (script, line, cwd) => {
    const program = 'source "$1"; shift; COMP_LINE=$1; shift; COMP_POINT=${#COMP_LINE}; ' +
      'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); provgraph() { ' + shellCommand() +
      ' "$@"; }; _provgraph; ' +
      'printf "%s\\n" "${COMPREPLY[@]}"';
    // Bash itself takes "--option=value" for three words.
    const words = line.split(" ").flatMap((word) => {
      const match = /^(--[\w-]+)=(.*)$/.exec(word);
      return match === null
        ? [word]
        : match[2] === ""
        ? [match[1], "="]
        : [match[1], "=", match[2]];
    });
    const result = await tryRun("bash", ["-c", program, "bash", script, line, ...words], cwd);
    return result && result.text.trimEnd().split("\n");
  },
  zsh: async (script, line, cwd) => {
    const driver = join(PROJECT, "tests/cli/complete.zsh");
    const result = await tryRun("zsh", ["-f", driver, script, line], cwd);
    if (result === null) return null;
    assert.equal(result.code, 0, result.text);
    return [...result.text.matchAll(/<<([^>]+)>>/g)].map(([, match]) => match)
      .filter((match) => match !== "READY");
  },
  fish: async (script, line, cwd) => {
    const program = 'source $argv[1]; complete -C "$argv[2]"';
    const result = await tryRun("fish", ["--no-config", "-c", program, script, line], cwd);
    return result &&
      result.text.trimEnd().split("\n").map((match) => match.split("\t")[0].replace(/^--\w+=/, ""));
  },
};

Deno.test("the shells that are installed complete commands, options, choices and files", async () => {
  await using work = await temporaryDirectory();
  Deno.writeTextFileSync(work.join("some file.qg"), "");
  Deno.writeTextFileSync(work.join("heap.txt"), "");
  const cases: [line: string, some: string[], none: string[]][] = [
    ["provgraph agg", ["aggregate-graph"], ["cat"]],
    ["provgraph -v --log-level INFO ingest", ["ingest-graph"], ["aggregate-graph"]],
    ["provgraph aggregate-graph --worker-log-", ["--worker-log-dir", "--worker-log-level"], []],
    ["provgraph aggregate-graph --log-f", ["--log-file"], ["--output"]],
    ["provgraph ingest-graph repo --transfer h", ["hardlink"], ["copy", "heap.txt"]],
    ["provgraph --color ", ["auto", "always", "never"], ["cat"]],
    ["provgraph cat x me", ["metadata"], ["log", "header"]],
    ["provgraph cat --run r -q x pa", ["packages"], ["log"]],
    ["provgraph completion z", ["zsh"], ["bash"]],
    ["provgraph help check-d", ["check-downstream"], ["cat"]],
  ];
  const tried: string[] = [];
  const textOnly: string[] = [];
  for (const shell of SHELLS) {
    const script = work.join(`completion.${shell}`);
    Deno.writeTextFileSync(script, (await runHere(["completion", shell])).stdout);
    const checked = await tryRun(shell, ["-n", script], work.path);
    if (checked === null) {
      textOnly.push(shell);
      continue;
    }
    assert.deepEqual(checked, { code: 0, text: "" }, shell);
    for (const [line, some, none] of cases) {
      const found = await COMPLETERS[shell](script, line, work.path);
      for (const word of some) assert.ok(found!.includes(word), `${shell}: ${line}: ${found}`);
      for (const word of none) assert.ok(!found!.includes(word), `${shell}: ${line}: ${found}`);
    }
    tried.push(shell);
  }
  assert.ok(tried.includes("bash"), "bash is needed for this test");
  const equalSign = await COMPLETERS.bash(
    work.join("completion.bash"),
    "provgraph ingest-graph --transfer=sy",
    work.path,
  );
  assert.deepEqual(equalSign, ["symlink"]);
  const file = await COMPLETERS.bash(
    work.join("completion.bash"),
    "provgraph aggregate-graph som",
    work.path,
  );
  assert.deepEqual(file, ["some file.qg"]);
  // Values that only the tool knows; zsh and fish ask it by the name of the program.
  const graph = fixturePath("small-mixed", "provenance.qg");
  const line = `provgraph cat ${graph} log calibrate visit=3 det`;
  assert.deepEqual(
    await COMPLETERS.bash(work.join("completion.bash"), line, work.path),
    ["detector="],
  );
  console.log(
    `completions tried in ${tried.length} shells (${tried.join(", ")}); ` +
      `not installed, so their text alone was checked: ${textOnly.join(", ") || "none"}`,
  );
});

Deno.test("the manual page is sound for the programs that are installed", async () => {
  await using work = await temporaryDirectory();
  const page = work.join("provgraph.1");
  Deno.writeTextFileSync(page, (await expectProvgraph(["man"])).stdout);
  const tried: string[] = [];
  const lint = await tryRun("mandoc", ["-T", "lint", "-W", "error", page], work.path);
  if (lint !== null) {
    assert.equal(lint.text, "");
    tried.push("mandoc");
  }
  const shown = await tryRun("man", ["-l", page], work.path);
  if (shown !== null && shown.code === 0) {
    // deno-lint-ignore no-control-regex -- overstruck letters are what is removed
    const text = shown.text.replaceAll(/.\x08/g, "");
    assert.match(text, /^ +provgraph aggregate-graph \[options\] <predicted-graph> <repo>$/m);
    assert.match(text, /-o, --output path/);
    assert.match(text, /provgraph ingest-graph \/repo\/main provenance\.qg/);
    tried.push("man");
  }
  for (const line of Deno.readTextFileSync(page).split("\n")) {
    // A line that begins with a dot is a request, and these are all that are used.
    assert.match(line, /^(?![.'])|^\.(TH|SH|SS|TP|PP|nf|fi|B|I)( |$)/);
  }
  console.log(`manual page tried with ${tried.length} programs: ${tried.join(", ") || "none"}`);
});

Deno.test("completion without a shell, or with an unknown one, is refused", async () => {
  const { code, stderr } = await runHere(["completion", "tcsh"]);
  assert.equal(code, 2);
  assert.match(stderr, /Allowed choices are bash, zsh, fish/);
  assert.equal((await runHere(["completion"])).code, 2);
});
