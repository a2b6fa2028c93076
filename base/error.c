#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool error_set(struct error *err, enum error_kind kind, const char *fmt, ...)
{
    if (err) {
        va_list args;
        va_start(args, fmt);
        err->kind = kind;
        vsnprintf(err->text, sizeof(err->text), fmt, args);
        va_end(args);
    }
    return false;
}

bool error_errno(struct error *err, enum error_kind kind, const char *fmt, ...)
{
    int number = errno;
    if (err) {
        va_list args;
        va_start(args, fmt);
        err->kind = kind;
        vsnprintf(err->text, sizeof(err->text), fmt, args);
        va_end(args);
        size_t used = strlen(err->text);
        snprintf(err->text + used, sizeof(err->text) - used, ": %s", strerror(number));
    }
    return false;
}

bool error_prefix(struct error *err, const char *fmt, ...)
{
    if (err) {
        char old[sizeof(err->text)];
        memcpy(old, err->text, sizeof(old));
        va_list args;
        va_start(args, fmt);
        vsnprintf(err->text, sizeof(err->text), fmt, args);
        va_end(args);
        size_t used = strlen(err->text);
        snprintf(err->text + used, sizeof(err->text) - used, ": %s", old);
    }
    return false;
}
