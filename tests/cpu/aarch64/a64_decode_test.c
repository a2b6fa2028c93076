/*
 * The instruction table: no two rows claim the same bits with equal right, every row's patterns are what they
 * say, and an independent disassembler has the same names for them.
 */
#include <stdio.h>

#include "base/bits.h"
#include "cpu/aarch64/decode.h"
#include "tests/harness/test.h"

#if HAVE_CAPSTONE
#include <capstone/capstone.h>
#endif

static struct a64_decoder *decoder_create(const char *text)
{
    struct aarch64_model model;
    struct error err;
    CHECK(aarch64_model_parse(&model, text, &err));
    return a64_decoder_create(&model);
}

/* The letters in patterns, by rows whose bits the manual gives. */
static void letters(void)
{
    static const struct {
        const char *name;
        uint32_t match, mask;
    } expected[] = {
        {"csel_x_gt", 0x9a80c000, 0xffe0fc00}, /* cccc */
        {"add__v_h", 0x0e608400, 0xbfe0fc00},  /* zz: size 01, any Q */
        {"add__v_d", 0x4ee08400, 0xffe0fc00},  /* q: 1 for 2D */
        {"fadd__v_s", 0x0e20d400, 0xbfe0fc00}, /* z: sz */
        {"fadd__v_d", 0x4e60d400, 0xffe0fc00}, /* and both */
        {"fadd_h", 0x1ee02800, 0xffe0fc00},    /* ff: ftype 11 */
        {"fadd_s", 0x1e202800, 0xffe0fc00},    /* 00 */
        {"fadd_d", 0x1e602800, 0xffe0fc00},    /* 01 */
        {"shl__v_b", 0x0f085400, 0xbff8fc00},  /* iiii: immh 0001 */
        {"shl__v_s", 0x0f205400, 0xbfe0fc00},  /* 01xx */
        {"umov_h", 0x0e023c00, 0xffe3fc00},    /* eeee: imm5 xxx10 */
        {"dup__v_d", 0x4e080400, 0xffeffc00},  /* x1000 */
    };
    struct a64_decoder *decoder = decoder_create("max");
    for (size_t n = 0; n < ARRAY_LEN(expected); n++) {
        const struct a64_row *row = a64_row_find(decoder, expected[n].match);
        if (!CHECK(row != NULL))
            continue;
        test_context("%s", expected[n].name);
        CHECK_STR(row->name, expected[n].name);
        CHECK_EQ(row->match, expected[n].match);
        CHECK_EQ(row->mask, expected[n].mask);
    }
    test_context(NULL);
    a64_decoder_destroy(decoder);
}

/* Two rows that fit the same instruction: one has to be a special case of the other. */
static void no_ambiguity(void)
{
    struct a64_decoder *decoder = decoder_create("max");
    size_t count;
    const struct a64_row *rows = a64_rows(decoder, &count);
    for (size_t a = 0; a < count; a++) {
        for (size_t b = a + 1; b < count; b++) {
            bool both = ((rows[a].match ^ rows[b].match) & rows[a].mask & rows[b].mask) == 0;
            uint32_t common = rows[a].mask & rows[b].mask;
            bool nested = common == rows[a].mask || common == rows[b].mask;
            if (both && (!nested || rows[a].mask == rows[b].mask))
                FAIL("%s and %s have an instruction in common", rows[a].name, rows[b].name);
        }
    }
    CHECK(count > 1000);
    a64_decoder_destroy(decoder);
}

/* Every row is found by an instruction that is it and no special case's. */
static void every_row_found(void)
{
    struct a64_decoder *decoder = decoder_create("max");
    size_t count;
    const struct a64_row *rows = a64_rows(decoder, &count);
    for (size_t n = 0; n < count; n++) {
        bool found = false;
        for (unsigned i = 0; i < 200 && !found; i++)
            found =
                a64_row_find(decoder, rows[n].match | ((uint32_t)test_random() & ~rows[n].mask)) == &rows[n];
        if (!found)
            FAIL("%s is never found", rows[n].name);
    }
    a64_decoder_destroy(decoder);
}

/* Every logical immediate, by the definition: a run of ones, rotated, in elements of 2 to 64 bits. */
static void bitmasks(void)
{
    unsigned valid = 0;
    for (unsigned size = 2; size <= 64; size *= 2) {
        for (unsigned ones = 1; ones < size; ones++) {
            for (unsigned rotation = 0; rotation < size; rotation++) {
                uint64_t value = 0;
                for (unsigned bit = 0; bit < 64; bit++)
                    value |= (uint64_t)((bit + rotation) % size < ones) << bit;
                unsigned n = size == 64, imms = (ones - 1) | (~(2 * size - 1) & 0x3f);
                if (size == 64)
                    imms = ones - 1;
                CHECK_EQ(a64_bitmask(n << 12 | rotation << 6 | imms), value);
                valid++;
            }
        }
    }
    CHECK_EQ(valid, 5334);
    CHECK_EQ(a64_bitmask(0x3f), 0);
    CHECK_EQ(a64_bitmask(0x3e), 0);
    CHECK_EQ(a64_bitmask(1 << 12 | 0x3f), 0);
}

#if HAVE_CAPSTONE
/* Where the table's name is not the printed one's beginning: an alias the disassembler prefers. */
static bool alias(const char *row, const char *printed)
{
    static const char *const aliases[][2] = {
        {"add", "mov"},       {"sub", "neg"},       {"subs", "negs"},     {"subs", "cmp"},
        {"adds", "cmn"},      {"ands", "tst"},      {"orr", "mov"},       {"orn", "mvn"},
        {"movz", "mov"},      {"movn", "mov"},      {"sbc", "ngc"},       {"sbcs", "ngcs"},
        {"ubfm", "ubfx"},     {"ubfm", "ubfiz"},    {"ubfm", "lsl"},      {"ubfm", "lsr"},
        {"ubfm", "uxtb"},     {"ubfm", "uxth"},     {"sbfm", "sbfx"},     {"sbfm", "sbfiz"},
        {"sbfm", "asr"},      {"sbfm", "sxt"},      {"bfm", "bfi"},       {"bfm", "bfxil"},
        {"bfm", "bfc"},       {"extr", "ror"},      {"csinc", "cinc"},    {"csinc", "cset"},
        {"csinv", "cinv"},    {"csinv", "csetm"},   {"csneg", "cneg"},    {"madd", "mul"},
        {"msub", "mneg"},     {"smaddl", "smull"},  {"smsubl", "smnegl"}, {"umaddl", "umull"},
        {"umsubl", "umnegl"}, {"sys", "dc"},        {"sys", "ic"},        {"sys", "at"},
        {"sys", "tlbi"},      {"hint", "nop"},      {"hint", "yield"},    {"hint", "csdb"},
        {"hint", "psb"},      {"hint", "esb"},      {"bti", "hint"},      {"ldadd", "stadd"},
        {"ldclr", "stclr"},   {"ldeor", "steor"},   {"ldset", "stset"},   {"ldsmax", "stsmax"},
        {"ldsmin", "stsmin"}, {"ldumax", "stumax"}, {"ldumin", "stumin"}, {"prfm", "prfum"},
        {"lsl", "lslv"},      {"mov", "movz"},      {"mov", "orr"},       {"rev32", "rev32"},
        {"cmp", "subs"},      {"cmn", "adds"},      {"tst", "ands"},      {"cas", "cas"},
        {"msr", "msr"},       {"dsb", "ssbb"},      {"dsb", "pssbb"},     {"dsb", "dfb"},
        {"svc", "svc"},       {"sysl", "sysl"},     {"b", "b."},          {"not", "mvn"},
        {"dup", "mov"},       {"umov", "mov"},      {"ins", "mov"},       {"orr", "mov"},
        {"xpaclri", "hint"},  {"cfinv", "msr"},     {"mov", "mov"},       {"eret", "eret"},
        {"stllr", "stllr"},   {"asr", "sbfm"},      {"uxtb", "ubfm"},     {"sxtw", "sbfm"},
        {"sshll", "sxtl"},    {"ushll", "uxtl"},
    };
    for (size_t n = 0; n < ARRAY_LEN(aliases); n++) {
        if (strcmp(aliases[n][0], row) == 0 && strncmp(aliases[n][1], printed, strlen(aliases[n][1])) == 0)
            return true;
    }
    return false;
}

/* What Armv8.2 has: the disassembler may be too old for more. */
static bool is_old(const struct a64_row *row)
{
    static const uint8_t features[] = {FEAT_BASE, FEAT_FP,  FEAT_ASIMD, FEAT_CRC32,
                                       FEAT_LSE,  FEAT_PAN, FEAT_UAO};
    for (size_t n = 0; n < ARRAY_LEN(features); n++) {
        if (row->feature == features[n])
            return true;
    }
    return false;
}

static void names(void)
{
    size_t count;
    struct a64_decoder *decoder = decoder_create("neoverse-n1");
    const struct a64_row *rows = a64_rows(decoder, &count);
    csh handle;
    CHECK_EQ(cs_open(CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN, &handle), CS_ERR_OK);
    unsigned compared = 0;
    for (size_t n = 0; n < count; n++) {
        char ours[32];
        a64_row_mnemonic(&rows[n], ours, sizeof(ours));
        for (unsigned i = 0; i < 8 && is_old(&rows[n]); i++) {
            uint8_t bytes[4];
            cs_insn *insn;
            uint32_t word = rows[n].match | ((uint32_t)test_random() & ~rows[n].mask);
            if (a64_row_find(decoder, word) == NULL ||
                strcmp(a64_row_find(decoder, word)->name, rows[n].name) != 0)
                continue; /* another row's special case */
            le32_store(bytes, word);
            if (!cs_disasm(handle, bytes, 4, 0, 1, &insn))
                continue; /* reserved operands */
            if (strncmp(insn->mnemonic, ours, strlen(ours)) != 0 && !alias(ours, insn->mnemonic))
                FAIL("%08x is %s here, and %s %s elsewhere", word, rows[n].name, insn->mnemonic,
                     insn->op_str);
            compared++;
            cs_free(insn, 1);
        }
    }
    CHECK(compared > 3000);
    cs_close(&handle);
    a64_decoder_destroy(decoder);
}

/* Random words in the integer space: nothing is an instruction there and UNDEFINED here. */
static void nothing_missing(void)
{
    struct a64_decoder *decoder = decoder_create("neoverse-n1");
    csh handle;
    CHECK_EQ(cs_open(CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN, &handle), CS_ERR_OK);
    unsigned shown = 0;
    for (unsigned n = 0; n < 400000 && shown < 20; n++) {
        static const uint8_t groups[] = {8, 9, 10, 11, 4, 6, 5, 13, 7, 15, 12, 14};
        uint32_t word = (uint32_t)bits_set(test_random(), 25, 4, groups[n % ARRAY_LEN(groups)]);
        uint8_t bytes[4];
        cs_insn *insn;
        bool system = word >> 22 == 0x354; /* where the disassembler takes anything for a register */
        if (system || a64_row_find(decoder, word))
            continue;
        /* Register fields that should be ones have to be here. */
        if (a64_row_find(decoder, word | 31 << 16) || a64_row_find(decoder, word | 31 << 10) ||
            a64_row_find(decoder, word | 31 << 16 | 31 << 10))
            continue;
        le32_store(bytes, word);
        if (!cs_disasm(handle, bytes, 4, 0, 1, &insn))
            continue;
        /* What N1 lacks although the disassembler knows it. */
        static const char *const newer[] = {
            "pac",  "aut",   "xpac", "bra", "blra", "reta", "ereta", "ldra", "ldapur", "stlur", "rmif",
            "setf", "cfinv", "irg",  "gmi", "subp", "subg", "addg",  "stg",  "ldg",    "dcps",  "drps"};
        bool excused = false;
        for (size_t i = 0; i < ARRAY_LEN(newer); i++)
            excused |= strncmp(insn->mnemonic, newer[i], strlen(newer[i])) == 0;
        if (!excused) {
            FAIL("%08x is %s %s elsewhere, and nothing here", word, insn->mnemonic, insn->op_str);
            shown++;
        }
        cs_free(insn, 1);
    }
    cs_close(&handle);
    a64_decoder_destroy(decoder);
}
#else
static void names(void)
{
    SKIP("built without Capstone: install libcapstone-dev");
}

static void nothing_missing(void)
{
    SKIP("built without Capstone: install libcapstone-dev");
}
#endif

/* A feature's rows go with it. */
static void features(void)
{
    struct a64_decoder *with = decoder_create("max"),
                       *without = decoder_create("max,-lse,-crc32,-pauth,-bti");
    static const uint32_t words[] = {0xf8200020 /* ldadd */, 0x9ac24c20 /* crc32x */, 0xdac10020 /* pacia */};
    for (size_t n = 0; n < ARRAY_LEN(words); n++) {
        CHECK(a64_row_find(with, words[n]) != NULL);
        CHECK(a64_row_find(without, words[n]) == NULL);
    }
    /* In the hint space they are then hints. */
    CHECK_STR(a64_row_find(without, 0xd503245f)->name, "hint");
    CHECK_STR(a64_row_find(without, 0xd503233f)->name, "hint");
    CHECK_STR(a64_row_find(with, 0xd503245f)->name, "bti");
    a64_decoder_destroy(with);
    a64_decoder_destroy(without);
}

static const struct test_case cases[] = {
    {"letters", letters},
    {"no_ambiguity", no_ambiguity},
    {"every_row_found", every_row_found},
    {"bitmasks", bitmasks},
    {"names", names},
    {"nothing_missing", nothing_missing},
    {"features", features},
};
TEST_SUITE(a64_decode_test, "unit", cases);
