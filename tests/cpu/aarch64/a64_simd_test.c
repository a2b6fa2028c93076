/*
 * SIMD&FP where the peer comparison (tests/insn) doesn't look: cryptography against the standards' own
 * examples, structures across pages and on Device memory, what FPCR and FPSR keep, and which model has what.
 */
#include <string.h>

#include "cpu/aarch64/mmu.h"
#include "tests/cpu/aarch64/a64_bare.h"

#define RAN_TO_END(bare) CHECK_EQ((bare)->s->pc, (bare)->end)
#define PAGE_A           (A64_RAM + 0x40000)
#define PAGE_B           (PAGE_A + PAGE_SIZE)
#define FPSR             A64_SYSREG(3, 3, 4, 4, 1)
#define FPEN             (3u << 20)

static struct a64_bare *create(const char *model)
{
    struct a64_bare *bare = a64_create(model);
    a64_sysreg_set(bare, CPACR_EL1, FPEN);
    return bare;
}

/* ---- cryptography ---- */

/* A register from 32 digits, the first byte of the message in the lowest byte. */
static union aarch64_vector bytes(const char *digits)
{
    union aarch64_vector v = {{0, 0}};
    for (unsigned n = 0; n < 32; n++) {
        unsigned digit = (unsigned)(digits[n] <= '9' ? digits[n] - '0' : digits[n] - 'a' + 10);
        v.b[n / 2] = (uint8_t)(v.b[n / 2] << 4 | digit);
    }
    return v;
}

static union aarch64_vector words(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    return (union aarch64_vector){.s = {a, b, c, d}};
}

static union aarch64_vector words_at(const uint32_t *w)
{
    return words(w[0], w[1], w[2], w[3]);
}

static void check_vector(union aarch64_vector actual, union aarch64_vector expected)
{
    CHECK_EQ(actual.d[0], expected.d[0]);
    CHECK_EQ(actual.d[1], expected.d[1]);
}

/* FIPS 197, appendix B, round 1 and the way back. */
static void aes(void)
{
    struct a64_bare *bare = create(NULL);
    union aarch64_vector *v = bare->s->v;
    v[0] = bytes("3243f6a8885a308d313198a2e0370734");
    v[1] = bytes("2b7e151628aed2a6abf7158809cf4f3c");
    A64_EXEC(bare, 0x4e284820); /* aese v0.16b, v1.16b */
    check_vector(v[0], bytes("d4bf5d30e0b452aeb84111f11e2798e5"));
    A64_EXEC(bare, 0x4e286800); /* aesmc v0.16b, v0.16b */
    check_vector(v[0], bytes("046681e5e0cb199a48f8d37a2806264c"));
    A64_EXEC(bare, 0x4e287800); /* aesimc v0.16b, v0.16b */
    check_vector(v[0], bytes("d4bf5d30e0b452aeb84111f11e2798e5"));
    v[1] = words(0, 0, 0, 0);
    A64_EXEC(bare, 0x4e285820); /* aesd v0.16b, v1.16b */
    check_vector(v[0], bytes("193de3bea0f4e22b9ac68d2ae9f84808"));
    a64_destroy(bare);
}

/* FIPS 180's padded message "abc". */
static const uint32_t abc[16] = {0x61626380, [15] = 24};

static void sha1(void)
{
    static const uint32_t k[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
    static const uint32_t rounds[4] = {0x5e020020, 0x5e021020, 0x5e022020, 0x5e021020}; /* sha1c, p, m, p */
    struct a64_bare *bare = create(NULL);
    union aarch64_vector *v = bare->s->v, w[20];
    const union aarch64_vector start = words(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
    v[0] = start;
    v[1] = words(0xc3d2e1f0, 0, 0, 0);
    for (unsigned group = 0; group < 20; group++) {
        if (group < 4) {
            w[group] = words_at(&abc[4 * group]);
        } else {
            for (unsigned n = 0; n < 4; n++)
                v[4 + n] = w[group - 4 + n];
            A64_EXEC(bare, 0x5e0630a4, 0x5e2818e4); /* sha1su0 v4, v5, v6; sha1su1 v4, v7 */
            w[group] = v[4];
        }
        for (unsigned n = 0; n < 4; n++)
            v[2].s[n] = w[group].s[n] + k[group / 5];
        A64_EXEC(bare, 0x5e280803, rounds[group / 5]); /* sha1h s3, s0 */
        v[1] = v[3];
    }
    for (unsigned n = 0; n < 4; n++)
        v[0].s[n] += start.s[n];
    check_vector(v[0], words(0xa9993e36, 0x4706816a, 0xba3e2571, 0x7850c26c));
    CHECK_EQ(v[1].s[0] + 0xc3d2e1f0u, 0x9cd0d89d);
    a64_destroy(bare);
}

/* FIPS 180-4, 4.2.2: 32 bits of the fraction of a prime's cube root. */
static uint32_t cube_root_fraction(unsigned prime)
{
    unsigned __int128 root = 0;
    for (unsigned bit = 36; bit-- > 0;) {
        unsigned __int128 next = root | (unsigned __int128)1 << bit;
        if (next * next * next <= (unsigned __int128)prime << 96)
            root = next;
    }
    return (uint32_t)root;
}

static void sha256(void)
{
    struct a64_bare *bare = create(NULL);
    union aarch64_vector *v = bare->s->v, w[16];
    const union aarch64_vector low = words(0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a);
    const union aarch64_vector high = words(0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19);
    unsigned prime = 1;
    v[0] = low;
    v[1] = high;
    for (unsigned group = 0; group < 16; group++) {
        if (group < 4) {
            w[group] = words_at(&abc[4 * group]);
        } else {
            for (unsigned n = 0; n < 4; n++)
                v[4 + n] = w[group - 4 + n];
            A64_EXEC(bare, 0x5e2828a4, 0x5e0760c4); /* sha256su0 v4, v5; sha256su1 v4, v6, v7 */
            w[group] = v[4];
        }
        for (unsigned n = 0; n < 4; n++) {
            bool found = false;
            while (!found) {
                prime++;
                found = true;
                for (unsigned divisor = 2; divisor * divisor <= prime; divisor++)
                    found &= prime % divisor != 0;
            }
            v[2].s[n] = w[group].s[n] + cube_root_fraction(prime);
        }
        v[3] = v[0];
        A64_EXEC(bare, 0x5e024020, 0x5e025061); /* sha256h q0, q1, v2.4s; sha256h2 q1, q3, v2.4s */
    }
    for (unsigned n = 0; n < 4; n++) {
        v[0].s[n] += low.s[n];
        v[1].s[n] += high.s[n];
    }
    check_vector(v[0], words(0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223));
    check_vector(v[1], words(0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad));
    a64_destroy(bare);
}

/* GB/T 32907, example 1; the key schedule's constants are multiples of 7. */
static void sm4(void)
{
    struct a64_bare *bare = create(NULL);
    union aarch64_vector *v = bare->s->v, key = words(0x01234567, 0x89abcdef, 0xfedcba98, 0x76543210);
    const union aarch64_vector fk = words(0xa3b1bac6, 0x56aa3350, 0x677d9197, 0xb27022dc);
    v[0] = key;
    for (unsigned n = 0; n < 4; n++)
        v[1].s[n] = key.s[n] ^ fk.s[n];
    for (unsigned group = 0; group < 8; group++) {
        for (unsigned n = 0; n < 4; n++)
            for (unsigned byte = 0; byte < 4; byte++)
                v[2].s[n] = v[2].s[n] << 8 | ((4 * (4 * group + n) + byte) * 7 & 0xff);
        A64_EXEC(bare, 0xce62c821, 0xcec08420); /* sm4ekey v1, v1, v2; sm4e v0, v1 */
    }
    check_vector(v[0], words(0x536e4246, 0x86b3e94f, 0xd206965e, 0x681edf34)); /* the reverse */
    a64_destroy(bare);
}

static uint32_t rol32(uint32_t v, unsigned n)
{
    return v << (n & 31) | v >> (-n & 31);
}

/* GB/T 32905, example 1: "abc". The words of the state are in the registers last first. */
static void sm3(void)
{
    struct a64_bare *bare = create(NULL);
    union aarch64_vector *v = bare->s->v;
    const uint32_t start[8] = {0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600,
                               0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e};
    uint32_t w[68];
    memcpy(w, abc, sizeof(abc));
    for (unsigned n = 16; n < 68; n += 4) {
        v[0] = words_at(&w[n - 16]);
        v[1] = words_at(&w[n - 9]);
        v[2] = words_at(&w[n - 4]);
        A64_EXEC(bare, 0xce62c020); /* sm3partw1 v0, v1, v2 */
        v[1] = words_at(&w[n - 6]);
        v[2] = words_at(&w[n - 13]);
        A64_EXEC(bare, 0xce62c420); /* sm3partw2 v0, v1, v2 */
        memcpy(&w[n], v[0].s, 16);
    }
    v[0] = words(start[3], start[2], start[1], start[0]);
    v[1] = words(start[7], start[6], start[5], start[4]);
    for (unsigned n = 0; n < 64; n++) {
        v[2] = words(0, 0, 0, rol32(n < 16 ? 0x79cc4519 : 0x7a879d8a, n));
        v[4] = words(w[n] ^ w[n + 4], 0, 0, 0);
        v[5] = words(w[n], 0, 0, 0);
        A64_EXEC(bare, 0xce420403,                  /* sm3ss1 v3, v0, v2, v1 */
                 n < 16 ? 0xce448060 : 0xce448460,  /* sm3tt1a or b v0, v3, v4.s[0] */
                 n < 16 ? 0xce458861 : 0xce458c61); /* sm3tt2a or b v1, v3, v5.s[0] */
    }
    check_vector(v[0], words(start[3] ^ 0xdc10e4e2, start[2] ^ 0xd1f2d46b, start[1] ^ 0x62eeedd9,
                             start[0] ^ 0x66c7f0f4));
    check_vector(v[1], words(start[7] ^ 0x8f4ba8e0, start[6] ^ 0x297da02b, start[5] ^ 0x5cf2f7a2,
                             start[4] ^ 0x4167c487));
    a64_destroy(bare);
}

/* ---- structures ---- */

static void check_fault(struct a64_bare *bare, uint32_t iss, uint64_t far)
{
    CHECK_EQ(bare->s->pc, A64_VECTORS + A64_SYNC);
    CHECK_EQ(bare->s->esr_el1 & 0x7f, iss);
    CHECK_EQ(bare->s->far_el1, far);
}

static void structures_across_pages(void)
{
    struct a64_bare *bare = create(NULL);
    union aarch64_vector *v = bare->s->v;
    a64_mmu_on(bare);
    for (unsigned n = 0; n < 64; n += 8)
        a64_store(bare, PAGE_B - 24 + n, 0x0706050403020100 + n * 0x0101010101010101);
    bare->s->x[1] = PAGE_B - 24;
    A64_EXEC(bare, 0x4cdf083e); /* ld4 {v30.4s, v31.4s, v0.4s, v1.4s}, [x1], #64 */
    RAN_TO_END(bare);
    CHECK_EQ(bare->s->x[1], PAGE_B + 40);
    check_vector(v[30], words(0x03020100, 0x13121110, 0x23222120, 0x33323130));
    check_vector(v[1], words(0x0f0e0d0c, 0x1f1e1d1c, 0x2f2e2d2c, 0x3f3e3d3c));
    bare->s->x[1] = PAGE_B - 8;
    bare->s->x[2] = 100;
    v[0] = v[1] = v[2] = words(0x80808080, 0x80808080, 0x80808080, 0x80808080);
    v[1].b[2] = 0x55;
    A64_EXEC(bare, 0x4c824020); /* st3 {v0.16b, v1.16b, v2.16b}, [x1], x2 */
    RAN_TO_END(bare);
    CHECK_EQ(bare->s->x[1], PAGE_B + 92);
    CHECK_EQ(a64_load(bare, PAGE_B - 8), 0x5580808080808080);
    CHECK_EQ(a64_load(bare, PAGE_B), 0x8080808080808080);

    /* The second page is not there: the address that faults is its first, and no register changes. */
    a64_page_set(bare, PAGE_B, 0);
    bare->s->x[1] = PAGE_B - 24;
    A64_EXEC(bare, SYS(0, 8, 7, 0, 31), 0x4cdf083e); /* tlbi vmalle1 */
    check_fault(bare, FSC_TRANSLATION + 3, PAGE_B);
    CHECK_EQ(bare->s->x[1], PAGE_B - 24);
    check_vector(v[30], words(0x03020100, 0x13121110, 0x23222120, 0x33323130));
    a64_destroy(bare);
}

/* Structures are aligned if their elements are. */
static void structure_alignment(void)
{
    struct a64_bare *bare = create(NULL);
    a64_mmu_on(bare);
    a64_sysreg_set(bare, SCTLR_EL1, bare->s->sctlr_el1 | SCTLR_A);
    bare->s->x[1] = PAGE_A + 4;
    A64_EXEC(bare, 0x4c407820); /* ld1 {v0.4s}, [x1] */
    RAN_TO_END(bare);
    bare->s->x[1] = PAGE_A + 2;
    A64_EXEC(bare, 0x4c407820);
    check_fault(bare, FSC_ALIGNMENT, PAGE_A + 2);
    A64_EXEC(bare, 0x4c407020); /* ld1 {v0.16b}, [x1] */
    RAN_TO_END(bare);
    bare->s->x[1] = PAGE_A + 4;
    A64_EXEC(bare, 0x4d9f8420); /* st1 {v0.d}[1], [x1], #8 */
    check_fault(bare, FSC_ALIGNMENT | 1 << 6, PAGE_A + 4);
    CHECK_EQ(bare->s->x[1], PAGE_A + 4);
    a64_destroy(bare);
}

/* A device sees elements. Its registers read as their offset, with 0x11223344 above. */
static void structures_of_a_device(void)
{
    struct a64_bare *bare = create(NULL);
    a64_mmu_on(bare);
    bare->s->x[1] = A64_DEVICE + 8;
    A64_EXEC(bare, 0x4c407820); /* ld1 {v0.4s}, [x1] */
    RAN_TO_END(bare);
    check_vector(bare->s->v[0], words(8, 12, 16, 20));
    A64_EXEC(bare, 0x0ddfc820); /* ld1r {v0.2s}, [x1], #4 */
    RAN_TO_END(bare);
    check_vector(bare->s->v[0], words(8, 8, 0, 0));
    CHECK_EQ(bare->s->x[1], A64_DEVICE + 12);
    a64_destroy(bare);
}

/* ---- FPCR and FPSR ---- */

#define FADD_D  0x1e622820u /* fadd d0, d1, d2 */
#define FDIV_D  0x1e621820u /* fdiv d0, d1, d2 */
#define SQADD_S 0x4ea20c20u /* sqadd v0.4s, v1.4s, v2.4s */

static void status(void)
{
    struct a64_bare *bare = create(NULL);
    union aarch64_vector *v = bare->s->v;
    v[1].d[0] = 0x3ff0000000000000;
    v[2].d[0] = 0x3ca0000000000000; /* 2^-53 */
    A64_EXEC(bare, FADD_D);
    CHECK_EQ(v[0].d[0], 0x3ff0000000000000);
    CHECK_EQ(v[0].d[1], 0);
    CHECK_EQ(bare->s->fpsr, 0x10); /* IXC: true when run() has returned */
    v[2].d[0] = 0;
    A64_EXEC(bare, FDIV_D);
    CHECK_EQ(bare->s->fpsr, 0x12); /* DZC beside it */
    v[1] = v[2] = words(0x7fffffff, 0, 0, 0);
    A64_EXEC(bare, SQADD_S);
    CHECK_EQ(bare->s->fpsr, 0x08000012); /* QC */
    CHECK_EQ(a64_sysreg(bare, FPSR), 0x08000012);
    a64_sysreg_set(bare, FPSR, 0xffffffff00000081);
    CHECK_EQ(a64_sysreg(bare, FPSR), 0x81);
    CHECK_EQ(bare->s->fpsr, 0x81);
    a64_sysreg_set(bare, FPSR, 0);
    CHECK_EQ(bare->s->fpsr, 0);
    a64_destroy(bare);
}

/* The rounding mode is in effect at once, and what is set from outside at the next run. */
static void control(void)
{
    struct a64_bare *bare = create(NULL);
    union aarch64_vector *v = bare->s->v;
    v[1].d[0] = 0x3ff0000000000000;
    v[2].d[0] = 0x3c00000000000000;
    bare->s->x[3] = 1 << 22; /* up */
    A64_EXEC(bare, MSR(FPCR, 3), FADD_D);
    CHECK_EQ(v[0].d[0], 0x3ff0000000000001);
    bare->s->fpcr = 3 << 22; /* to zero */
    A64_EXEC(bare, FADD_D);
    CHECK_EQ(v[0].d[0], 0x3ff0000000000000);
    bare->s->fpcr = 1 << 24; /* FZ */
    v[1].d[0] = v[2].d[0] = 1;
    bare->s->fpsr = 0;
    A64_EXEC(bare, FADD_D);
    CHECK_EQ(v[0].d[0], 0);
    CHECK_EQ(bare->s->fpsr, 0x80); /* IDC */
    a64_sysreg_set(bare, FPCR, ~(uint64_t)0);
    CHECK_EQ(a64_sysreg(bare, FPCR), 0x07c80000); /* AHP, DN, FZ, RMode, FZ16; no exception is trapped */
    a64_destroy(bare);
    bare = create("cortex-a57");
    a64_sysreg_set(bare, FPCR, ~(uint64_t)0);
    CHECK_EQ(a64_sysreg(bare, FPCR), 0x07c00000);
    a64_destroy(bare);
}

/* ---- models ---- */

static void features(void)
{
    static const struct {
        const char *off; /* "max" without it doesn't have the instruction */
        uint32_t word;
        bool in_n1;
    } insns[] = {
        {"max,-fp16", 0x1ee22820, true},     /* fadd h0, h1, h2 */
        {"max,-rdm", 0x6e828420, true},      /* sqrdmlah v0.4s, v1.4s, v2.4s */
        {"max,-dotprod", 0x4e829420, true},  /* sdot v0.4s, v1.16b, v2.16b */
        {"max,-aes", 0x4e284820, true},      /* aese v0.16b, v1.16b */
        {"max,-sha256", 0x5e024020, true},   /* sha256h q0, q1, v2.4s */
        {"max,-sha3", 0xce020c20, false},    /* eor3 v0.16b, v1.16b, v2.16b, v3.16b */
        {"max,-sha512", 0xcec08020, false},  /* sha512su0 v0.2d, v1.2d */
        {"max,-sm4", 0xcec08420, false},     /* sm4e v0.4s, v1.4s */
        {"max,-sm3", 0xce62c020, false},     /* sm3partw1 v0.4s, v1.4s, v2.4s */
        {"max,-fcma", 0x6e82e420, false},    /* fcadd v0.4s, v1.4s, v2.4s, #90 */
        {"max,-fhm", 0x4e22ec20, false},     /* fmlal v0.4s, v1.4h, v2.4h */
        {"max,-i8mm", 0x4e82a420, false},    /* smmla v0.4s, v1.16b, v2.16b */
        {"max,-bf16", 0x6e42fc20, false},    /* bfdot v0.4s, v1.8h, v2.8h */
        {"max,-jscvt", 0x1e7e0020, false},   /* fjcvtzs w0, d1 */
        {"max,-frintts", 0x1e684020, false}, /* frint32z d0, d1 */
        {"max,-fp16", 0x6e42e420, false},    /* fcadd v0.8h, v1.8h, v2.8h, #90 */
    };
    for (size_t n = 0; n < ARRAY_LEN(insns); n++) {
        const struct {
            const char *model;
            bool has;
        } models[] = {{"max", true}, {insns[n].off, false}, {"neoverse-n1", insns[n].in_n1}};
        for (size_t m = 0; m < ARRAY_LEN(models); m++) {
            test_context("%08x on %s", insns[n].word, models[m].model);
            struct a64_bare *bare = create(models[m].model);
            A64_EXEC(bare, insns[n].word);
            if (models[m].has)
                RAN_TO_END(bare);
            else
                a64_check_exception(bare, A64_SYNC, EC_UNKNOWN, 0, A64_CODE);
            a64_destroy(bare);
        }
    }
    test_context(NULL);
}

static const struct test_case cases[] = {
    {"aes", aes},
    {"sha1", sha1},
    {"sha256", sha256},
    {"sm3", sm3},
    {"sm4", sm4},
    {"structures_across_pages", structures_across_pages},
    {"structure_alignment", structure_alignment},
    {"structures_of_a_device", structures_of_a_device},
    {"status", status},
    {"control", control},
    {"features", features},
};
TEST_SUITE(a64_simd_test, "unit", cases);
