/**
 * Where a bucket is and who we are there: endpoints, profiles, credentials. Source: `schema/storage.md`,
 * section 2.
 *
 * @module
 */

import type { Environment } from "../../../base/environment.ts";
import { UsageError } from "../../../base/errors.ts";
import { rememberSecret, withoutSecrets } from "../../../base/text/secrets.ts";
import { fileError, isAbsence } from "../../file_errors.ts";
import { type IniSection, parseIni } from "./ini_file.ts";

/** Keys to sign with. */
interface S3Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string | null;
}

/** How to reach a bucket. */
interface S3Config {
  bucket: string;
  /** Profile named in the URI; null if none. */
  profile: string | null;
  /** URL below which keys are, with "/" at its end: endpoint and bucket. */
  bucketUrl: string;
  region: string;
  /** PEM text of a bundle of authorities; null for those of the system. */
  authorities: string | null;
  /** Where the keys come from, for messages: a variable or a file and profile. */
  keysFrom: string;
}

/** Ways to credentials that AWS' own programs know and this one doesn't. */
const OTHER_PROVIDERS: readonly (readonly [key: string, name: string])[] = [
  ["role_arn", "an assumed role"],
  ["sso_session", "single sign-on"],
  ["sso_start_url", "single sign-on"],
  ["credential_process", "a credential process"],
  ["web_identity_token_file", "a web identity"],
];
const EXPORT_HINT = "export temporary keys as AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and " +
  "AWS_SESSION_TOKEN, or put them into the credentials file";

/**
 * Configuration and credentials of one bucket. Files are read again when {@linkcode S3Keys.refresh} is
 * called, so that keys which are renewed there are used.
 */
export class S3Keys {
  readonly config: S3Config;
  readonly #env: Environment;
  readonly #endpointKeys: S3Credentials | null;
  #credentials: S3Credentials;

  /**
   * @param authority `bucket` or `profile@bucket` of an `s3://` URI.
   * @throws {UsageError} if the configuration can't work.
   */
  constructor(authority: string, env: Environment) {
    const at = authority.lastIndexOf("@");
    const profile = at < 0 ? null : authority.slice(0, at);
    const bucket = authority.slice(at + 1);
    requireBucketName(bucket, env);
    this.#env = env;
    const files = readAwsFiles(env);
    const named = profile ?? (nonEmpty(env, "AWS_DEFAULT_PROFILE") ?? nonEmpty(env, "AWS_PROFILE"));
    const section = files.get(named ?? "default");
    const endpoint = readEndpoint(profile, env);
    this.#endpointKeys = endpoint?.keys ?? null;
    const region = nonEmpty(env, "AWS_DEFAULT_REGION") ?? nonEmpty(env, "AWS_REGION") ??
      section?.get("region") ?? "us-east-1";
    const { credentials, from } = this.#find(profile, files);
    this.#credentials = credentials;
    const isVirtual = section?.get("s3.addressing_style") === "virtual" ||
      endpoint === null && !bucket.includes(".");
    this.config = {
      bucket,
      profile,
      bucketUrl: bucketUrl(endpoint?.url ?? null, bucket, region, isVirtual),
      region,
      authorities: readAuthorities(env),
      keysFrom: from,
    };
  }

  get credentials(): S3Credentials {
    return this.#credentials;
  }

  /**
   * Reads the files again, unless another request has led to that meanwhile.
   *
   * @param refused The keys that the store doesn't take.
   * @returns whether there are others now.
   */
  refresh(refused: S3Credentials): boolean {
    if (isSame(refused, this.#credentials)) {
      this.#credentials = this.#find(this.config.profile, readAwsFiles(this.#env)).credentials;
    }
    return !isSame(refused, this.#credentials);
  }

  #find(
    profile: string | null,
    files: ReadonlyMap<string, IniSection>,
  ): { credentials: S3Credentials; from: string } {
    const found = this.#endpointKeys !== null
      ? { credentials: this.#endpointKeys, from: "the endpoint's URL" }
      : profile === null
      ? keysOfEnvironment(this.#env) ??
        keysOfProfile(
          nonEmpty(this.#env, "AWS_DEFAULT_PROFILE") ?? nonEmpty(this.#env, "AWS_PROFILE"),
          files,
          this.#env,
        )
      : keysOfProfile(profile, files, this.#env);
    rememberSecret(found.credentials.secretAccessKey);
    rememberSecret(found.credentials.sessionToken);
    return found;
  }
}

function isSame(a: S3Credentials, b: S3Credentials): boolean {
  return a.accessKeyId === b.accessKeyId && a.secretAccessKey === b.secretAccessKey &&
    a.sessionToken === b.sessionToken;
}

function nonEmpty(env: Environment, name: string): string | null {
  const value = env.get(name);
  return value === undefined || value === "" ? null : value;
}

function requireBucketName(bucket: string, env: Environment): void {
  const off = (env.get("LSST_DISABLE_BUCKET_VALIDATION") ?? "").toLowerCase();
  if (!["", "0", "f", "n", "false"].includes(off)) return;
  if (/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) return;
  throw new UsageError(`Cannot use bucket "${bucket}": that is no valid name of one`, {
    hint: "if your store has it nevertheless, set LSST_DISABLE_BUCKET_VALIDATION=1",
  });
}

interface Endpoint {
  url: URL;
  keys: S3Credentials | null;
}

/** The endpoint that the environment names for a profile; null for AWS itself. */
function readEndpoint(profile: string | null, env: Environment): Endpoint | null {
  const names = [
    ...(profile === null ? [] : [`LSST_RESOURCES_S3_PROFILE_${profile}`]),
    "S3_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL",
  ];
  const name = names.find((candidate) => nonEmpty(env, candidate) !== null);
  if (name === undefined) return null;
  const text = env.get(name)!;
  const refuse = (reason: string): never => {
    throw new UsageError(`Cannot use the S3 endpoint in ${name}: ${reason}`, {
      hint: "its form is https://host:port, or https://KEY:SECRET@host:port",
    });
  };
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return refuse("it is no http(s) URL");
  const url = new URL(text);
  if (url.username === "" && url.password === "") return { url, keys: null };
  if (url.username === "" || url.password === "") {
    return refuse("it has a user without a secret, or a secret without a user");
  }
  const keys = {
    accessKeyId: decodeURIComponent(url.username),
    secretAccessKey: decodeURIComponent(url.password),
    sessionToken: null,
  };
  rememberSecret(url.password);
  url.username = "";
  url.password = "";
  return { url, keys };
}

function bucketUrl(
  endpoint: URL | null,
  bucket: string,
  region: string,
  isVirtual: boolean,
): string {
  const base = endpoint ?? new URL(`https://s3.${region}.amazonaws.com/`);
  const path = base.pathname.replace(/\/*$/, "/");
  if (isVirtual) return `${base.protocol}//${bucket}.${base.host}${path}`;
  return `${base.protocol}//${base.host}${path}${encodeURIComponent(bucket)}/`;
}

function awsFile(env: Environment, variable: string, name: string): string {
  return nonEmpty(env, variable)?.replace(/^~(?=\/)/, env.get("HOME") ?? "~") ??
    `${env.get("HOME") ?? ""}/.aws/${name}`;
}

function readAwsFiles(env: Environment): Map<string, IniSection> {
  const sections = new Map<string, Map<string, string>>();
  // The later one wins.
  for (
    const path of [
      awsFile(env, "AWS_CONFIG_FILE", "config"),
      awsFile(env, "AWS_SHARED_CREDENTIALS_FILE", "credentials"),
    ]
  ) {
    let text: string;
    try {
      text = Deno.readTextFileSync(path);
    } catch (error) {
      if (isAbsence(error)) continue;
      throw fileError("read file", path, error);
    }
    for (const [name, values] of parseIni(text)) {
      const section = sections.get(name) ?? new Map<string, string>();
      for (const [key, value] of values) section.set(key, value);
      sections.set(name, section);
    }
  }
  return sections;
}

interface FoundKeys {
  credentials: S3Credentials;
  from: string;
}

function keysOfEnvironment(env: Environment): FoundKeys | null {
  const accessKeyId = nonEmpty(env, "AWS_ACCESS_KEY_ID");
  const secretAccessKey = nonEmpty(env, "AWS_SECRET_ACCESS_KEY");
  if (accessKeyId === null && secretAccessKey === null) return null;
  if (accessKeyId === null || secretAccessKey === null) {
    throw new UsageError(
      "Cannot use the S3 credentials of the environment: only one of AWS_ACCESS_KEY_ID and " +
        "AWS_SECRET_ACCESS_KEY is set",
    );
  }
  const sessionToken = nonEmpty(env, "AWS_SESSION_TOKEN") ?? nonEmpty(env, "AWS_SECURITY_TOKEN");
  return {
    credentials: { accessKeyId, secretAccessKey, sessionToken },
    from: "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
  };
}

/** @param profile Null for the default one, which needs not be there. */
function keysOfProfile(
  profile: string | null,
  files: ReadonlyMap<string, IniSection>,
  env: Environment,
): FoundKeys {
  const name = profile ?? "default";
  const place = awsFile(env, "AWS_SHARED_CREDENTIALS_FILE", "credentials");
  const section = files.get(name);
  if (section === undefined) {
    if (profile !== null) {
      throw new UsageError(`Cannot use S3 profile "${name}": it is not in "${place}"`, {
        hint:
          `add [${name}] with aws_access_key_id and aws_secret_access_key to that file, or set ` +
          "AWS_SHARED_CREDENTIALS_FILE to the one that has it",
      });
    }
    throw new UsageError(
      `Cannot find S3 credentials: neither AWS_ACCESS_KEY_ID nor "${place}" gives any`,
      { hint: EXPORT_HINT },
    );
  }
  const accessKeyId = section.get("aws_access_key_id");
  const secretAccessKey = section.get("aws_secret_access_key");
  if (accessKeyId !== undefined && secretAccessKey !== undefined) {
    const sessionToken = section.get("aws_session_token") ?? section.get("aws_security_token") ??
      null;
    return {
      credentials: { accessKeyId, secretAccessKey, sessionToken },
      from: `profile "${name}" of "${place}"`,
    };
  }
  const other = OTHER_PROVIDERS.find(([key]) => section.has(key));
  throw new UsageError(
    `Cannot use S3 profile "${name}": it ` +
      (other === undefined ? "has no keys" : `asks for ${other[1]}, which is not supported`),
    { hint: EXPORT_HINT },
  );
}

function readAuthorities(env: Environment): string | null {
  const path = nonEmpty(env, "AWS_CA_BUNDLE");
  if (path === null) return null;
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    throw new UsageError(
      `Cannot read AWS_CA_BUNDLE: ${withoutSecrets(fileError("read file", path, error).message)}`,
    );
  }
}
