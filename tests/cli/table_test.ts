/** Tables, colours and JSON lines as commands print them. */

import assert from "node:assert/strict";
import { makeStyle, shown, wantsColor, withoutMarks } from "../../lib/cli/terminal/color.ts";
import { jsonLine, OutputBuffer } from "../../lib/cli/terminal/ndjson.ts";
import { formatTable, TableWriter } from "../../lib/cli/terminal/table.ts";
import { widthOf } from "../../lib/cli/terminal/text_width.ts";

const COLUMNS = [{ title: "Task" }, { title: "Quanta", align: "right" as const }, { title: "X" }];

Deno.test("columns are as wide as their widest cell, numbers at the right", () => {
  assert.equal(
    formatTable(COLUMNS, [["isr", "7", ""], ["calibrate", "12345678", "z"]]),
    "Task         Quanta  X\n" +
      "isr               7\n" +
      "calibrate  12345678  z\n",
  );
  assert.equal(formatTable(COLUMNS, []), "Task  Quanta  X\n");
  assert.equal(formatTable(COLUMNS, [["a", "1", "b"]], { hasTitles: false }), "a  1  b\n");
});

Deno.test("colour takes no room, wide letters take two places", () => {
  const style = makeStyle(true);
  const text = formatTable(COLUMNS, [[style.red("FAILED"), "1", "x"], ["ok", "2", "y"]], { style });
  assert.equal(
    withoutMarks(text),
    "Task    Quanta  X\nFAILED       1  x\nok           2  y\n",
  );
  assert.ok(shown(text, style).includes("\x1b[31mFAILED\x1b[39m"));
  assert.equal(widthOf("星e\u0301"), 3);
});

Deno.test("what is in a cell can't move the cursor or make a second line", () => {
  assert.equal(
    formatTable([{ title: "a" }], [["x\ny\x1b[2Jz\x07"]], { hasTitles: false }),
    "x y␛[2Jz␇\n",
  );
});

const ID = "019f1af9-b4f7-7832-4be1-b2488b97ef45";
const MESSAGE = "Deliberate failure of calibrate in phase 3, much longer than any line is";
const QUANTUM = [ID, "calibrate", "FAILED", "instrument=Cam visit=3", MESSAGE];

for (
  const [columns, expected] of [
    [40, [ID, "  calibrate  FAILED", "  instrument=Cam visit=3", `  ${MESSAGE.slice(0, 37)}…`]],
    [80, [`${ID}  calibrate  FAILED  instrument=Cam visit=3`, `  ${MESSAGE}`]],
    [120, [`${QUANTUM.slice(0, 4).join("  ")}  ${MESSAGE.slice(0, 38)}…`]],
    [null, [QUANTUM.join("  ")]],
  ] as const
) {
  Deno.test(`a row fits a screen of ${columns ?? "unknown"} columns, and what is copied is whole`, () => {
    const text = formatTable(
      ["quantum ID", "task", "status", "data ID", "exception"]
        .map((title) => ({ title, isElastic: title === "exception" })),
      [QUANTUM],
      { hasTitles: false, style: makeStyle(true, columns) },
    );
    assert.deepEqual(text.trimEnd().split("\n"), expected);
    for (const line of expected) assert.ok(line.length <= (columns ?? 1000), line);
  });
}

Deno.test("a long table is written as it comes", () => {
  const lines: string[] = [];
  const table = new TableWriter(COLUMNS, (line) => lines.push(line), { nMeasured: 2 });
  table.add(["a", "1", "x"]);
  assert.deepEqual(lines, []);
  table.add(["bb", "2", "y"]);
  assert.equal(lines.length, 3);
  table.add(["much too wide", "3", "z"]);
  assert.equal(lines[3], "much too wide       3  z\n");
  table.end();
  assert.equal(lines.length, 4);
});

Deno.test("colour: the option counts more than NO_COLOR, that more than the terminal", () => {
  const env = (values: Record<string, string>) => ({ get: (name: string) => values[name] });
  assert.equal(wantsColor("auto", true, env({})), true);
  assert.equal(wantsColor("auto", false, env({})), false);
  assert.equal(wantsColor("auto", true, env({ NO_COLOR: "1" })), false);
  assert.equal(wantsColor("auto", true, env({ NO_COLOR: "" })), true);
  assert.equal(wantsColor("auto", true, env({ TERM: "dumb" })), false);
  assert.equal(wantsColor("always", false, env({ NO_COLOR: "1" })), true);
  assert.equal(wantsColor("never", true, env({})), false);
});

Deno.test("JSON lines keep big integers, and are written in pieces", () => {
  assert.equal(
    jsonLine("quantum", { id: 2n ** 63n, name: 'a"\n', x: NaN }),
    '{"message_type":"quantum","id":9223372036854775808,"name":"a\\"\\n","x":NaN}\n',
  );
  const pieces: string[] = [];
  {
    using output = new OutputBuffer({ write: (text) => void pieces.push(text) });
    for (let i = 0; i < 20_000; i++) output.write("0123456789\n");
  }
  assert.equal(pieces.join(""), "0123456789\n".repeat(20_000));
  assert.ok(pieces.length < 10);
});
