import assert from "node:assert/strict";
import {
  decodeJsonString,
  decodeUtf8,
  encodeUtf8,
  isIntegerText,
  JsonCursor,
  type JsonKind,
  type JsonValue,
  numberAt,
  parseJson,
  stringifyJson,
} from "../../lib/base/json_text.ts";

const bytesOf = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

/** A text with byte escapes in it: characters above 0xff become UTF-8. */
function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encodeUtf8(text);
}

function assertSyntaxError(action: () => unknown, message: string): void {
  assert.throws(action, (error: unknown) => {
    assert.ok(error instanceof SyntaxError, `${error}`);
    assert.equal(error.message, message);
    return true;
  });
}

/** Objects without prototype, as the parser makes them. */
function bare(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(bare);
  const result = Object.create(null);
  for (const [key, member] of Object.entries(value)) result[key] = bare(member);
  return result;
}

Deno.test("parseJson() gives the value when the text is sound", () => {
  const cases: [text: string, value: unknown][] = [
    ["null", null],
    [" true ", true],
    ["\tfalse\r\n", false],
    ["0", 0],
    ["-0", -0],
    ["-12.5e-1", -1.25],
    ["1E+3", 1000],
    ["1e400", Infinity],
    ["NaN", NaN],
    ["Infinity", Infinity],
    ["-Infinity", -Infinity],
    ["9007199254740991", 9007199254740991],
    ["9007199254740992", 9007199254740992n],
    ["-9007199254740993", -9007199254740993n],
    ["123456789012345678901234567890", 123456789012345678901234567890n],
    ["9007199254740993.0", 9007199254740992],
    ['""', ""],
    ['"a\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00"', 'a"\\/\b\f\n\r\té😀'],
    ['"\u007f\u2028é漢😀\ufeff"', "\u007f\u2028é漢😀\ufeff"],
    ["[]", []],
    ["[ ]", []],
    ["[1 , [2,[ ]],\n{}]", [1, [2, []], {}]],
    ["{}", {}],
    ['{ "a" : 1 , "b":{"c":[null]} }', { a: 1, b: { c: [null] } }],
    ['{"a":1,"a":2}', { a: 2 }],
    ['{"":1,"é":2,"\\u00e9\\u0301":3}', { "": 1, "é": 2, "é\u0301": 3 }],
    ['{"__proto__":1,"constructor":2}', JSON.parse('{"__proto__":1,"constructor":2}')],
    ['{"0":1,"10":2}', { 0: 1, 10: 2 }],
  ];
  for (const [text, value] of cases) assert.deepEqual(parseJson(text), bare(value), text);
});

Deno.test("parseJson() says what is wrong and where when the text is not JSON", () => {
  const cases: [text: string, reason: string, at: number][] = [
    ["", "unexpected end", 0],
    ["  ", "unexpected end", 2],
    ["nul", "unexpected character", 0],
    ["nULL", "unexpected character", 0],
    ["truth", "unexpected character", 0],
    ["falsy", "unexpected character", 0],
    ["Nan", "unexpected character", 0],
    ["Inf", "unexpected character", 0],
    ["-Inf", "unexpected character", 1],
    ["-NaN", "expected a digit", 1],
    ["nullx", "unexpected text behind the document", 4],
    ["1 2", "unexpected text behind the document", 2],
    ["02", "unexpected text behind the document", 1],
    ["-02", "unexpected text behind the document", 2],
    ["+1", "expected a digit", 0],
    [".5", "expected a digit", 0],
    ["1.", "expected a digit", 2],
    ["1.e5", "expected a digit", 2],
    ["1e", "expected a digit", 2],
    ["1e+", "expected a digit", 3],
    ["-", "expected a digit", 1],
    ["x", "expected a digit", 0],
    ["'a'", "expected a digit", 0],
    ["\ufeff1", "expected a digit", 0],
    ["9".repeat(4301), "number out of range", 4301],
    ['"', "unterminated string", 1],
    ['"abc', "unterminated string", 4],
    ['"abc\\"', "unterminated string", 6],
    ['"\\x"', "invalid escape", 1],
    ['"\\', "invalid escape", 1],
    ['"\\u12g4"', "invalid \\u escape", 3],
    ['"\\u123"', "invalid \\u escape", 3],
    ['"\\ud800"', "lone surrogate", 1],
    ['"\\udc00"', "lone surrogate", 1],
    ['"ab\\ud83dx"', "lone surrogate", 3],
    ['"\\ud83d\\u0041"', "lone surrogate", 1],
    ['"a\tb"', "control character in a string", 2],
    ['"\0"', "control character in a string", 1],
    ["[", "unexpected end", 1],
    ["[1", "expected ',' or ']'", 2],
    ["[1,", "unexpected end", 3],
    ["[1,]", "expected a value", 3],
    ["[,1]", "expected a digit", 1],
    ["[1 2]", "expected ',' or ']'", 3],
    ["[1}", "expected ',' or ']'", 2],
    ["]", "expected a digit", 0],
    ["{", "expected a key", 1],
    ['{"a"', "expected ':'", 4],
    ['{"a" 1', "expected ':'", 5],
    ['{"a":', "unexpected end", 5],
    ['{"a":1', "expected ',' or '}'", 6],
    ['{"a":1,', "expected a key", 7],
    ['{"a":1,}', "expected a key", 7],
    ["{1:2}", "expected a key", 1],
    ["{a:2}", "expected a key", 1],
    ["{,}", "expected a key", 1],
    ['{"a":1 "b":2}', "expected ',' or '}'", 7],
    ['{"a\tb":1}', "control character in a string", 3],
    ['{"\\ud800":1}', "lone surrogate", 2],
  ];
  for (const [text, reason, at] of cases) {
    const message = `Cannot parse JSON: ${reason} at byte ${at}`;
    assertSyntaxError(() => parseJson(text), message);
    // Skipping checks as much as reading does.
    const cursor = new JsonCursor(encodeUtf8(text));
    assertSyntaxError(() => {
      cursor.skip();
      cursor.finish();
    }, message);
  }
});

Deno.test("parseJson() agrees with JSON.parse when texts are cut or changed anywhere", () => {
  const text = '{"a":[1,-2.5e3,"x\\n\\u00e9é",null,true,false,{"b":{}}],"c":""}';
  const check = (candidate: string) => {
    let expected: unknown;
    try {
      expected = JSON.parse(candidate);
    } catch {
      assert.throws(() => parseJson(candidate), SyntaxError, candidate);
      return;
    }
    assert.deepEqual(parseJson(candidate), bare(expected), candidate);
  };
  for (let at = 0; at <= text.length; at++) {
    check(text.slice(0, at));
    check(text.slice(at));
    check(text.slice(0, at) + text.slice(at + 1));
    for (const c of '"\\,:[]{}0.e- \n') check(text.slice(0, at) + c + text.slice(at + 1));
  }
});

Deno.test("parseJson() refuses text that isn't UTF-8 wherever it is", () => {
  const bad = ["\xff", "\x80", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"];
  for (const bytes of bad) {
    for (
      const text of [
        `"${bytes}"`,
        `["${bytes}x"]`,
        `{"${bytes}":1}`,
        `{"a":{"${bytes}":1}}`,
        `{"a":{"b":"${bytes}"}}`,
        `{"\\n${bytes}":1}`,
      ]
    ) {
      assert.throws(() => parseJson(bytesOf(text)), SyntaxError, text);
      const cursor = new JsonCursor(bytesOf(text));
      assert.throws(
        () => {
          cursor.skip();
          cursor.finish();
        },
        SyntaxError,
        text,
      );
    }
  }
  assert.throws(() => decodeUtf8(bytesOf("\xff")), SyntaxError);
  assert.equal(decodeUtf8(utf8("\ufeffé")), "\ufeffé");
});

Deno.test("JsonCursor.finish() checks UTF-8 of its own range only", () => {
  const bytes = bytesOf('"\xff" "\xc3\xa9" "\xff"');
  const cursor = new JsonCursor(bytes, 4, 8);
  assert.equal(cursor.readString(), "é");
  cursor.finish();
});

Deno.test("JsonCursor doesn't read beyond its range", () => {
  const cases: [text: string, end: number][] = [
    ['"abc"', 4],
    ['"a\\n"', 3],
    ['"\\u0041"', 5],
    ['"\\ud83d\\ude00"', 9],
    ["1.5", 2],
    ["1e5", 2],
    ["-1", 1],
    ["true", 3],
    ["NaN", 2],
    ["[1]", 2],
    ['{"a":1}', 4],
    ['{"key":1}', 3],
  ];
  for (const [text, end] of cases) {
    const cursor = new JsonCursor(encodeUtf8(text), 0, end);
    assert.throws(
      () => {
        cursor.skip();
        cursor.finish();
      },
      SyntaxError,
      `${text} to ${end}`,
    );
    const reader = new JsonCursor(encodeUtf8(text), 0, end);
    assert.throws(() => reader.readValue(), SyntaxError, `${text} to ${end}`);
  }
  const inner = new JsonCursor(encodeUtf8("[12,34]"), 1, 3);
  assert.equal(inner.readNumber(), 12);
  inner.finish();
});

Deno.test("JsonCursor limits depth when it reads and when it skips", () => {
  const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
  const objects = (depth: number) => '{"a":'.repeat(depth) + "1" + "}".repeat(depth);
  for (const make of [nested, objects]) {
    parseJson(make(201));
    assert.throws(() => parseJson(make(202)), /nested too deeply/);
    assert.throws(() => new JsonCursor(encodeUtf8(make(100_000))).skip(), /nested too deeply/);
    new JsonCursor(encodeUtf8(make(5)), 0, undefined, 5).skip();
    assert.throws(
      () => new JsonCursor(encodeUtf8(make(6)), 0, undefined, 5).skip(),
      /nested too deeply/,
    );
  }
  // Depth counts what is open, not what was opened.
  parseJson(`[${Array(1000).fill("[[]]").join(",")}]`);
});

Deno.test("JsonCursor.kind() tells what comes next and consumes only blanks", () => {
  const kinds: [text: string, kind: JsonKind][] = [
    [" {}", "object"],
    ["\n[]", "array"],
    ['"x"', "string"],
    ["-1", "number"],
    ["NaN", "number"],
    ["true", "true"],
    ["false", "false"],
    ["null", "null"],
  ];
  for (const [text, kind] of kinds) {
    const cursor = new JsonCursor(encodeUtf8(text));
    assert.equal(cursor.kind(), kind);
    assert.equal(cursor.position, text.length - text.trimStart().length);
    cursor.skip();
    cursor.finish();
  }
});

Deno.test("JsonCursor visits members and elements in order when asked for some of them", () => {
  const text = ' {"a" : 1, "skip":{"x":[1,{}]}, "b":[true , null,"s"],"c":{}} ';
  const cursor = new JsonCursor(encodeUtf8(text));
  const seen: unknown[] = [];
  cursor.beginObject();
  while (cursor.nextMember()) {
    const key: string = cursor.key;
    if (key === "a") seen.push(cursor.readNumber());
    else if (key === "b") {
      cursor.beginArray();
      while (cursor.nextElement()) {
        if (cursor.takeNull()) seen.push(null);
        else if (cursor.kind() === "string") seen.push(cursor.readString());
        else seen.push(cursor.readBoolean());
      }
    } else {
      const [start, end] = cursor.skipRange();
      seen.push(text.slice(start, end));
    }
  }
  cursor.finish();
  assert.deepEqual(seen, [1, '{"x":[1,{}]}', true, null, "s", "{}"]);
});

Deno.test("JsonCursor says what it expected when a value is of another kind", () => {
  const cases: [text: string, read: (cursor: JsonCursor) => unknown, message: RegExp][] = [
    ["[]", (c) => c.beginObject(), /expected an object at byte 0/],
    ["{}", (c) => c.beginArray(), /expected an array at byte 0/],
    ["1", (c) => c.readString(), /expected a string at byte 0/],
    ['"1"', (c) => c.readNumber(), /expected a number at byte 0/],
    ["1", (c) => c.readBoolean(), /expected true or false at byte 0/],
    ["  nul", (c) => c.takeNull(), /unexpected character at byte 2/],
  ];
  for (const [text, read, message] of cases) {
    assert.throws(() => read(new JsonCursor(encodeUtf8(text))), message);
  }
  assert.equal(new JsonCursor(encodeUtf8("1")).takeNull(), false);
});

Deno.test("JsonCursor gives each key its own text when hashes collide or keys are odd", () => {
  // Many more keys than the table has slots, met twice, in objects of changing sets of keys.
  const keys = Array.from({ length: 20_000 }, (_, i) => `key ${(i * 2654435761) % 1e9} ${i % 7}`);
  keys.push("", "é", "漢", "a\\b", 'q"', "\n", "x".repeat(64), "x".repeat(65), "x".repeat(1000));
  const text = JSON.stringify(Object.fromEntries(keys.map((key, i) => [key, i])));
  for (let round = 0; round < 2; round++) {
    const cursor = new JsonCursor(encodeUtf8(text));
    cursor.beginObject();
    const found: string[] = [];
    while (cursor.nextMember()) {
      found.push(cursor.key);
      cursor.skip();
    }
    cursor.finish();
    assert.deepEqual(found, Object.keys(JSON.parse(text)));
  }
});

Deno.test("JsonCursor.finish() takes what is UTF-8 and nothing else", () => {
  // Puts U+FFFD where something isn't UTF-8, which is quicker than a thousand errors; none is written here.
  const decoder = new TextDecoder();
  const edges = [0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff];
  let nTaken = 0;
  for (let lead = 0x80; lead < 0x100; lead++) {
    for (const second of edges) {
      for (const third of edges) {
        for (const fourth of edges) {
          const bytes = Uint8Array.of(0x22, lead, second, third, fourth, 0x20, 0x22);
          const isUtf8 = !decoder.decode(bytes).includes("\ufffd");
          const isTaken = tryTo(() => {
            const cursor = new JsonCursor(bytes);
            cursor.skip();
            cursor.finish();
          });
          if (isTaken !== isUtf8) assert.equal(isTaken, isUtf8, bytes.toHex());
          if (isTaken) nTaken++;
        }
      }
    }
  }
  assert.ok(nTaken > 100);
});

function tryTo(action: () => void): boolean {
  try {
    action();
    return true;
  } catch {
    return false;
  }
}

Deno.test("stringifyJson() and parseJson() undo each other", () => {
  const values: JsonValue[] = [
    null,
    true,
    -0.5,
    1e21,
    5e-324,
    NaN,
    Infinity,
    -Infinity,
    2n ** 64n,
    -(2n ** 64n),
    'é\u2028\u0000"\\',
    [],
    [[], {}, [1, [2n ** 53n]]],
    { a: 1, "b c": { "": [null] }, é: "x" },
  ];
  for (const value of values) assert.deepEqual(parseJson(stringifyJson(value)), bare(value));
  assert.equal(
    stringifyJson({ a: [1, 2n ** 70n, NaN, -Infinity] }),
    '{"a":[1,1180591620717411303424,NaN,-Infinity]}',
  );
  for (
    const text of ['{"a":[1,2.5,"x",null,true]}', "[[],{}]", '"\\u0000"', "-12345678901234567890"]
  ) {
    assert.equal(stringifyJson(parseJson(text)), text);
  }
});

Deno.test("decodeJsonString() decodes the string between the quotes of its range", () => {
  const bytes = utf8('["plain","\\u00e9\\n","é"]');
  assert.equal(decodeJsonString(bytes, 1, 8), "plain");
  assert.equal(decodeJsonString(bytes, 9, 19), "é\n");
  assert.equal(decodeJsonString(bytes, 20, 24), "é");
});

Deno.test("isIntegerText() and numberAt() look at a range of text", () => {
  const text = utf8("[-12,1.5,1e3,NaN]");
  assert.ok(isIntegerText(text, 1, 4));
  assert.equal(numberAt(text, 1, 4), -12);
  for (const [start, end] of [[5, 8], [9, 12], [13, 16]]) {
    assert.equal(isIntegerText(text, start, end), false);
  }
  assert.equal(numberAt(text, 9, 12), 1000);
});

Deno.test("numberAt() gives what Number() gives of the same text", () => {
  const texts = ["0", "-0", "1", "-12", "0.1", "17.663003", "-0.00095", "4047532032.0", "1e3"];
  texts.push("123456789012345", "1234567890.1234", "12345678901234567", "-1.5E-7", "NaN");
  for (let i = 0; i < 2000; i++) texts.push((Math.random() * 10 ** (i % 9)).toFixed(i % 12));
  for (const text of texts) {
    const bytes = new TextEncoder().encode(`[${text}]`);
    assert.ok(Object.is(numberAt(bytes, 1, bytes.length - 1), Number(text)), text);
  }
});
