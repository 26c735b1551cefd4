/**
 * Completion for bash, zsh and fish. The scripts know all commands, options and choices; for values that are
 * in a source, as task labels, RUNs and IDs, they ask the hidden command `__complete`
 * (`complete_values.ts`).
 *
 * @module
 */

import { hasValues } from "./value_kinds.ts";
import type { ArgumentShape, CommandShape, OptionShape, ProgramShape } from "./command_shape.ts";

/** Shells that {@linkcode completionScript} knows. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

/** One of {@linkcode SHELLS}. */
export type Shell = typeof SHELLS[number];

/** The script of a shell. */
export function completionScript(shell: Shell, program: ProgramShape): string {
  switch (shell) {
    case "bash":
      return bashScript(program);
    case "zsh":
      return zshScript(program);
    case "fish":
      return fishScript(program);
  }
}

/** A word for any of the shells. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function flagsOf({ short, long }: OptionShape): string[] {
  return short === null ? [long] : [short, long];
}

/** `''` or the choices of an argument, by its position. */
function positionCases(command: CommandShape): [position: string, choices: string][] {
  return command.arguments.flatMap(({ choices, isVariadic }, i) =>
    choices.length === 0 ? [] : [[isVariadic ? `${i}*` : String(i), choices.join(" ")]]
  );
}

function words(options: readonly OptionShape[]): string {
  return options.flatMap(flagsOf).join(" ");
}

function withValue(options: readonly OptionShape[]): string {
  return words(options.filter(({ value }) => value !== null));
}

/** Patterns of bash with what is offered where they fit. */
function bashCases({ globalOptions, commands }: ProgramShape) {
  const choiceCases: string[] = [];
  const addChoices = (command: string, options: readonly OptionShape[]) => {
    for (const option of options) {
      const pattern = flagsOf(option).map((flag) => `${command}:${flag}`).join("|");
      if (hasValues(option.long)) choiceCases.push(`    ${pattern}) ask=1 ;;`);
      if (option.choices.length === 0) continue;
      choiceCases.push(`    ${pattern}) words=${quoted(option.choices.join(" "))} ;;`);
    }
  };
  addChoices("*", globalOptions);
  for (const command of commands) addChoices(command.name, command.options);
  const commandCases = commands.map((command) =>
    `    ${command.name}) options=${quoted(words(command.options))} ` +
    `valued=${quoted(withValue(command.options))} ;;`
  );
  const argumentCases = commands.flatMap((command) => [
    ...positionCases(command).map(([position, choices]) =>
      `    ${command.name}:${position}) words=${quoted(choices)} ;;`
    ),
    ...command.arguments.flatMap(({ name, isVariadic }, i) =>
      hasValues(name)
        ? [`    ${command.name}:${isVariadic ? `[${i}-9]|[1-9][0-9]` : i}) ask=1 ;;`]
        : []
    ),
  ]);
  return { choiceCases, commandCases, argumentCases };
}

function bashScript(program: ProgramShape): string {
  const { name, globalOptions, commands } = program;
  const { choiceCases, commandCases, argumentCases } = bashCases(program);
  return `# bash completion of ${name} ${program.version}; load it with: source <(${name} completion bash)

_${name}_options() {
  options='' valued=''
  case "$1" in
${commandCases.join("\n")}
  esac
  options="$options ${words(globalOptions)}"
  valued=" $valued ${withValue(globalOptions)} "
}

${bashValues(name)}
_${name}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev='' command='' options valued words='' word i n=0 ask=''
  COMPREPLY=()
  ((COMP_CWORD > 0)) && prev=\${COMP_WORDS[COMP_CWORD - 1]}
  # bash takes "--option=value" for three words.
  if [[ $cur == = ]]; then
    cur=''
  elif [[ $prev == = ]] && ((COMP_CWORD > 1)); then
    prev=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  _${name}_options ''
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $word == = ]]; then
      ((i++))
    elif [[ $word == -* ]]; then
      if [[ $valued == *" $word "* && \${COMP_WORDS[i + 1]} != = ]]; then ((i++)); fi
    elif [[ -z $command ]]; then
      command=$word
      _${name}_options "$command"
    else
      ((n++))
    fi
  done
  case "$command:$prev" in
${choiceCases.join("\n")}
  esac
  if [[ -n $words ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    return
  fi
  if [[ $prev != -* || $valued != *" $prev "* ]]; then
    if [[ $cur == -* ]]; then
      COMPREPLY=($(compgen -W "$options" -- "$cur"))
      return
    fi
    if [[ -z $command ]]; then
      COMPREPLY=($(compgen -W ${quoted(commands.map(({ name }) => name).join(" "))} -- "$cur"))
      return
    fi
    case "$command:$n" in
${argumentCases.join("\n")}
    esac
    if [[ -n $words ]]; then
      COMPREPLY=($(compgen -W "$words" -- "$cur"))
      return
    fi
  fi
  if [[ -n $ask ]]; then
    _${name}_values
    ((\${#COMPREPLY[@]} > 0)) && return
  fi
  compopt -o filenames 2>/dev/null
  local IFS=$'\\n'
  COMPREPLY=($(compgen -f -- "$cur"))
}

complete -F _${name} ${name}
`;
}

/** The function of bash that asks the tool for values. */
function bashValues(name: string): string {
  return `# Values that only the tool knows, of the line in words as they were typed: bash takes them apart at "="
# and ":". Uses and fills the variables of its caller.
_${name}_values() {
  local line=\${COMP_LINE:0:COMP_POINT} value kept
  local -a typed
  read -ra typed <<<"$line"
  [[ $line == *[[:space:]] ]] && typed+=('')
  # Another command may stand in front of this one.
  for ((i = \${#typed[@]} - 1; i >= 0; i--)); do
    [[ \${typed[i]} == "\${COMP_WORDS[0]}" ]] && break
  done
  typed=("\${typed[@]:i + 1}")
  ((i >= 0 && \${#typed[@]} > 0)) || return
  word=\${typed[\${#typed[@]} - 1]}
  [[ $word == --*=* ]] && word=\${word#*=}
  # What bash has left in front of the word that it completes.
  kept=\${word%"$cur"}
  while IFS= read -r value; do
    [[ $value == "$word"* ]] && COMPREPLY+=("\${value#"$kept"}")
  done < <("\${COMP_WORDS[0]}" __complete "\${typed[@]}" 2>/dev/null)
  [[ \${#COMPREPLY[@]} == 1 && \${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
}
`;
}

function zshScript(program: ProgramShape): string {
  const { name, globalOptions, commands } = program;
  const escaped = (text: string) => text.replaceAll(/[\\[\]:]/g, "\\$&");
  const values = (choices: readonly string[], of: string) =>
    choices.length > 0 ? `(${choices.join(" ")})` : hasValues(of) ? `_${name}_values` : "_files";
  const optionSpecs = (options: readonly OptionShape[]) =>
    options.flatMap((option) => {
      const about = `[${escaped(option.description)}]`;
      const action = option.value === null
        ? ""
        : `:${escaped(option.value)}:${values(option.choices, option.long)}`;
      const long = quoted(`*${option.long}${option.value === null ? "" : "="}${about}${action}`);
      if (option.short === null) return [long];
      const plus = option.value === null ? "" : "+";
      return [quoted(`*${option.short}${plus}${about}${action}`), long];
    });
  const argumentSpec = (argument: ArgumentShape, i: number) =>
    quoted(
      `${argument.isVariadic ? "*" : i + 1}:${argument.isRequired ? "" : ":"}` +
        `${escaped(argument.name)}:${values(argument.choices, argument.name)}`,
    );
  const lines = (specs: readonly string[], indent: string) =>
    specs.map((spec) => `${indent}${spec}`).join(" \\\n");
  const cases = commands.map((command) =>
    `      ${command.name})
        _arguments -s -S $global \\
${
      lines(
        [...optionSpecs(command.options), ...command.arguments.map(argumentSpec)],
        "          ",
      )
    }
        ;;`
  );
  const described = commands.map(({ name, summary }) =>
    quoted(`${escaped(name)}:${summary.replaceAll(":", "\\:")}`)
  );
  return `#compdef ${name}
# zsh completion of ${name} ${program.version}; load it with: source <(${name} completion zsh)

${zshValues(name)}
_${name}() {
  local curcontext="$curcontext" state line
  local -a commands global
  commands=(
${described.map((text) => `    ${text}`).join("\n")}
  )
  global=(
${optionSpecs(globalOptions).map((text) => `    ${text}`).join("\n")}
  )
  _arguments -s -S -C $global '1: :->command' '*:: :->argument' && return
  case $state in
  command)
    _describe -t commands command commands
    ;;
  argument)
    curcontext="\${curcontext%:*:*}:${name}-$words[1]:"
    case $words[1] in
${cases.join("\n")}
    esac
    ;;
  esac
}

compdef _${name} ${name}
`;
}

/** The function of zsh that asks the tool for values. */
function zshValues(name: string): string {
  return `# Values that only the tool knows; files where there are none.
_${name}_values() {
  local -a typed found
  typed=(\${(Q)\${(z)LBUFFER}})
  [[ $LBUFFER == *[[:space:]] ]] && typed+=('')
  # Another command may stand in front of this one.
  local -i at=\${typed[(I)*${name}]}
  found=(\${(f)"$(${name} __complete "\${(@)typed[at + 1,-1]}" 2>/dev/null)"})
  if (( $#found )); then
    compadd -S '' -- $found
  else
    _files
  fi
}
`;
}

function fishScript(program: ProgramShape): string {
  const { name, globalOptions, commands } = program;
  const valued = globalOptions.filter(({ value }) => value !== null).flatMap(flagsOf);
  const lines = [
    `# fish completion of ${name} ${program.version}; load it with: ${name} completion fish | source`,
    "",
    `function __${name}_command -d 'Print the command of the line, if it has one'`,
    "    set -l words (commandline -opc)",
    "    set -l skip 0",
    "    for word in $words[2..]",
    "        if test $skip = 1",
    "            set skip 0",
    `        else if contains -- $word ${valued.join(" ")}`,
    "            set skip 1",
    "        else if not string match -q -- '-*' $word",
    "            echo $word",
    "            return 0",
    "        end",
    "    end",
    "    return 1",
    "end",
    "",
    `function __${name}_values -d 'Print values that only the tool knows'`,
    "    set -l words (commandline -opc) (commandline -ct)",
    "    $words[1] __complete $words[2..] 2>/dev/null",
    "end",
    "",
    `function __${name}_runs -d 'Whether the line has a certain command'`,
    `    set -l command (__${name}_command); and test "$command" = $argv[1]`,
    "end",
    "",
  ];
  const option = ({ short, long, value, choices, description }: OptionShape, condition: string) => {
    const words = [`complete -c ${name}`];
    if (condition !== "") words.push(`-n ${quoted(condition)}`);
    if (short !== null) words.push(`-s ${fishWord(short.slice(1))}`);
    words.push(`-l ${long.slice(2)}`);
    if (choices.length > 0) words.push(`-x -a ${fishQuoted(choices.join(" "))}`);
    else if (hasValues(long)) words.push(`-x -a '(__${name}_values)'`);
    else if (value !== null) words.push("-r -F");
    words.push(`-d ${fishQuoted(description)}`);
    lines.push(words.join(" "));
  };
  const atCommand = quoted(`not __${name}_command >/dev/null`);
  for (const command of commands) {
    lines.push(
      `complete -c ${name} -f -n ${atCommand} -a ${command.name} -d ${fishQuoted(command.summary)}`,
    );
  }
  for (const each of globalOptions) option(each, "");
  for (const command of commands) {
    const condition = `__${name}_runs ${command.name}`;
    for (const each of command.options) option(each, condition);
    for (const { name: argument, choices } of command.arguments) {
      if (hasValues(argument)) {
        lines.push(`complete -c ${name} -n ${fishQuoted(condition)} -a '(__${name}_values)'`);
      }
      if (choices.length === 0) continue;
      lines.push(
        `complete -c ${name} -n ${fishQuoted(condition)} -a ${fishQuoted(choices.join(" "))}`,
      );
    }
  }
  return `${lines.join("\n")}\n`;
}

/** fish knows only two escapes within single quotes. */
function fishQuoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

function fishWord(text: string): string {
  return /^\w+$/.test(text) ? text : fishQuoted(text);
}
