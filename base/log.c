#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

static enum log_level level_now = LOG_WARN;

void log_level_set(enum log_level level)
{
    level_now = level;
}

enum log_level log_level_get(void)
{
    return level_now;
}

/* One write a line, so that lines of several threads don't mix; \r because the terminal may be in raw mode.
 */
static void line_print(const char *prefix, const char *fmt, va_list args)
{
    char text[1024];
    vsnprintf(text, sizeof(text), fmt, args);
    fprintf(stderr, "vm-cli: %s%s\r\n", prefix, text);
}

void log_warn(const char *fmt, ...)
{
    if (level_now < LOG_WARN)
        return;
    va_list args;
    va_start(args, fmt);
    line_print("", fmt, args);
    va_end(args);
}

void log_info(const char *fmt, ...)
{
    if (level_now < LOG_VERBOSE)
        return;
    va_list args;
    va_start(args, fmt);
    line_print("", fmt, args);
    va_end(args);
}

void log_guest_at(struct log_site *site, const char *fmt, ...)
{
    if (level_now < LOG_WARN)
        return;
    uint64_t n = __atomic_add_fetch(&site->count, 1, __ATOMIC_RELAXED);
    if (n > LOG_GUEST_BURST && (n & (n - 1)) != 0)
        return;
    va_list args;
    va_start(args, fmt);
    line_print("guest: ", fmt, args);
    va_end(args);
}
