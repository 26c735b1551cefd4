/** Shapes of messages: derived by hand from what operators call "the same error". */

import assert from "node:assert/strict";
import { messageHead, messageShape } from "../../lib/provenance/message_shape.ts";

/** Messages of one shape. */
const SAME: [shape: string, messages: string[]][] = [
  ["Only # of # sources; need #", [
    "Only 12 of 300 sources; need 50.",
    "Only 1 of 7 sources; need 1e3",
    "Only -0.5 of 1,234.5 sources; need .5",
  ]],
  ["No file <path>: gone", [
    "No file /data/u/run/isr_1234.fits: gone",
    "No file ../run.fits: gone",
    "No file s3://bucket/key.fits: gone",
    "No file u/oracle/out/20260701T000000Z: gone",
    "No file calib/x7.fits: gone",
  ]],
  ["Cannot open '<path>'", ["Cannot open '/a b/c d.fits'", "Cannot open '/x.fits'"]],
  ["Quantum <id> has no input", [
    "Quantum 019a0b1c-1111-7222-8333-0123456789ab has no input",
    "Quantum 0x7fdeadbeef has no input",
    "Quantum deadbeef12345678 has no input",
  ]],
  ["Began <time>, then waited", [
    "Began 2026-07-01T12:00:00.123456Z, then waited",
    "Began 2026-07-01 12:00:00, then waited",
    "Began 20260701T120000Z, then waited",
    "Began 2026-07-01, then waited",
  ]],
  ["calibrate@{...} failed", [
    "calibrate@{instrument: 'LSSTCam', detector: 12, visit: 1, band: 'g'} failed",
    "calibrate@{'instrument': 'HSC', 'band': 'r'} failed",
  ]],
  ["Shape (#, ...) is odd", ["Shape (1, 2) is odd", "Shape (1, 2, 3, 44) is odd"]],
  ["R#_S# of the focal plane", ["R22_S11 of the focal plane", "R01_S00 of the  focal plane"]],
  ["first line", ["first line", "  first line \nand 17 more\n", "first line\r\nmore"]],
  ["", ["", "\nsecond"]],
];
for (const [shape, messages] of SAME) {
  for (const message of messages) {
    Deno.test(`shape of ${JSON.stringify(message)}`, () => {
      assert.equal(messageShape(message), shape);
    });
  }
}

/** Messages that stay apart, for they are other errors. */
const APART: [string, string][] = [
  ["division by zero", "float modulo by zero"],
  ["KeyError: 'visit'", "KeyError: 'detector'"],
  ["3 sources found", "3 stars found"],
  ["read/write error", "input/output error"],
  ["No PSF", "No WCS"],
  ["units of km/s", "units of m/s"],
];
for (const [one, other] of APART) {
  Deno.test(`other shapes: ${one}, ${other}`, () => {
    assert.notEqual(messageShape(one), messageShape(other));
  });
}

/** Texts that bad expressions take exponential time for; each repeated to a megabyte. */
const LONG = [
  "a/",
  "1.",
  "{a:",
  "/",
  "0",
  "ab1",
  "1e",
  "~@%",
  "'/",
  " ",
  "2026-07-01T",
  "0x",
  "#, ",
];
for (const part of LONG) {
  Deno.test(`a message of a megabyte of ${JSON.stringify(part)} has a short shape`, () => {
    const message = part.repeat(1e6 / part.length);
    assert.ok(messageHead(message).length <= 400);
    assert.ok(messageShape(message).length <= 2400);
  });
}
