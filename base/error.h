/*
 * Host and user failures on their way up to cli/, which alone prints them. A function that can fail so takes
 * a `struct error *` last, returns false or NULL, and has then set it; nothing below cli/ prints or exits.
 */
#pragma once

#include "base/types.h"

enum error_kind {
    ERROR_NONE,
    ERROR_USAGE, /* the command line or configuration is wrong: exit status 2 */
    ERROR_IMAGE, /* an image or a file can't be used: exit status 3 */
    ERROR_HOST,  /* the host refused something (memory, a thread, a socket): exit status 1 */
};

struct error {
    enum error_kind kind;
    char text[1024]; /* one sentence: what failed, on what, what to do; no newline, no full stop */
};

/* Set *err (which may be NULL when the caller doesn't care). Returns false, so that `return error_set(...)`
 * reads well. */
bool error_set(struct error *err, enum error_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As error_set, with ": " and the text of errno added. */
bool error_errno(struct error *err, enum error_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Put a context in front of what err says already: "fmt: text". */
bool error_prefix(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
