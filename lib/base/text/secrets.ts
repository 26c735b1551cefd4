/**
 * Passwords in texts that people see: messages, hints, stacks, log lines. Whoever reads a password
 * remembers it here; a database URL is hidden by its form as well, however wrongly it is quoted.
 *
 * @module
 */

/** What stands in a password's place. */
const HIDDEN = "***";

/** Shorter texts are found everywhere by chance, and are no passwords. */
const MIN_LENGTH = 4;

/** Passwords and parts of them that this thread has read, the longest first. */
let remembered: readonly string[] = [];

/** Forgets them all, before something that has nothing to do with what went before. */
export function forgetSecrets(): void {
  remembered = [];
}

/** Hides a password from now on, as it is, and as it is quoted in URLs. */
export function rememberSecret(secret: string | null | undefined): void {
  if (secret == null) return;
  const forms = [
    secret,
    encodeURIComponent(secret.toWellFormed()),
    JSON.stringify(secret).slice(1, -1),
  ];
  const added = forms.filter((text) => text.length >= MIN_LENGTH && !remembered.includes(text));
  if (added.length === 0) return;
  remembered = [...remembered, ...added].sort((a, b) => b.length - a.length);
}

/**
 * Remembers what may be the password in a database URL: all between the first ":" and the last "@", and
 * its parts, as parsers divide a URL whose password is not quoted.
 */
export function rememberUrlSecrets(url: string): void {
  const match = /^[^:]*:\/\/[^:@]*:(.*)@/s.exec(url);
  for (const part of match === null ? [] : [match[1], ...match[1].split(/[@:/?#&=\s]/)]) {
    rememberSecret(part);
    try {
      rememberSecret(decodeURIComponent(part));
    } catch {
      // It is no quoted text then.
    }
  }
  for (const [, , value] of url.matchAll(PASSWORD_VALUE)) rememberSecret(value);
}

/** A URL with a user up to the last "@" of the word that it is in. */
const URL_WITH_USER = /\b([a-z][a-z0-9+.-]*:\/\/)([^\s"'<>]*)@/gi;
/** Schemes whose paths may have an "@". */
const NO_USERS = /^(?:file|s3|gs):/i;
/** A host and port, and a path: the "@" behind it belongs to that. */
const HOST_AND_PATH = /^[^/?#@:]*(?::\d+)?[/?#]/;

/** `password=x` of a query or of a list of keys and values. */
const PASSWORD_VALUE =
  /(\b(?:ssl)?(?:password|passwd|passphrase)\s*=\s*)('[^']*'|"[^"]*"|[^\s&;"']+)/gi;
/** What lets somebody read a signed URL. */
const SIGNATURE =
  /([?&](?:x-amz-[a-z-]+|x-goog-[a-z-]+|sig|signature|token|access_token|authz|key)=)[^\s&"'#]+/gi;

/** The text without passwords. */
export function withoutSecrets(text: string): string {
  let result = text;
  if (result.includes("://")) {
    result = result.replace(URL_WITH_USER, (whole, scheme: string, user: string) => {
      if (NO_USERS.test(scheme)) return whole;
      if (/^https?:/i.test(scheme)) return HOST_AND_PATH.test(user) ? whole : scheme;
      const at = user.search(/:|%3a/i);
      return at < 0 ? whole : `${scheme}${user.slice(0, at)}:${HIDDEN}@`;
    });
  }
  if (result.includes("=")) {
    result = result.replace(PASSWORD_VALUE, `$1${HIDDEN}`).replace(SIGNATURE, `$1${HIDDEN}`);
  }
  for (const secret of remembered) {
    if (result.includes(secret)) result = result.replaceAll(secret, HIDDEN);
  }
  return result;
}
