/**
 * Tells the words and the usual options of a command line apart. What is the least out of the ordinary is left to
 * the package that parses options.
 *
 * @module
 */

/** Options of a command: those with a value, and flags. */
interface PlainOptions {
  values: readonly string[];
  flags: readonly string[];
}

/** Commands that scripts run one after the other, with the options that they use. */
const PLAIN_COMMANDS = {
  cat: {
    values: ["--run", "--attempt", "--format", "--level", "--tail"],
    flags: ["--all-attempts", "--json", "--raw"],
  },
  info: { values: ["--run"], flags: ["--count", "--json"] },
  ls: {
    values: [
      "--run",
      "--task",
      "--type",
      "--status",
      "--exception",
      "--where",
      "--fields",
      "--sort",
      "--limit",
    ],
    flags: ["--count", "--json"],
  },
  report: { values: ["--run"], flags: [] },
  why: { values: ["--run"], flags: [] },
} as const satisfies Record<string, PlainOptions>;

/** Name of such a command. */
type PlainCommand = keyof typeof PLAIN_COMMANDS;

/** A command line in its parts. */
export interface PlainWords {
  command: PlainCommand;
  /** Arguments in their order. */
  words: readonly string[];
  /** Value of an option; undefined if it isn't given. */
  value(option: string): string | undefined;
  /** Whether a flag is given. */
  has(flag: string): boolean;
  /** How many options and flags are given. */
  nOptions: number;
}

/**
 * The parts of a command line that begins with the name of the command; null if it has an option that isn't
 * listed above, or one twice, or with a value that may be an option.
 */
export function plainWords(args: readonly string[]): PlainWords | null {
  const [command, ...rest] = args;
  if (command === undefined || !isPlainCommand(command)) return null;
  const known: PlainOptions = PLAIN_COMMANDS[command];
  const words: string[] = [];
  const given = new Map<string, string>();
  for (let i = 0; i < rest.length; i++) {
    const word = rest[i];
    if (!word.startsWith("-")) {
      words.push(word);
    } else if (known.flags.includes(word)) {
      given.set(word, "");
    } else {
      const value = rest[++i] ?? "";
      if (!known.values.includes(word) || given.has(word) || !isPlainValue(value)) return null;
      given.set(word, value);
    }
  }
  return {
    command,
    words,
    value: (option) => given.get(option),
    has: (flag) => given.has(flag),
    nOptions: given.size,
  };
}

function isPlainCommand(word: string): word is PlainCommand {
  return Object.hasOwn(PLAIN_COMMANDS, word);
}

/** Whether nobody could take a value for an option; negative numbers are none. */
function isPlainValue(value: string): boolean {
  return value !== "" && (!value.startsWith("-") || /^-\d/.test(value));
}
