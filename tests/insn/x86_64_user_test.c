/*
 * Every user-mode instruction of the table against the host's own processor: random instances of each row
 * with random registers and memory, alone and in short runs (for lazy flags), executed natively and by the
 * core; all registers, memory, defined flags and faults must agree. A row that is added is tested without
 * more ado, if its operand format is known here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "cpu/x86_64/kinds.h"
#include "tests/insn/x86_maker.h"

/* ---- comparing ---- */

static void x87_agrees(const struct maker *m, const struct x86_state *s, const struct native_state *host)
{
    for (unsigned n = 0; n < 8; n++) {
        const struct x86_st *st = &s->st[((s->fsw >> 11 & 7) + n) & 7];
        x86_agree(m->text, "st mantissa", st->mant, le64_load(host->fx + 32 + 16 * n));
        x86_agree(m->text, "st exponent", st->se, le16_load(host->fx + 40 + 16 * n));
    }
}

/* ---- one run ---- */

static void state_random(struct native_state *in)
{
    memset(in, 0, sizeof(*in));
    for (unsigned n = 0; n < 16; n++)
        in->gpr[n] = maker_value();
    in->gpr[RSP] = (maker_data_address() & ~(uint64_t)7) + 8;
    in->rflags = (test_random() & FLAGS_STATUS) | FLAG_ONE;
    in->rip = NATIVE_CODE;
    le16_store(in->fx, 0x37f);
    in->fx[4] = 0; /* all empty */
    le32_store(in->fx + 24, 0x1f80);
    for (unsigned n = 0; n < 8; n++) {
        le64_store(in->fx + 32 + 16 * n, test_random());
        le16_store(in->fx + 40 + 16 * n, (uint16_t)test_random());
    }
    for (unsigned n = 0; n < 16; n++) {
        for (unsigned q = 0; q < 4; q++)
            le64_store(in->ymm[n] + 8 * q, maker_value());
        memcpy(in->fx + 160 + 16 * n, in->ymm[n], 16);
    }
}

static void data_random(uint8_t *data)
{
    for (unsigned n = 0; n < NATIVE_DATA_SIZE; n += 8)
        le64_store(data + n, n % 512 < 256 ? test_random() : maker_value());
}

/* Both ways out behind the instructions, and a jump to the second. */
static unsigned code_finish(struct maker *m)
{
    unsigned end = m->at, second = end + NATIVE_EXIT_SIZE;
    if (m->jump_at)
        le_store(m->code + m->jump_at, m->jump_width, second - end);
    return end;
}

static void run_both(struct x86_twin *g, struct maker *m)
{
    static uint8_t before[NATIVE_DATA_SIZE];
    struct native_state host = *m->in, guest = {0};
    unsigned end = code_finish(m);
    memcpy(before, m->data, sizeof(before));
    memcpy(native_data(), before, sizeof(before));
    memcpy(native_code(), m->code, end);
    native_exit_put(native_code() + end, 1);
    native_exit_put(native_code() + end + NATIVE_EXIT_SIZE, 2);
    native_run(&host);

    xb_put(g->b, g->data, before, sizeof(before));
    memset(m->code + end, 0xcc, 2 * NATIVE_EXIT_SIZE);
    xb_put(g->b, g->code, m->code, end + 2 * NATIVE_EXIT_SIZE);
    x86_twin_load(g, m->in);
    int vector = x86_twin_run(g, &guest);

    uint64_t flags = (FLAGS_STATUS & ~m->undefined) | FLAG_DF;
    if (host.exit) {
        uint64_t rip = NATIVE_CODE + end + (host.exit == 2 ? NATIVE_EXIT_SIZE : 0) + 1;
        x86_agree(m->text, "vector", (uint64_t)vector, EXC_BP);
        if (vector == EXC_BP)
            x86_agree(m->text, "rip", guest.rip, rip);
        x86_vectors_agree(m->text, g, &host);
        x87_agrees(m, g->b->s, &host);
    } else {
        if (!x86_fault_agrees(&host, vector, g->b->s->cr2, ~(uint64_t)0))
            FAIL("%s: vector %d, cr2 %#llx; the host has signal %d, address %#llx", m->text, vector,
                 (unsigned long long)g->b->s->cr2, host.signal, (unsigned long long)host.address);
        x86_agree(m->text, "rip of the fault", guest.rip, host.rip);
        /* In a run of `neighbours` none that can fault changes flags before it does. */
        flags = m->neighbours ? (FLAGS_STATUS & ~m->doubtful) | FLAG_DF : FLAG_DF;
    }
    x86_registers_agree(m->text, &guest, &host, flags);
    x86_memory_agrees(m->text, g);
}

static uint8_t data[NATIVE_DATA_SIZE];

static void one_run(struct x86_twin *g, const struct x86_row *first)
{
    struct native_state in;
    struct maker m = {.in = &in, .data = data, .alone = true};
    state_random(&in);
    maker_row_add(&m, first);
    unsigned more = m.jump_at || test_random_below(2) ? 0 : (unsigned)test_random_below(5);
    m.alone = false;
    for (unsigned tries = 0; more && tries < 100 && !m.jump_at; tries++) {
        const struct x86_row *row = &x86_rows[test_random_below(x86_row_count)];
        if (!maker_row_usable(&m, row, x86_model(g->b->vcpu)))
            continue;
        maker_row_add(&m, row);
        more--;
    }
    run_both(g, &m);
}

/* What is often fused with what stands beside it, in longer runs. */
static const char *const neighbours[] = {
    "add_*",  "sub_*", "and_*", "or_*",    "xor_*",   "adc_*",   "sbb_*", "cmp_*", "test_*", "inc_m",
    "dec_m",  "neg_m", "not_m", "shl_i",   "shr_i",   "sar_i",   "rol_i", "ror_i", "mov_m*", "mov_rm*",
    "mov_oi", "lea",   "nop_m", "movzx_*", "movsxd*", "imul_rm", "cmov*", "set*",  "j*",     NULL,
};

static void run_of_neighbours(struct x86_twin *g, const struct x86_row *const *list, unsigned count)
{
    struct native_state in;
    struct maker m = {.in = &in, .data = data, .neighbours = true};
    state_random(&in);
    for (unsigned more = 2 + (unsigned)test_random_below(9); more > 0 && !m.jump_at; more--) {
        const struct x86_row *row = list[test_random_below(count)];
        if (maker_row_usable(&m, row, x86_model(g->b->vcpu)))
            maker_row_add(&m, row);
    }
    run_both(g, &m);
}

static void compare_neighbours_with_host(void)
{
    unsigned usable = 0;
    const char *missing = native_open();
    if (missing) {
        SKIP("%s", missing);
        return;
    }
    struct x86_twin g;
    x86_twin_open(&g);
    const struct x86_row **list = calloc(x86_row_count, sizeof(*list)); /* more than enough */
    for (unsigned n = 0; n < x86_row_count; n++) {
        if (x86_id_in(x86_rows[n].id, neighbours))
            list[usable++] = &x86_rows[n];
    }
    x86_mismatches = 0;
    for (unsigned round = 0; round < 10000 && x86_mismatches < 4; round++) {
        if (round % 16 == 0)
            data_random(data);
        run_of_neighbours(&g, list, usable);
    }
    free(list);
    xb_destroy(g.b);
    native_close();
}

static void compare_with_host(void)
{
    const char *missing = native_open();
    if (missing) {
        SKIP("%s", missing);
        return;
    }
    struct x86_twin g;
    x86_twin_open(&g);
    data_random(data);
    const char *only = test_env("TRIARCH_INSN"), *count = test_env("TRIARCH_INSN_COUNT");
    unsigned rounds = count ? (unsigned)atoi(count) : 60;
    for (unsigned n = 0; n < x86_row_count; n++) {
        struct maker m = {.alone = true};
        if (!maker_row_usable(&m, &x86_rows[n], x86_model(g.b->vcpu)) ||
            (only && !x86_id_begins(x86_rows[n].id, only)))
            continue;
        x86_mismatches = 0;
        for (unsigned round = 0; round < rounds && x86_mismatches < 4; round++) {
            if (round % 16 == 0)
                data_random(data);
            one_run(&g, &x86_rows[n]);
        }
    }
    xb_destroy(g.b);
    native_close();
}

/* ---- what only 32-bit code has; TRIARCH_INSN_UNDEFINED: with the flags that the manual leaves open ---- */

#define POINTER (NATIVE_DATA_SIZE - 16) /* to the 32-bit code, in the data */
#define CODE32  9u                      /* where that begins, behind the way there and back */

/* lcall [POINTER], with the selector that Linux and the bare guest have for 32-bit code; jmp over it */
static void compat_begin(struct maker *m)
{
    const uint8_t way[CODE32] = {0xff, 0x1c, 0x25, 0, 0, 0, 0, 0xeb, 0};
    memcpy(m->code, way, sizeof(way));
    le32_store(m->code + 3, (uint32_t)(NATIVE_DATA + POINTER));
    le32_store(m->data + POINTER, (uint32_t)NATIVE_CODE + CODE32);
    le16_store(m->data + POINTER + 4, XB_USER32);
    m->at = CODE32;
}

/* RET, and how far the jump goes. */
static void compat_end(struct maker *m)
{
    m->code[m->at++] = 0xcb;
    m->code[8] = (uint8_t)(m->at - CODE32);
}

static const struct {
    const char *name;
    uint8_t bytes[3], length;
    bool immediate; /* the last byte is one, at random */
    uint64_t undefined;
} compat_rows[] = {
    {"daa", {0x27}, 1, false, FLAG_OF},
    {"das", {0x2f}, 1, false, FLAG_OF},
    {"aaa", {0x37}, 1, false, FLAG_OF | FLAG_SF | FLAG_ZF | FLAG_PF},
    {"aas", {0x3f}, 1, false, FLAG_OF | FLAG_SF | FLAG_ZF | FLAG_PF},
    {"aam", {0xd4, 0}, 2, true, FLAG_OF | FLAG_AF | FLAG_CF},
    {"aad", {0xd5, 0}, 2, true, FLAG_OF | FLAG_AF | FLAG_CF},
    {"salc", {0xd6}, 1, false, 0},
    {"inc ax", {0x66, 0x40}, 2, false, 0},
    {"dec edx", {0x4a}, 1, false, 0},
    {"82 add", {0x82, 0xc2, 0}, 3, true, 0},
    {"82 sbb", {0x82, 0xdf, 0}, 3, true, 0},
    {"82 cmp", {0x82, 0xf8, 0}, 3, true, 0},
    {"arpl", {0x63, 0xd0}, 2, false, 0},
};

static void compat_run(struct x86_twin *g, unsigned n, unsigned round)
{
    struct native_state in;
    struct maker m = {.in = &in, .data = data};
    unsigned length = compat_rows[n].length;
    state_random(&in);
    /* All of AL, CF and AF come up, and after them AX at random. */
    if (round < 1024) {
        in.gpr[RAX] = (in.gpr[RAX] & ~(uint64_t)0xff) | (round & 0xff);
        in.rflags = FLAG_ONE | (round & 0x100 ? FLAG_CF : 0) | (round & 0x200 ? FLAG_AF : 0);
    }
    compat_begin(&m);
    memcpy(m.code + m.at, compat_rows[n].bytes, length);
    if (compat_rows[n].immediate)
        m.code[m.at + length - 1] = (uint8_t)test_random();
    m.at += length;
    compat_end(&m);
    m.undefined = test_env("TRIARCH_INSN_UNDEFINED") ? 0 : compat_rows[n].undefined;
    snprintf(m.text, sizeof(m.text), "%s ax=%04x flags=%llx imm=%02x", compat_rows[n].name,
             (unsigned)in.gpr[RAX] & 0xffff, (unsigned long long)in.rflags, m.code[m.at - 2]);
    run_both(g, &m);
}

static void compare_compat_with_host(void)
{
    const char *missing = native_open();
    if (missing) {
        SKIP("%s", missing);
        return;
    }
    struct x86_twin g;
    x86_twin_open(&g);
    data_random(data);
    for (unsigned n = 0; n < ARRAY_LEN(compat_rows); n++) {
        x86_mismatches = 0;
        for (unsigned round = 0; round < 1200 && x86_mismatches < 4; round++)
            compat_run(&g, n, round);
    }
    xb_destroy(g.b);
    native_close();
}

static const struct test_case cases[] = {
    {"compare_compat_with_host", compare_compat_with_host},
    {"compare_with_host", compare_with_host},
    {"compare_neighbours_with_host", compare_neighbours_with_host},
};
TEST_SUITE(x86_64_user_test, "insn", cases);
