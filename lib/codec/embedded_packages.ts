/**
 * Packages of which files are read by their paths. No module imports this one but for its types, which a
 * start doesn't look at: only the compiler is told of it, to embed them, and `deno install` finds them, to
 * fetch them.
 *
 * @module
 */

import "@bokuweb/zstd-wasm";
import "hyparquet";
import "hyparquet-writer";
import "yaml";
import "zstd-codec/lib/module.js";
