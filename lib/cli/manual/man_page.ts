/**
 * The manual page, in the man macros of roff, from what the commands define.
 *
 * @module
 */

import { commonEpilogue } from "./help.ts";
import type { CommandShape, OptionShape, ProgramShape } from "./command_shape.ts";

/** The page of the whole program, for section 1. */
export function manPage(program: ProgramShape): string {
  const { name, version, description, globalOptions, commands, epilogue } = program;
  const lines = [
    `.TH ${name.toUpperCase()} 1 "" "${name} ${version}" "User Commands"`,
    ".SH NAME",
    `${name} \\- ${escaped(lowerFirst(description.replace(/\.$/, "")))}`,
    ".SH SYNOPSIS",
    `.B ${name}`,
    "[\\fIglobal options\\fR] \\fIcommand\\fR [\\fIoptions\\fR] [\\fIarguments\\fR]",
    ".SH DESCRIPTION",
    escaped(description),
    "Global options go before the command or after it.",
    ".SH COMMANDS",
    ...commands.flatMap((command) => commandLines(name, command)),
    ".SH GLOBAL OPTIONS",
    ...globalOptions.flatMap(optionLines),
    ...sectionLines(epilogue),
  ];
  return `${lines.join("\n")}\n`;
}

function commandLines(program: string, command: CommandShape): string[] {
  return [
    `.SS "${escaped(`${program} ${command.name}`)} ${escaped(command.usage)}"`,
    escaped(command.description),
    ...command.arguments.filter(({ description }) => description !== "").flatMap((argument) => [
      ".TP",
      `.I ${escaped(argument.name)}`,
      escaped(describe(argument.description, argument.choices)),
    ]),
    ...command.options.flatMap(optionLines),
    ...textLines(withoutCommon(command)),
  ];
}

/** What all commands say is said once, at the end of the page. */
function withoutCommon({ name, epilogue }: CommandShape): string {
  const common = commonEpilogue(name).trim();
  return common !== "" && epilogue.endsWith(common)
    ? epilogue.slice(0, -common.length).trimEnd()
    : epilogue;
}

function optionLines({ short, long, value, description }: OptionShape): string[] {
  const flags = [short, long].filter((flag) => flag !== null)
    .map((flag) => `\\fB${escaped(flag)}\\fR`).join(", ");
  return [
    ".TP",
    value === null ? flags : `${flags} \\fI${escaped(value)}\\fR`,
    escaped(description),
  ];
}

function describe(description: string, choices: readonly string[]): string {
  return choices.length === 0 ? description : `${description}: ${choices.join(", ")}`;
}

/** Headed paragraphs of a text as sections. */
function sectionLines(text: string): string[] {
  return text.split(/\n\n+/).flatMap((paragraph) => {
    const match = /^([A-Z][a-z ]+):(?:\n|$)/.exec(paragraph);
    if (match === null) return textLines(paragraph);
    return [
      `.SH ${match[1].toUpperCase()}`,
      // A heading begins a paragraph by itself.
      ...textLines(paragraph.slice(match[0].length)).slice(1),
    ];
  });
}

/** Paragraphs; lines that are indented stay as they are. */
function textLines(text: string): string[] {
  if (text === "") return [];
  return text.split(/\n\n+/).flatMap((paragraph) => {
    const lines = [".PP"];
    let isFilled = true;
    for (const line of paragraph.split("\n")) {
      if (/^\s/.test(line) === isFilled) {
        lines.push(isFilled ? ".nf" : ".fi");
        isFilled = !isFilled;
      }
      lines.push(escaped(line));
    }
    if (!isFilled) lines.push(".fi");
    return lines;
  });
}

/** Text that roff prints as it is: dashes can be copied, no line is a request. */
function escaped(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll('"', "\\(dq")
    .replaceAll("'", "\\(aq").replaceAll("`", "\\(ga").replaceAll("^", "\\(ha")
    .replaceAll("~", "\\(ti").replace(/^\./, "\\&.");
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
