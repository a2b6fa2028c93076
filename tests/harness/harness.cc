// The one C++ file of the tests: registers the C tables with GoogleTest and turns its checks into
// GoogleTest's.
#define GTEST_DONT_DEFINE_FAIL 1
#include <gtest/gtest.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

extern "C" {
#include "tests/harness/test.h"

struct named_suite {
    const char *name;
    const struct test_suite *suite;
};
extern const struct named_suite test_suites[];
extern const size_t test_suites_count;
}

static std::string context;
static uint64_t random_state;

static std::string vformat(const char *fmt, va_list args)
{
    char text[4096];
    vsnprintf(text, sizeof(text), fmt, args);
    return text;
}

static void report(const char *file, int line, const std::string &text)
{
    std::string all = context.empty() ? text : text + "\n  with " + context;
    GTEST_MESSAGE_AT_(file, line, all.c_str(), ::testing::TestPartResult::kNonFatalFailure);
}

extern "C" bool test_check(const char *file, int line, bool held, const char *text)
{
    if (!held)
        report(file, line, std::string("does not hold: ") + text);
    return held;
}

extern "C" bool test_check_eq(const char *file, int line, uint64_t actual, uint64_t expected,
                              const char *text)
{
    if (actual != expected) {
        char numbers[128];
        snprintf(numbers, sizeof(numbers), " is %#llx (%lld), expected %#llx (%lld)",
                 (unsigned long long)actual, (long long)actual, (unsigned long long)expected,
                 (long long)expected);
        report(file, line, text + std::string(numbers));
    }
    return actual == expected;
}

extern "C" bool test_check_str(const char *file, int line, const char *actual, const char *expected,
                               const char *text)
{
    bool same = actual && expected && strcmp(actual, expected) == 0;
    if (!same)
        report(file, line,
               std::string(text) + " is \"" + (actual ? actual : "(null)") + "\", expected \"" +
                   (expected ? expected : "(null)") + "\"");
    return same;
}

extern "C" bool test_check_mem(const char *file, int line, const void *actual, const void *expected,
                               size_t len, const char *text)
{
    const uint8_t *a = static_cast<const uint8_t *>(actual), *e = static_cast<const uint8_t *>(expected);
    for (size_t i = 0; i < len; i++) {
        if (a[i] != e[i]) {
            char where[128];
            snprintf(where, sizeof(where), " differs at byte %zu: %02x, expected %02x", i, a[i], e[i]);
            report(file, line, text + std::string(where));
            return false;
        }
    }
    return true;
}

extern "C" void test_fail(const char *file, int line, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    report(file, line, vformat(fmt, args));
    va_end(args);
}

extern "C" void test_skip(const char *file, int line, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    std::string text = vformat(fmt, args);
    va_end(args);
    GTEST_MESSAGE_AT_(file, line, text.c_str(), ::testing::TestPartResult::kSkip);
}

extern "C" void test_context(const char *fmt, ...)
{
    context.clear();
    if (!fmt)
        return;
    va_list args;
    va_start(args, fmt);
    context = vformat(fmt, args);
    va_end(args);
}

extern "C" uint64_t test_random(void)
{
    // splitmix64: any seed is a good one.
    uint64_t z = random_state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

extern "C" const char *test_env(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : nullptr;
}

namespace
{
class c_test : public ::testing::Test
{
  public:
    explicit c_test(void (*run)(void)) : run_(run)
    {
    }
    void TestBody() override
    {
        const char *seed = test_env("TRIARCH_TEST_SEED");
        random_state = seed ? strtoull(seed, nullptr, 0) : 1;
        context.clear();
        run_();
    }

  private:
    void (*run_)(void);
};
} // namespace

// CTest runs one process per label and suite: `tests --label unit` keeps the suites of that label only.
int main(int argc, char **argv)
{
    ::testing::InitGoogleTest(&argc, argv);
    const char *label = argc == 3 && strcmp(argv[1], "--label") == 0 ? argv[2] : nullptr;
    if (argc != 1 && !label) {
        fprintf(stderr, "usage: %s [--label unit|insn|guest|boot|fuzz] [--gtest_...]\n", argv[0]);
        return 2;
    }
    for (size_t i = 0; i < test_suites_count; i++) {
        const struct named_suite *named = &test_suites[i];
        if (label && strcmp(label, named->suite->label) != 0)
            continue;
        for (size_t j = 0; j < named->suite->count; j++) {
            void (*run)(void) = named->suite->cases[j].run;
            ::testing::RegisterTest(named->name, named->suite->cases[j].name, nullptr, nullptr, __FILE__,
                                    __LINE__, [run]() -> ::testing::Test * { return new c_test(run); });
        }
    }
    if (::testing::UnitTest::GetInstance()->test_case_to_run_count() == 0 &&
        ::testing::UnitTest::GetInstance()->total_test_suite_count() == 0) {
        fprintf(stderr, "no test has the label %s\n", label ? label : "(any)");
        return 2;
    }
    return RUN_ALL_TESTS();
}
