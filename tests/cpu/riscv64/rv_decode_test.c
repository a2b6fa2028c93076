/* The instruction table, compressed instructions, reserved encodings, models and the printer. */
#include "cpu/riscv64/decode.h"

#include <string.h>

#include "cpu/riscv64/csr.h"
#include "cpu/riscv64/disassemble.h"
#include "tests/harness/test.h"

static struct riscv_model model_of(const char *text)
{
    struct riscv_model model;
    struct error err = {0};
    riscv_decode_init();
    riscv_csr_init();
    if (!CHECK(riscv_model_parse(&model, text, &err)))
        FAIL("%s", err.text);
    return model;
}

/* A compressed instruction and the one it stands for, both as an assembler made them. */
static const struct {
    const char *text;
    uint16_t half;
    uint32_t word;
} expansions[] = {
    /* clang-format off */
    {"c.addi4spn a0,sp,1020", 0x1fe8, 0x3fc10513},
    {"c.addi4spn s0,sp,4", 0x0040, 0x00410413},
    {"c.fld fa0,248(a1)", 0x3de8, 0x0f85b507},
    {"c.lw a4,124(s1)", 0x5cf8, 0x07c4a703},
    {"c.lw a0,64(a1)", 0x41a8, 0x0405a503},
    {"c.ld a5,248(a0)", 0x7d7c, 0x0f853783},
    {"c.ld a5,64(a0)", 0x613c, 0x04053783},
    {"c.fsd fs0,8(a2)", 0xa600, 0x00863427},
    {"c.sw a2,4(a3)", 0xc2d0, 0x00c6a223},
    {"c.sd a1,192(s0)", 0xe06c, 0x0cb43023},
    {"c.nop", 0x0001, 0x00000013},
    {"c.addi t6,-32", 0x1f81, 0xfe0f8f93},
    {"c.addiw a7,31", 0x28fd, 0x01f8889b},
    {"c.li s11,-1", 0x5dfd, 0xfff00d93},
    {"c.addi16sp sp,-512", 0x7101, 0xe0010113},
    {"c.addi16sp sp,496", 0x617d, 0x1f010113},
    {"c.lui t0,0xfffe1", 0x7285, 0xfffe12b7},
    {"c.lui ra,1", 0x6085, 0x000010b7},
    {"c.srli a0,63", 0x917d, 0x03f55513},
    {"c.srai a1,33", 0x9585, 0x4215d593},
    {"c.andi s1,-7", 0x98e5, 0xff94f493},
    {"c.sub a0,a1", 0x8d0d, 0x40b50533},
    {"c.xor a2,s0", 0x8e21, 0x00864633},
    {"c.or a3,s1", 0x8ec5, 0x0096e6b3},
    {"c.and a4,a5", 0x8f7d, 0x00f77733},
    {"c.subw a0,a5", 0x9d1d, 0x40f5053b},
    {"c.addw s0,a3", 0x9c35, 0x00d4043b},
    {"c.j -2048", 0xb001, 0x801ff06f},
    {"c.j +2046", 0xaffd, 0x7fe0006f},
    {"c.j +0x156", 0xaa99, 0x1560006f},
    {"c.beqz a0,-256", 0xd101, 0xf00500e3},
    {"c.bnez s1,+254", 0xecfd, 0x0e049f63},
    {"c.bnez a5,+0x5a", 0xefa9, 0x04079d63},
    {"c.slli a6,63", 0x187e, 0x03f81813},
    {"c.fldsp ft11,504(sp)", 0x3ffe, 0x1f813f87},
    {"c.lwsp s10,252(sp)", 0x5d7e, 0x0fc12d03},
    {"c.lwsp t1,36(sp)", 0x5312, 0x02412303},
    {"c.ldsp ra,504(sp)", 0x70fe, 0x1f813083},
    {"c.jr t1", 0x8302, 0x00030067},
    {"c.mv a0,t6", 0x857e, 0x01f00533},
    {"c.ebreak", 0x9002, 0x00100073},
    {"c.jalr s2", 0x9902, 0x000900e7},
    {"c.add gp,tp", 0x9192, 0x004181b3},
    {"c.fsdsp fa7,8(sp)", 0xa446, 0x01113427},
    {"c.swsp zero,252(sp)", 0xdf82, 0x0e012e23},
    {"c.sdsp t5,456(sp)", 0xe7fa, 0x1de13423},
    /* Zcb, Zcmop (by the manual: Unpriv. 27.3, 15.2) */
    {"c.lbu a0,3(a1)", 0x81e8, 0x0035c503},
    {"c.lhu a0,2(a1)", 0x85a8, 0x0025d503},
    {"c.lh a0,0(a1)", 0x85c8, 0x00059503},
    {"c.sb a0,1(a1)", 0x89c8, 0x00a580a3},
    {"c.sh a0,2(a1)", 0x8da8, 0x00a59123},
    {"c.zext.b a0", 0x9d61, 0x0ff57513},
    {"c.sext.b a0", 0x9d65, 0x60451513},
    {"c.zext.h a0", 0x9d69, 0x0805453b},
    {"c.sext.h a0", 0x9d6d, 0x60551513},
    {"c.zext.w a0", 0x9d71, 0x0805053b},
    {"c.not a0", 0x9d75, 0xfff54513},
    {"c.mul a0,a1", 0x9d4d, 0x02b50533},
    {"c.mop.1", 0x6081, 0x00000013},
    {"c.mop.15", 0x6781, 0x00000013},
    /* clang-format on */
};

static void expand(void)
{
    struct riscv_model max = model_of("max"), none = model_of("rv64,-c");
    for (size_t i = 0; i < ARRAY_LEN(expansions); i++) {
        test_context("%s", expansions[i].text);
        CHECK_EQ(riscv_expand(&max, expansions[i].half), expansions[i].word);
        CHECK_EQ(riscv_expand(&none, expansions[i].half), 0);
    }
}

/* What the manual's tables call reserved (Unpriv. 26.8), and what needs an extension that isn't there. */
static void reserved_compressed(void)
{
    static const uint16_t reserved[] = {
        0x0000, /* the defined illegal instruction */
        0x0004, /* c.addi4spn with immediate 0 */
        0x8000, /* quadrant 0, funct3 4: Zcb's */
        0x2001, /* c.addiw to x0 */
        0x6101, /* c.addi16sp with immediate 0 */
        0x6181, /* c.lui with immediate 0: Zcmop's */
        0x6201, /* and not even that: rd even */
        0x9c41, /* c.mul: Zcb's */
        0x9c61, /* Zcb's unary instructions */
        0x4002, /* c.lwsp to x0 */
        0x6002, /* c.ldsp to x0 */
        0x8002, /* c.jr x0 */
    };
    struct riscv_model model = model_of("rv64");
    for (size_t i = 0; i < ARRAY_LEN(reserved); i++) {
        test_context("%04x", reserved[i]);
        CHECK(!riscv_row_find(&model, riscv_expand(&model, reserved[i])));
    }
    struct riscv_model max = model_of("max");
    CHECK_EQ(riscv_expand(&max, 0x6201), 0);
    CHECK_EQ(riscv_expand(&max, 0x6881), 0); /* x17: beyond c.mop.15 */
    CHECK_EQ(riscv_expand(&max, 0x9c79), 0); /* after c.not */
    CHECK_EQ(riscv_expand(&max, 0x8dc8 | 0x40), 0);
    struct riscv_model no_d = model_of("rv64,-d");
    CHECK_EQ(riscv_expand(&no_d, 0x2000), 0); /* c.fld */
    CHECK_EQ(riscv_expand(&no_d, 0xa002), 0); /* c.fsdsp */
}

/* Every instruction is found by its own encoding, with any operands, unless a hint has that place. */
static void table_finds_itself(void)
{
    struct riscv_model model = model_of("max");
    static const struct {
        const char *id;
        uint32_t match, mask;
    } rows[] = {
#define INSN(id, match, mask, format, ext, flags) {#id, match, mask},
#include "cpu/riscv64/insns.def"
#undef INSN
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_context("%s", rows[i].id);
        CHECK_EQ(rows[i].match & ~rows[i].mask, 0);
        CHECK_EQ(rows[i].match & 3, 3);
        for (unsigned n = 0; n < 64; n++) {
            uint32_t bits = rows[i].match | ((uint32_t)test_random() & ~rows[i].mask);
            const struct riscv_row *row = riscv_row_find(&model, bits);
            if (!CHECK(row != NULL))
                break;
            if (strcmp(row->id, rows[i].id) != 0)
                CHECK(__builtin_popcount(row->mask) > __builtin_popcount(rows[i].mask));
        }
    }
}

/* Two instructions of one model never claim the same bits with equal right. */
static void table_is_unambiguous(void)
{
    static const struct {
        const char *id;
        uint32_t match, mask;
    } rows[] = {
#define INSN(id, match, mask, format, ext, flags) {#id, match, mask},
#include "cpu/riscv64/insns.def"
#undef INSN
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t j = i + 1; j < ARRAY_LEN(rows); j++) {
            bool overlap = ((rows[i].match ^ rows[j].match) & rows[i].mask & rows[j].mask) == 0;
            bool equal = __builtin_popcount(rows[i].mask) == __builtin_popcount(rows[j].mask);
            if (overlap && equal)
                FAIL("%s and %s", rows[i].id, rows[j].id);
        }
    }
}

static void models(void)
{
    struct riscv_model model = model_of(NULL);
    CHECK_STR(model.name, "virt");
    CHECK(riscv_model_has(&model, EXT_ZBA) && !riscv_model_has(&model, EXT_ZBC));
    /* Accessed and dirty bits are the hart's business, but for the profile's own model. */
    CHECK(riscv_model_has(&model, EXT_SVADU) && !riscv_model_has(&model, EXT_SVADE));
    model = model_of("rva22s64");
    CHECK(!riscv_model_has(&model, EXT_SVADU) && riscv_model_has(&model, EXT_SVADE));
    model = model_of("rva22s64,+zbc,-sstc");
    CHECK(riscv_model_has(&model, EXT_ZBC) && !riscv_model_has(&model, EXT_SSTC));
    CHECK(riscv_model_has(&model, EXT_ZBC_ZBKC));
    /* What depends on a thing goes with it, and comes with what needs it. */
    model = model_of("max,-f");
    CHECK(!riscv_model_has(&model, EXT_D) && !riscv_model_has(&model, EXT_ZFH) &&
          !riscv_model_has(&model, EXT_ZCD));
    model = model_of("rv64,-m,-a");
    CHECK(!riscv_model_has(&model, EXT_ZMMUL) && !riscv_model_has(&model, EXT_ZALRSC));
    model = model_of("rv64,+zfh,+zk");
    CHECK(riscv_model_has(&model, EXT_ZFHMIN) && riscv_model_has(&model, EXT_ZKNH) &&
          riscv_model_has(&model, EXT_ZKR));
    char text[1024];
    model = model_of("rv64,-d,+zba");
    riscv_model_isa(&model, text, sizeof(text));
    CHECK_STR(text, "rv64imafc_zicntr_zicsr_zifencei_zihpm_zmmul_zaamo_zalrsc_zca_zba_svadu");
    size_t len = riscv_model_isa_list(&model, text, sizeof(text));
    CHECK_MEM(text, "i\0m\0a\0f\0c\0zicntr", 16);
    CHECK_EQ(text[len - 1], 0);
    CHECK_STR(text + len - 6, "svadu");
}

static void wrong_models(void)
{
    static const struct {
        const char *text, *error;
    } tests[] = {
        {"rva22s46", "the riscv64 CPU has no model \"rva22s46\"; did you mean \"rva22s64\""},
        {"rv64,+zbaa", "the riscv64 CPU has no extension \"zbaa\"; did you mean \"zba\""},
        {"rv64,zba", "a CPU feature is +NAME or -NAME, not \"zba\""},
        {"rv64,-i", "every riscv64 CPU has i and zicsr"},
    };
    for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
        struct riscv_model model;
        struct error err = {0};
        CHECK(!riscv_model_parse(&model, tests[i].text, &err));
        CHECK_EQ(err.kind, ERROR_USAGE);
        CHECK_STR(err.text, tests[i].error);
    }
}

static void printed(void)
{
    static const struct {
        uint32_t bits;
        const char *text;
    } tests[] = {
        {0x00a58593, "addi         a1,a1,10"},
        {0xfff00513, "addi         a0,zero,-1"},
        {0x000015b7, "lui          a1,0x1"},
        {0xff1ff0ef, "jal          ra,0xff0"},
        {0x00b50463, "beq          a0,a1,0x1008"},
        {0x00813503, "ld           a0,8(sp)"},
        {0xfea12c23, "sw           a0,-8(sp)"},
        {0x30051073, "csrrw        zero,mstatus,a0"},
        {0x7c051073, "csrrw        zero,0x7c0,a0"},
        {0x30046073, "csrrsi       zero,mstatus,8"},
        {0x0330000f, "fence        rw,rw"},
        {0x00b6a52f, "amoadd.w     a0,a1,(a3)"},
        {0x12b50073, "sfence.vma   a0,a1"},
        {0x30200073, "mret"},
        {0xb0302573, "csrrs        a0,mhpmcounter3,zero"},
        {0xffffffff, ".word        0xffffffff"},
        {0x00008082, "jalr         zero,0(ra)"},
        {0x00000000, ".half        0x0000"},
    };
    struct riscv_model model = model_of("max");
    for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
        uint8_t bytes[4];
        char text[80];
        le32_store(bytes, tests[i].bits);
        unsigned length = riscv_disassemble(&model, 0x1000, bytes, 4, text, sizeof(text));
        CHECK_EQ(length, riscv_length((uint16_t)tests[i].bits));
        CHECK_STR(text, tests[i].text);
        CHECK_EQ(riscv_disassemble(&model, 0x1000, bytes, length - 1, text, sizeof(text)), 0);
    }
}

static const struct test_case cases[] = {
    {"expand", expand},
    {"reserved_compressed", reserved_compressed},
    {"table_finds_itself", table_finds_itself},
    {"table_is_unambiguous", table_is_unambiguous},
    {"models", models},
    {"wrong_models", wrong_models},
    {"printed", printed},
};
TEST_SUITE(rv_decode_test, "unit", cases);
