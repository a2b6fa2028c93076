/* The rows of insns.def as data, and finding the one that fits. */
#include <stdio.h>
#include <stdlib.h>

#include "cpu/aarch64/decode.h"

#define ROW(id, pattern_text, cond, format_id, feature_id, row_flags)                                        \
    {.name = #id,                                                                                            \
     .pattern = pattern_text,                                                                                \
     .run = a64_##id,                                                                                        \
     .format = FMT_##format_id,                                                                              \
     .flags = ROW_##row_flags,                                                                               \
     .feature = FEAT_##feature_id,                                                                           \
     .condition = cond},
#define INSN(id, pattern, format, feature, flags) ROW(id, pattern, 0, format, feature, flags)
/* clang-format off */
#define INSN_CC(id, pattern, format, feature, flags)                                                         \
    ROW(id##_eq, pattern, 0, format, feature, flags) ROW(id##_ne, pattern, 1, format, feature, flags)        \
    ROW(id##_cs, pattern, 2, format, feature, flags) ROW(id##_cc, pattern, 3, format, feature, flags)        \
    ROW(id##_mi, pattern, 4, format, feature, flags) ROW(id##_pl, pattern, 5, format, feature, flags)        \
    ROW(id##_vs, pattern, 6, format, feature, flags) ROW(id##_vc, pattern, 7, format, feature, flags)        \
    ROW(id##_hi, pattern, 8, format, feature, flags) ROW(id##_ls, pattern, 9, format, feature, flags)        \
    ROW(id##_ge, pattern, 10, format, feature, flags) ROW(id##_lt, pattern, 11, format, feature, flags)      \
    ROW(id##_gt, pattern, 12, format, feature, flags) ROW(id##_le, pattern, 13, format, feature, flags)      \
    ROW(id##_al, pattern, 14, format, feature, flags) ROW(id##_nv, pattern, 15, format, feature, flags)
/* clang-format on */
static const struct a64_row table[] = {
#include "cpu/aarch64/insns.def"
};
#undef INSN
#undef INSN_CC
#undef ROW

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

const struct a64_row *a64_rows(size_t *count)
{
    *count = ARRAY_LEN(table);
    return table;
}

static void pattern_parse(struct a64_row *row)
{
    unsigned bit = 32, condition_bit = 4;
    for (const char *p = row->pattern; *p; p++) {
        if (*p == ' ')
            continue;
        bit--;
        bool one = *p == '1';
        if (*p == 'c')
            one = row->condition >> --condition_bit & 1;
        else if (*p != '0' && *p != '1')
            continue;
        row->mask |= (uint32_t)1 << bit;
        row->match |= (uint32_t)one << bit;
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
