/*
 * The log: lines on standard error about what a guest did wrong or what the program decided. Not for errors
 * that end the program (base/error.h) and not for tracing (base/trace.h).
 */
#pragma once

#include "base/types.h"

enum log_level {
    LOG_QUIET,   /* nothing */
    LOG_WARN,    /* guest misbehaviour and what a user should know */
    LOG_VERBOSE, /* decisions: which firmware, which engine, which kernel */
};

void log_level_set(enum log_level level);
enum log_level log_level_get(void);

/* A line for the user about something worth knowing. */
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A line shown with --verbose. */
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * One place in the program that reports guest misbehaviour. Each place has a static one of these, so that a
 * guest which repeats itself fills no disk: a place prints LOG_GUEST_BURST lines, then one in 2^n.
 */
struct log_site {
    uint64_t count;
};
#define LOG_GUEST_BURST 8

void log_guest_at(struct log_site *site, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Report guest misbehaviour, rate-limited for the place it is written at. */
#define log_guest(...)                                                                                       \
    do {                                                                                                     \
        static struct log_site log_site_here;                                                                \
        log_guest_at(&log_site_here, __VA_ARGS__);                                                           \
    } while (0)
