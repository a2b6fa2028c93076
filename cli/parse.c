#include "cli/parse.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/types.h"

#define WORD_MAX 32

bool parse_number(const char *text, uint64_t low, uint64_t high, uint64_t *value)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0' && *value >= low && *value <= high;
}

bool parse_size(const char *text, uint64_t *value)
{
    static const char units[] = "BKMGT";
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    *value = strtoull(text, &end, 10);
    if (errno)
        return false;
    if (*end == '\0')
        return true;
    char unit = (char)(*end & ~0x20);
    const char *found = strchr(units, unit);
    if (!found || !unit)
        return false;
    end++;
    /* "1GiB" and "1GB" mean the same as "1G": memory comes in powers of two. */
    if (*end == 'i')
        end++;
    if (found != units && (*end == 'B' || *end == 'b'))
        end++;
    unsigned shift = 10 * (unsigned)(found - units);
    if (*end != '\0' || *value > UINT64_MAX >> shift)
        return false;
    *value <<= shift;
    return true;
}

void format_size(uint64_t value, char *text, size_t size)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    unsigned unit = 0;
    uint64_t scale = 1;
    while (unit + 1 < ARRAY_LEN(units) && value / scale >= 1024) {
        scale *= 1024;
        unit++;
    }
    if (value % scale == 0)
        snprintf(text, size, "%llu %s", (unsigned long long)(value / scale), units[unit]);
    else
        snprintf(text, size, "%.1f %s", (double)value / (double)scale, units[unit]);
}

char *parse_part(char **rest)
{
    char *part = *rest;
    if (!part)
        return NULL;
    char *to = part;
    for (char *from = part;; from++) {
        if (*from == ',' && from[1] == ',') {
            from++;
        } else if (*from == ',' || *from == '\0') {
            *rest = *from ? from + 1 : NULL;
            *to = '\0';
            return part;
        }
        *to++ = *from;
    }
}

/* Levenshtein's distance of two words, up to WORD_MAX letters of each. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[WORD_MAX + 1];
    size_t a_len = strnlen(a, WORD_MAX), b_len = strnlen(b, WORD_MAX);
    for (unsigned j = 0; j <= b_len; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a_len; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= b_len; j++) {
            unsigned best = diagonal + (a[i - 1] != b[j - 1]);
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[b_len];
}

const char *nearest_word(const char *word, const char *const *words, size_t count)
{
    const char *best = NULL;
    unsigned best_distance = 1 + (unsigned)strnlen(word, WORD_MAX) / 3;
    for (size_t i = 0; i < count; i++) {
        unsigned d = distance(word, words[i]);
        if (d <= best_distance && (!best || d < best_distance)) {
            best = words[i];
            best_distance = d;
        }
    }
    return best;
}

struct kept {
    struct kept *next;
    char *text;
};
static struct kept *kept;

char *text_keep(const char *format, ...)
{
    va_list args;
    struct kept *keep = malloc(sizeof(*keep));
    va_start(args, format);
    if (!keep || vasprintf(&keep->text, format, args) < 0)
        abort();
    va_end(args);
    keep->next = kept;
    kept = keep;
    return keep->text;
}
