/* Makes files slow, as behind a network: preloaded, it lets every stat() and open() of a path that
 * contains SLOW_FILES_UNDER take SLOW_FILES_MICROSECONDS longer. See slow_files.ts. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

/* Not strstr(): the loader itself calls us, before it has chosen an implementation of that. */
static int contains(const char *text, const char *part) {
  for (; *text != 0; text++) {
    size_t n = 0;
    while (part[n] != 0 && text[n] == part[n]) n++;
    if (part[n] == 0) return 1;
  }
  return 0;
}

static void wait_for(const char *path) {
  const char *under = getenv("SLOW_FILES_UNDER");
  const char *microseconds = getenv("SLOW_FILES_MICROSECONDS");
  if (path == NULL || under == NULL || microseconds == NULL || !contains(path, under)) return;
  long n = atol(microseconds);
  if (n == 0) return;
  struct timespec pause = {n / 1000000, n % 1000000 * 1000};
  nanosleep(&pause, NULL);
}

int open64(const char *path, int flags, ...) {
  static int (*real)(const char *, int, ...);
  if (real == NULL) real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64");
  mode_t mode = 0;
  if (flags & (O_CREAT | O_TMPFILE)) {
    va_list rest;
    va_start(rest, flags);
    mode = va_arg(rest, mode_t);
    va_end(rest);
  }
  wait_for(path);
  return real(path, flags, mode);
}

int statx(int directory, const char *restrict path, int flags, unsigned mask,
          struct statx *restrict result) {
  static int (*real)(int, const char *, int, unsigned, struct statx *);
  if (real == NULL) {
    real = (int (*)(int, const char *, int, unsigned, struct statx *))dlsym(RTLD_NEXT, "statx");
  }
  wait_for(path);
  return real(directory, path, flags, mask, result);
}
