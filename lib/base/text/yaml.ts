/**
 * The parser of package "yaml", from the modules that the package has for browsers: they are the same
 * source, but load in 8 ms. Those for Node are CommonJS and bring Node's loader along, which takes 44 ms,
 * a third of a command that reads one log.
 *
 * @module
 */

import type * as Yaml from "yaml";

const modules = new URL("../browser/index.js", import.meta.resolve("yaml"));
const yaml: typeof Yaml = await import(modules.href);

/** As in the package. */
export const parse: typeof Yaml.parse = yaml.parse;
/** As in the package. */
export const parseDocument: typeof Yaml.parseDocument = yaml.parseDocument;
