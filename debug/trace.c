#include "debug/trace.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"

static const struct {
    const char *name;
    uint32_t mask;
} kinds[] = {
    {"insn", TRACE_INSN}, {"block", TRACE_BLOCK}, {"exc", TRACE_EXC}, {"irq", TRACE_IRQ},
    {"mmu", TRACE_MMU},   {"io", TRACE_IO},       {"all", ~0u},
};

static FILE *file;
static uint64_t first, limit; /* lines [first, limit) are written */
static _Atomic uint64_t lines;

static const char *kind_name(enum trace_kind kind)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].mask == (uint32_t)kind)
            return kinds[i].name;
    return "?";
}

static void line_write(enum trace_kind kind, int cpu, const char *text)
{
    uint64_t number = atomic_fetch_add(&lines, 1);
    if (number < first)
        return;
    if (number >= limit) {
        trace_mask = 0; /* enough: the guest goes on at full speed */
        return;
    }
    if (cpu >= 0)
        fprintf(file, "%d %-5s %s%s", cpu, kind_name(kind), text, file == stderr ? "\r\n" : "\n");
    else
        fprintf(file, "- %-5s %s%s", kind_name(kind), text, file == stderr ? "\r\n" : "\n");
}

static bool number_parse(const char *word, const char *text, uint64_t *value, struct error *err)
{
    char *end;
    *value = strtoull(text, &end, 0);
    if (*text < '0' || *text > '9' || *end)
        return error_set(err, ERROR_USAGE, "--trace: '%s' needs a number, as in count=1000", word);
    return true;
}

static bool word_take(const char *word, struct error *err)
{
    if (strncmp(word, "from=", 5) == 0)
        return number_parse(word, word + 5, &first, err);
    if (strncmp(word, "count=", 6) == 0) {
        if (!number_parse(word, word + 6, &limit, err))
            return false;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (strcmp(word, kinds[i].name) == 0) {
            trace_mask |= kinds[i].mask;
            return true;
        }
    }
    return error_set(
        err, ERROR_USAGE,
        "--trace: there is nothing called '%s' to trace; choose among insn, block, exc, irq, mmu, io, all",
        word);
}

bool trace_open(const char *spec, struct error *err)
{
    char *copy = strdup(spec), *rest = copy, *word;
    char *path = NULL;
    uint64_t none = ~(uint64_t)0;
    if (!copy)
        abort();
    first = 0;
    limit = none;
    bool good = true;
    while (good && (word = strsep(&rest, ",")) != NULL) {
        /* The file name stands behind the last kind. */
        char *colon = path ? NULL : strchr(word, ':');
        if (colon) {
            *colon = 0;
            path = colon + 1;
        }
        good = word_take(word, err);
    }
    if (good && limit != none)
        limit = limit > none - first ? none : first + limit;
    if (good && trace_mask == 0)
        good =
            error_set(err, ERROR_USAGE, "--trace needs at least one of insn, block, exc, irq, mmu, io, all");
    file = stderr;
    if (good && path) {
        file = fopen(path, "w");
        if (!file)
            good = error_errno(err, ERROR_IMAGE, "--trace: can't write %s", path);
    }
    if (good)
        trace_sink = line_write;
    else
        trace_mask = 0;
    free(copy);
    return good;
}

void trace_close(void)
{
    trace_mask = 0;
    trace_sink = NULL;
    if (file && file != stderr)
        fclose(file);
    file = NULL;
}
