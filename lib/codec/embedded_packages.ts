/**
 * Packages of which files are read by their paths. No module imports this one: only the compiler is told
 * of it, to embed them, as at every other start the runtime would look through them.
 *
 * @module
 */

import "@bokuweb/zstd-wasm";
import "yaml";
import "zstd-codec/module";
