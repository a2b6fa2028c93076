/*
 * The C face of the test runner: a test file is a table of functions, and checks report where and what.
 * GoogleTest runs them (harness.cc), so its filters, shuffling and reports work.
 */
#pragma once

#include "base/types.h"

/* A file tests/<folder>/<name>_test.c defines `const struct test_suite <name>_test`; the build finds it by
 * its name. */
struct test_case {
    const char *name;
    void (*run)(void);
};

struct test_suite {
    const char *label; /* "unit", "insn", "guest", "boot" or "fuzz": the CTest label */
    const struct test_case *cases;
    size_t count;
};

#define TEST_SUITE(suite, label_text, table)                                                                 \
    extern const struct test_suite suite;                                                                    \
    const struct test_suite suite = {.label = label_text, .cases = table, .count = ARRAY_LEN(table)}

/* A failed CHECK is reported and the test goes on; the value is whether it held, so `if (!CHECK(p)) return;`
 * works. */
#define CHECK(cond) test_check(__FILE__, __LINE__, (cond), #cond)
#define CHECK_EQ(actual, expected)                                                                           \
    test_check_eq(__FILE__, __LINE__, (uint64_t)(actual), (uint64_t)(expected), #actual)
#define CHECK_STR(actual, expected) test_check_str(__FILE__, __LINE__, (actual), (expected), #actual)
#define CHECK_MEM(actual, expected, len)                                                                     \
    test_check_mem(__FILE__, __LINE__, (actual), (expected), (len), #actual)

/* Report a failure with a text of one's own. */
#define FAIL(...) test_fail(__FILE__, __LINE__, __VA_ARGS__)

/* End the test as skipped: the text says what is missing. The caller returns afterwards. */
#define SKIP(...) test_skip(__FILE__, __LINE__, __VA_ARGS__)

bool test_check(const char *file, int line, bool held, const char *text);
bool test_check_eq(const char *file, int line, uint64_t actual, uint64_t expected, const char *text);
bool test_check_str(const char *file, int line, const char *actual, const char *expected, const char *text);
bool test_check_mem(const char *file, int line, const void *actual, const void *expected, size_t len,
                    const char *text);
void test_fail(const char *file, int line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void test_skip(const char *file, int line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Context that is printed with each failure until it is replaced; NULL clears it. For loops over cases. */
void test_context(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A repeatable random number generator; every test starts with the same seed (TRIARCH_TEST_SEED changes it).
 */
uint64_t test_random(void);
/* One below `limit`. */
static inline uint64_t test_random_below(uint64_t limit)
{
    return test_random() % limit;
}

/* An environment variable's value (paths of guests, peers), or NULL when it is unset or empty. */
const char *test_env(const char *name);
