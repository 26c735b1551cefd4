/**
 * Packages that nothing leads to at a start: files of theirs are read by their paths, or what imports them is
 * loaded by `import.meta.resolve()` (see `lib/README.md`). No module imports this one but for its types, which
 * a start doesn't look at: only the compiler is told of it, to embed them, and `deno install` finds them, to
 * fetch them.
 *
 * @module
 */

import "@bokuweb/zstd-wasm";
import "@noble/hashes/blake2.js";
import "@noble/hashes/sha2.js";
import "aws4fetch";
import "cli-progress";
import "fast-xml-parser";
import "hyparquet/src/column.js";
import "hyparquet/src/metadata.js";
import "hyparquet/src/read.js";
import "hyparquet-writer";
import "hyparquet-writer/src/bytewriter.js";
import "hyparquet-writer/src/delta.js";
import "hyparquet-writer/src/thrift.js";
import "postgres";
import "xxhash-wasm";
import "yaml";
import "zstd-codec/lib/module.js";
