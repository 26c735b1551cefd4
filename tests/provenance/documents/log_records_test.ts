import assert from "node:assert/strict";
import { encodeUtf8 } from "../../../lib/base/json_text.ts";
import {
  type AttemptExtra,
  parseLogFile,
  type Range,
} from "../../../lib/provenance/documents/log_records.ts";

const RECORD = '{"name":"n","asctime":"2026-11-22T15:28:07.772212Z","message":"m","levelno":20,' +
  '"levelname":"INFO","filename":"f","pathname":"p","lineno":1,"process":2,"processName":"P","MDC":{}}';
const OTHER = RECORD.replace('"m"', '"é\\n😀"');
const ID = "01a203df-2de6-7ae4-b98c-a9434b5b58fb";
const EXCEPTION = '{"type_name":"t","message":"m","metadata":{"a":NaN,"b":1.0,"c":null}}';

interface Found {
  records: string[];
  extra: unknown;
  previousAttempts: unknown[];
}

/** A log file with the text at its ranges in place of the ranges. */
function parse(text: string): Found {
  const bytes = encodeUtf8(text);
  const cut = (range: Range | null) =>
    range && new TextDecoder().decode(bytes.subarray(range[0], range[1]));
  const extraText = (extra: AttemptExtra) => ({
    exception: cut(extra.exception),
    metadata: cut(extra.metadata?.range ?? null),
    previousProcessQuanta: cut(extra.previousProcessQuanta),
    logs: cut(extra.logs),
  });
  const file = parseLogFile(bytes, "task");
  return {
    records: file.records.map((range) => cut(range)!),
    extra: file.extra && extraText(file.extra),
    previousAttempts: file.previousAttempts.map(extraText),
  };
}

const NO_EXTRA = { extra: null, previousAttempts: [] };
const EMPTY_EXTRA = { exception: null, metadata: null, previousProcessQuanta: null, logs: null };

Deno.test("parseLogFile() gives the inside of the records when the file is one array", () => {
  assert.deepEqual(parse(""), { records: [], ...NO_EXTRA });
  assert.deepEqual(parse("[ \n]"), { records: [], ...NO_EXTRA });
  assert.deepEqual(parse(`[${RECORD}]`), { records: [RECORD], ...NO_EXTRA });
  assert.deepEqual(parse(`[ ${RECORD} ,\n${OTHER}\n]\n`), {
    records: [` ${RECORD} ,\n${OTHER}\n`],
    ...NO_EXTRA,
  });
});

Deno.test("parseLogFile() gives each line when the file is a stream", () => {
  assert.deepEqual(parse(`${RECORD}\r\n\n  ${OTHER} \n`), {
    records: [RECORD, OTHER],
    ...NO_EXTRA,
  });
  assert.deepEqual(parse(`${RECORD}\n###EXTRA###`), { records: [RECORD], ...NO_EXTRA });
  assert.deepEqual(parse(`${RECORD}\n###EXTRA### x\n{}`), { records: [RECORD], ...NO_EXTRA });
  assert.deepEqual(parse(`###EXTRA###\n{"exception":${EXCEPTION}}`), {
    records: [],
    extra: { ...EMPTY_EXTRA, exception: EXCEPTION },
    previousAttempts: [],
  });
});

Deno.test("parseLogFile() finds records and extra when the file is one object", () => {
  const metadata = '{"scalars":{"x":1}}';
  const text = `{"extended":true,"previous_process_quanta":[ "${ID}" ],"records":[${RECORD}],` +
    `"exception":${EXCEPTION},"version":2,"metadata":${metadata},"logs":[],"previous_attempts":[]}`;
  assert.deepEqual(parse(text), {
    records: [RECORD],
    extra: {
      exception: EXCEPTION,
      metadata,
      previousProcessQuanta: `[ "${ID}" ]`,
      logs: "[]",
    },
    previousAttempts: [],
  });
  assert.deepEqual(parse('{"extended":true,"version":2}'), { records: [], ...NO_EXTRA });
  assert.deepEqual(parse('{"extended":true,"version":2,"more":[5]}'), {
    records: [],
    extra: EMPTY_EXTRA,
    previousAttempts: [],
  });
});

Deno.test("parseLogFile() flattens earlier attempts oldest first when they are nested", () => {
  const attempt = (name: string, inner = "") =>
    `{"exception":${EXCEPTION.replace('"m"', `"${name}"`)},"logs":[${RECORD}]` +
    `${inner === "" ? "" : `,"previous_attempts":[${inner}]`}}`;
  const text = `{"extended":true,"version":2,"previous_attempts":[${attempt("b", attempt("a"))},${
    attempt("d", attempt("c"))
  },{}]}`;
  const { previousAttempts } = parse(text);
  assert.deepEqual(
    previousAttempts.map((extra) =>
      /"message":"(.)"/.exec(String((extra as AttemptExtra).exception))?.[1]
    ),
    ["a", "b", "c", "d", undefined],
  );
  assert.equal((previousAttempts[0] as { logs: string }).logs, `[${RECORD}]`);
});

Deno.test("parseLogFile() takes the last value when a key is repeated", () => {
  const text = '{"extended":true,"version":2,"previous_attempts":[{},{}],"exception":null,' +
    `"records":[${RECORD}],"records":[],"exception":${EXCEPTION},"previous_attempts":[{}]}`;
  const { records, extra, previousAttempts } = parse(text);
  assert.deepEqual(records, []);
  assert.equal((extra as { exception: string }).exception, EXCEPTION);
  assert.equal(previousAttempts.length, 1);
});

Deno.test("parseLogFile() names missing keys and the place when a record is incomplete", () => {
  const text = `[${RECORD},${RECORD.replace(',"MDC":{}', "").replace('"name":"n",', "")}]`;
  assert.throws(() => parse(text), (error: Error) => {
    assert.ok(error instanceof SyntaxError);
    assert.match(error.message, /log record without name, MDC at byte \d+/);
    return true;
  });
});

Deno.test("parseLogFile() reads a long stream once when every line has text outside ASCII", () => {
  const nLines = 20_000;
  const bytes = encodeUtf8(`${OTHER}\n`.repeat(nLines));
  const start = performance.now();
  assert.equal(parseLogFile(bytes, "task").records.length, nLines);
  // Checking UTF-8 from the start for each line would take minutes.
  assert.ok(performance.now() - start < 10_000);
});
