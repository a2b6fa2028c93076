/*
 * tribench: runs the benchmarks one after the other and prints a line when each starts and one when it ends.
 * The lines carry no time: whoever reads them takes it from their arrival, because a guest's clock may drift
 * from the host's.
 */
#include "bench.h"
#include "init.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* clang-format off */
static const struct benchmark benchmarks[] = {
    { "integer", "sieve",       bench_sieve,       100 },
    { "integer", "crc32",       bench_crc32,       1200 },
    { "integer", "sha256",      bench_sha256,      500 },
    { "integer", "quicksort",   bench_quicksort,   80 },
    { "integer", "interpreter", bench_interpreter, 20000 },
    { "integer", "calls",       bench_calls,       15000000 },
    { "integer", "recursion",   bench_recursion,   150 },
    { "integer", "mix",         bench_mix,         6000 },
    { "memory",  "chase",       bench_chase,       16000000 },
    { "memory",  "memcpy",      bench_memcpy,      3000 },
    { "float",   "nbody",       bench_nbody,       250000 },
    { "float",   "mandelbrot",  bench_mandelbrot,  3000 },
    { "float",   "matrix",      bench_matrix,      240 },
    { "system",  "syscalls",    bench_syscalls,    400000 },
    { "system",  "pipe",        bench_pipe,        8000 },
    { "system",  "fork",        bench_fork,        400 },
    { "system",  "faults",      bench_faults,      20 },
    { "system",  "signals",     bench_signals,     40000 },
    { "system",  "atomics",     bench_atomics,     7000000 },
};
/* clang-format on */

static const char *running = "?";
static bool is_init;

static _Noreturn void finish(int status)
{
    if (is_init)
        init_power_off();
    exit(status);
}

/* The line is on its way out of the machine before the work that it announces begins. */
static void say(const char *line)
{
    size_t length = strlen(line);
    while (length > 0) {
        ssize_t written = write(STDOUT_FILENO, line, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            finish(EXIT_FAILURE);
        line += written;
        length -= (size_t)written;
    }
    tcdrain(STDOUT_FILENO);
}

void bench_fail(const char *what)
{
    char line[160];
    snprintf(line, sizeof(line), "BENCH %s failed %s: %s\n", running, what, strerror(errno));
    say(line);
    finish(EXIT_FAILURE);
}

/* Whether a comma-separated list of groups, names and group/name pairs asks for this benchmark; none asks for
 * all. */
static bool is_wanted(const struct benchmark *bench, const char *only)
{
    if (!only || !*only)
        return true;
    char path[64];
    snprintf(path, sizeof(path), "%s/%s", bench->group, bench->name);
    while (*only) {
        size_t length = strcspn(only, ",");
        const char *candidates[] = {bench->group, bench->name, path};
        for (size_t i = 0; i < sizeof(candidates) / sizeof(*candidates); i++)
            if (strlen(candidates[i]) == length && memcmp(candidates[i], only, length) == 0)
                return true;
        only += length + (only[length] == ',');
    }
    return false;
}

static uint64_t rounds_of(const struct benchmark *bench, const struct settings *settings)
{
    if (settings->rounds)
        return settings->rounds;
    double rounds = (double)bench->rounds * settings->scale;
    return rounds < 1 ? 1 : (uint64_t)rounds;
}

static void run(const struct benchmark *bench, uint64_t rounds)
{
    char line[160];
    running = bench->name;
    snprintf(line, sizeof(line), "BENCH %s start\n", bench->name);
    say(line);
    uint64_t checksum = bench->run(rounds);
    snprintf(line, sizeof(line), "BENCH %s end checksum=%016llx\n", bench->name,
             (unsigned long long)checksum);
    say(line);
}

static _Noreturn void usage(void)
{
    fputs("usage: tribench [--list] [--scale FACTOR] [--rounds N] [--only GROUP|NAME|GROUP/NAME,...]\n",
          stderr);
    exit(2);
}

static void parse_arguments(int argc, char **argv, struct settings *settings, bool *list)
{
    for (int i = 1; i < argc; i++) {
        char *end = "";
        if (strcmp(argv[i], "--list") == 0)
            *list = true;
        else if (i + 1 == argc)
            usage();
        else if (strcmp(argv[i], "--scale") == 0)
            settings->scale = strtod(argv[++i], &end);
        else if (strcmp(argv[i], "--rounds") == 0)
            settings->rounds = strtoull(argv[++i], &end, 10);
        else if (strcmp(argv[i], "--only") == 0)
            settings->only = argv[++i];
        else
            usage();
        if (*end)
            usage();
    }
    if (!(settings->scale > 0 && settings->scale <= 1000))
        usage();
}

int main(int argc, char **argv)
{
    struct settings settings = {.scale = 1};
    bool list = false;

    is_init = getpid() == 1;
    if (is_init) {
        say("BENCH boot\n");
        init_prepare(&settings);
        init_settle();
    } else {
        parse_arguments(argc, argv, &settings, &list);
    }

    for (size_t i = 0; i < sizeof(benchmarks) / sizeof(*benchmarks); i++) {
        const struct benchmark *bench = &benchmarks[i];
        uint64_t rounds = rounds_of(bench, &settings);
        if (!is_wanted(bench, settings.only))
            continue;
        if (list)
            printf("%s %s %llu\n", bench->group, bench->name, (unsigned long long)rounds);
        else
            run(bench, rounds);
    }
    if (!list)
        say("BENCH done\n");
    fflush(stdout);
    finish(EXIT_SUCCESS);
}
