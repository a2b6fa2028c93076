/* The rows of insns.def as data, and finding the one that fits. */
#include <stdio.h>
#include <stdlib.h>

#include "cpu/aarch64/decode.h"

#define A64_ROW(id, pattern_text, variant_number, format_id, feature_id, row_flags)                          \
    {.name = #id,                                                                                            \
     .pattern = pattern_text,                                                                                \
     .run = a64_##id,                                                                                        \
     .format = FMT_##format_id,                                                                              \
     .flags = ROW_##row_flags,                                                                               \
     .feature = FEAT_##feature_id,                                                                           \
     .variant = variant_number},
static const struct a64_row table[] = {
#include "cpu/aarch64/insns.def"
};
#undef A64_ROW

/* Rows are looked for by the eleven bits 31:21, which every family fixes some of. */
#define KEY_SHIFT 21
#define KEYS      (1u << (32 - KEY_SHIFT))

struct a64_decoder {
    struct a64_row rows[ARRAY_LEN(table)]; /* those the model has, most fixed bits first */
    unsigned count;
    uint32_t starts[KEYS + 1]; /* where each key's part of `candidates` begins */
    uint16_t *candidates;      /* numbers of rows */
    uint64_t bitmasks[1 << 13];
};

/* What number `n` from the right of a letter in a pattern stands for: '0', '1', or '.' for an operand. */
static char letter_value(char letter, unsigned n, unsigned variant)
{
    static const uint8_t ftypes[4] = {[1] = 3, [2] = 0, [3] = 1};
    switch (letter) {
    case 'c':
    case 'z': return (char)('0' + (variant >> n & 1));
    case 'f': return (char)('0' + (ftypes[variant] >> n & 1));
    case 'i': return n > variant ? '0' : n == variant ? '1' : '.';
    case 'e': return n < variant ? '0' : n == variant ? '1' : '.';
    case 'q': return variant == 3 ? '1' : '.';
    default: return letter;
    }
}

static void pattern_parse(struct a64_row *row)
{
    unsigned bit = 0, letters = 0;
    for (size_t n = strlen(row->pattern); n-- > 0;) {
        char letter = row->pattern[n];
        if (letter == ' ')
            continue;
        char value = letter_value(letter, letters, row->variant);
        letters += letter >= 'a' && letter <= 'z'; /* a pattern has one kind of them, beside q at its top */
        if (value == '0' || value == '1')
            row->mask |= (uint32_t)1 << bit;
        if (value == '1')
            row->match |= (uint32_t)1 << bit;
        bit++;
    }
}

static int compare_rows(const void *a, const void *b)
{
    const struct a64_row *x = a, *y = b;
    return __builtin_popcount(y->mask) - __builtin_popcount(x->mask);
}

/* Enter row `number` under every key it may have: those that agree with its fixed bits. */
static void row_enter(struct a64_decoder *decoder, unsigned number, uint32_t *fill)
{
    const struct a64_row *row = &decoder->rows[number];
    uint32_t fixed = row->mask >> KEY_SHIFT, free = ~fixed & (KEYS - 1), subset = 0;
    do {
        uint32_t key = row->match >> KEY_SHIFT | subset;
        if (decoder->candidates)
            decoder->candidates[fill[key]] = (uint16_t)number;
        fill[key]++;
        subset = (subset - free) & free;
    } while (subset);
}

static void candidates_fill(struct a64_decoder *decoder)
{
    uint32_t *fill = calloc(KEYS, sizeof(*fill));
    if (!fill)
        abort();
    for (unsigned n = 0; n < decoder->count; n++)
        row_enter(decoder, n, fill);
    for (uint32_t key = 0; key < KEYS; key++) {
        decoder->starts[key + 1] = decoder->starts[key] + fill[key];
        fill[key] = decoder->starts[key];
    }
    decoder->candidates = calloc(decoder->starts[KEYS] + 1, sizeof(*decoder->candidates));
    if (!decoder->candidates)
        abort();
    for (unsigned n = 0; n < decoder->count; n++)
        row_enter(decoder, n, fill);
    free(fill);
}

struct a64_decoder *a64_decoder_create(const struct aarch64_model *model)
{
    struct a64_decoder *decoder = calloc(1, sizeof(*decoder));
    if (!decoder)
        abort();
    for (size_t n = 0; n < ARRAY_LEN(table); n++) {
        if (!aarch64_model_has(model, table[n].feature))
            continue;
        decoder->rows[decoder->count] = table[n];
        pattern_parse(&decoder->rows[decoder->count++]);
    }
    qsort(decoder->rows, decoder->count, sizeof(decoder->rows[0]), compare_rows);
    candidates_fill(decoder);
    for (uint32_t n = 0; n < ARRAY_LEN(decoder->bitmasks); n++)
        decoder->bitmasks[n] = a64_bitmask(n);
    return decoder;
}

void a64_decoder_destroy(struct a64_decoder *decoder)
{
    if (!decoder)
        return;
    free(decoder->candidates);
    free(decoder);
}

const struct a64_row *a64_rows(const struct a64_decoder *decoder, size_t *count)
{
    *count = decoder->count;
    return decoder->rows;
}

const uint64_t *a64_decoder_bitmasks(const struct a64_decoder *decoder)
{
    return decoder->bitmasks;
}

const struct a64_row *a64_row_find(const struct a64_decoder *decoder, uint32_t bits)
{
    uint32_t key = bits >> KEY_SHIFT;
    for (uint32_t n = decoder->starts[key]; n < decoder->starts[key + 1]; n++) {
        const struct a64_row *row = &decoder->rows[decoder->candidates[n]];
        if ((bits & row->mask) == row->match)
            return row;
    }
    return NULL;
}

/* Some addressing modes have a letter of their own in the mnemonic: ldur, ldnp. */
void a64_row_mnemonic(const struct a64_row *row, char *text, size_t size)
{
    const char *letter = strstr(row->name, "__unscaled") ? "u" : strstr(row->name, "__np") ? "n" : "";
    int len = (int)strcspn(row->name, "_"), before = *letter ? 2 : len;
    snprintf(text, size, "%.*s%s%.*s", before, row->name, letter, len - before, row->name + before);
}
