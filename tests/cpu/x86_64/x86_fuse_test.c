/*
 * Blocks with fused handlers and dropped flags against the same instructions one at a time, which have
 * neither (and which the insn tests compare with a processor): registers, flags, memory and faults, in random
 * runs of what can be fused, with operands that lie behind the end of what is mapped now and then.
 */
#include <pthread.h>
#include <string.h>

#include "tests/cpu/x86_64/x86_bare.h"

#define END  ((uint64_t)0x400000) /* nothing is mapped from here on */
#define AREA 512                  /* bytes in front of it that are used */
#define MAX  48                   /* instructions, handlers included */

struct code {
    uint8_t bytes[256];
    unsigned count;
};

static unsigned below(unsigned n)
{
    return (unsigned)(test_random() % n);
}

static void emit(struct code *code, unsigned byte)
{
    code->bytes[code->count++] = (uint8_t)byte;
}

/* RBX is the base of operands, RSI their index, RSP the stack: the others may be changed. */
static unsigned some_register(void)
{
    static const uint8_t registers[] = {0, 1, 2, 5, 7, 8, 9, 12, 13, 15};
    return registers[below(ARRAY_LEN(registers))];
}

/* [rbx + disp8] or [rbx + rsi * scale + disp8], or a register. */
static void emit_modrm(struct code *code, unsigned reg, unsigned rm, bool memory, bool index)
{
    if (!memory) {
        emit(code, 0xc0 | (reg & 7) << 3 | (rm & 7));
        return;
    }
    emit(code, 0x40 | (reg & 7) << 3 | (index ? 4 : 3));
    if (index)
        emit(code, below(4) << 6 | 6 << 3 | 3);
    emit(code, below(160) - 80);
}

enum { BYTES = 1, MEMORY = 2, REGISTER = 4, REG_FIXED = 8, IMM8 = 16, IMM32 = 32, TWO = 64, LONG = 128 };

/* Opcode (TWO: behind 0F), ModRM.reg where it is part of it, and what is possible. */
static const struct {
    uint8_t opcode, digit;
    unsigned how;
} table[] = {
    {0x01, 0, REGISTER},
    {0x29, 0, REGISTER},
    {0x21, 0, REGISTER},
    {0x09, 0, REGISTER},
    {0x31, 0, REGISTER},
    {0x11, 0, REGISTER},
    {0x19, 0, REGISTER},
    {0x39, 0, REGISTER | MEMORY},
    {0x85, 0, REGISTER | MEMORY},
    {0x03, 0, MEMORY},
    {0x2b, 0, MEMORY},
    {0x23, 0, MEMORY},
    {0x0b, 0, MEMORY},
    {0x33, 0, MEMORY},
    {0x3b, 0, MEMORY},
    {0x32, 0, MEMORY | BYTES},
    {0x83, 0, REGISTER | MEMORY | REG_FIXED | IMM8},
    {0x83, 1, REGISTER | REG_FIXED | IMM8},
    {0x83, 2, REGISTER | REG_FIXED | IMM8},
    {0x83, 3, REGISTER | REG_FIXED | IMM8},
    {0x83, 4, REGISTER | REG_FIXED | IMM8},
    {0x83, 5, REGISTER | REG_FIXED | IMM8},
    {0x83, 6, REGISTER | REG_FIXED | IMM8},
    {0x83, 7, REGISTER | MEMORY | REG_FIXED | IMM8},
    {0x81, 7, REGISTER | MEMORY | REG_FIXED | IMM32 | LONG},
    {0xf7, 0, REGISTER | MEMORY | REG_FIXED | IMM32 | LONG},
    {0x80, 7, REGISTER | MEMORY | REG_FIXED | IMM8 | BYTES},
    {0xf6, 0, REGISTER | MEMORY | REG_FIXED | IMM8 | BYTES},
    {0xc1, 0, REGISTER | REG_FIXED | IMM8},
    {0xc1, 1, REGISTER | REG_FIXED | IMM8},
    {0xc1, 4, REGISTER | REG_FIXED | IMM8},
    {0xc1, 5, REGISTER | REG_FIXED | IMM8},
    {0xc1, 7, REGISTER | REG_FIXED | IMM8},
    {0x89, 0, REGISTER | MEMORY},
    {0x8b, 0, MEMORY},
    {0x88, 0, MEMORY | BYTES},
    {0xc6, 0, MEMORY | REG_FIXED | IMM8 | BYTES},
    {0xc7, 0, MEMORY | REG_FIXED | IMM32 | LONG},
    {0x63, 0, REGISTER},
    {0x8d, 0, MEMORY},
    {0xff, 0, REGISTER | REG_FIXED},
    {0xff, 1, REGISTER | REG_FIXED},
    {0xf7, 2, REGISTER | REG_FIXED},
    {0xf7, 3, REGISTER | REG_FIXED},
    {0xaf, 0, REGISTER | TWO},
    {0xb6, 0, REGISTER | MEMORY | TWO},
    {0xb7, 0, REGISTER | MEMORY | TWO},
    {0x94, 0, REGISTER | REG_FIXED | TWO | BYTES},
    {0x92, 0, REGISTER | REG_FIXED | TWO | BYTES},
    {0x4d, 0, REGISTER | TWO},
    {0x43, 0, REGISTER | TWO},
};

/* PUSH, POP, MOV with an immediate, NOP. */
static void emit_plain(struct code *code)
{
    unsigned reg = some_register();
    switch (below(4)) {
    case 0: emit(code, 0x90); return;
    case 1:
        emit(code, 0x40 | reg >> 3);
        emit(code, 0xb8 | (reg & 7));
        for (unsigned n = 0; n < 4; n++)
            emit(code, below(256));
        return;
    default:
        emit(code, 0x40 | reg >> 3);
        emit(code, (below(2) ? 0x50 : 0x58) | (reg & 7));
        return;
    }
}

/* Number `pick` of the table. */
static void emit_row(struct code *code, unsigned pick)
{
    unsigned how = table[pick].how, reg = some_register(), rm = some_register();
    bool memory = how & MEMORY && (!(how & REGISTER) || below(2)), index = below(2);
    if (how & REG_FIXED)
        reg = table[pick].digit;
    bool wide = below(2) && !(how & BYTES);
    if (!wide && !(how & (BYTES | TWO | LONG)) && below(6) == 0)
        emit(code, 0x66);
    emit(code, 0x40 | (wide ? 8 : 0) | reg >> 3 << 2 | (memory ? 0 : rm >> 3));
    if (how & TWO)
        emit(code, 0x0f);
    emit(code, table[pick].opcode);
    emit_modrm(code, reg, rm, memory, index);
    for (unsigned n = 0; n < (how & IMM8 ? 1u : how & IMM32 ? 4u : 0u); n++)
        emit(code, below(4) ? below(256) : 0);
}

static void emit_insn(struct code *code)
{
    unsigned pick = below(ARRAY_LEN(table) + 6);
    if (pick < ARRAY_LEN(table))
        emit_row(code, pick);
    else
        emit_plain(code);
}

/* A run, a branch behind it, HLT on both ways. */
static void code_random(struct code *code)
{
    code->count = 0;
    for (unsigned n = 1 + below(9); n > 0; n--)
        emit_insn(code);
    emit(code, 0x70 | below(16));
    emit(code, 1);
    emit(code, 0xf4);
    emit(code, 0xf4);
}

struct outcome {
    uint64_t gpr[16];
    uint64_t rip, rflags, cr2, icount;
    uint8_t area[AREA], frame[48];
};

static void outcome_take(struct x86_bare *b, struct outcome *outcome)
{
    memcpy(outcome->gpr, b->s->gpr, sizeof(outcome->gpr));
    outcome->rip = b->s->rip;
    outcome->rflags = b->s->rflags;
    outcome->cr2 = b->s->cr2;
    outcome->icount = b->vcpu->icount;
    memcpy(outcome->area, b->memory + END - AREA, AREA);
    memcpy(outcome->frame, b->memory + XB_STACK0 - sizeof(outcome->frame), sizeof(outcome->frame));
}

static void start(struct x86_bare *b, const struct outcome *begin)
{
    memcpy(b->s->gpr, begin->gpr, sizeof(begin->gpr));
    xb_put(b, END - AREA, begin->area, AREA);
    xb_put(b, XB_STACK0 - sizeof(begin->frame), begin->frame, sizeof(begin->frame));
    b->s->rflags = begin->rflags;
    b->s->cr2 = 0;
    b->s->rip = XB_CODE;
    b->s->activity = ACTIVITY_RUNNING;
    b->vcpu->icount = 0;
    x86_state_changed(b->vcpu);
}

static void begin_random(struct outcome *begin)
{
    static const uint64_t special[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff, (uint64_t)1 << 63};
    memset(begin, 0, sizeof(*begin));
    for (unsigned n = 0; n < 16; n++)
        begin->gpr[n] = below(3) ? test_random() : special[below(ARRAY_LEN(special))];
    for (unsigned n = 0; n < AREA; n++)
        begin->area[n] = (uint8_t)test_random();
    begin->gpr[RBX] = END - (below(4) ? 200 : 40);
    begin->gpr[RSI] = below(4);
    begin->gpr[RSP] = END - 8 * (below(4) ? 10 + below(20) : below(3));
    begin->rflags = (test_random() & FLAGS_STATUS) | FLAG_ONE;
}

static bool same(const struct code *code, const struct outcome *fused, const struct outcome *single)
{
    if (memcmp(fused, single, sizeof(*fused)) == 0)
        return true;
    char text[3 * sizeof(code->bytes) + 1] = "";
    for (unsigned n = 0; n < code->count; n++) {
        static const char digits[] = "0123456789abcdef";
        text[2 * n] = digits[code->bytes[n] >> 4];
        text[2 * n + 1] = digits[code->bytes[n] & 15];
        text[2 * n + 2] = 0;
    }
    for (unsigned n = 0; n < 16; n++)
        CHECK_EQ(fused->gpr[n], single->gpr[n]);
    CHECK_EQ(fused->rip, single->rip);
    CHECK_EQ(fused->rflags, single->rflags);
    CHECK_EQ(fused->icount, single->icount);
    FAIL("after %s", text);
    return false;
}

/* At level 3, so that exceptions' frames (HLT's as well) are on a stack of their own. */
static void random_runs(void)
{
    struct x86_bare *b = xb_create(NULL);
    static struct outcome begin, fused, single;
    struct code code;
    bool ok = true;
    unsigned faults = 0;
    xb_long(b);
    xb_user(b);
    xb_store(b, XB_PAGES + 0x2000 + 8 * (END >> 21), 8, 0);
    for (unsigned round = 0; ok && round < 6000; round++) {
        xb_user(b);
        code_random(&code);
        begin_random(&begin);
        xb_put(b, XB_CODE, code.bytes, code.count);
        start(b, &begin);
        b->vcpu->slice_end = MAX;
        vcpu_run(b->vcpu, &b->exit);
        outcome_take(b, &fused);
        xb_user(b);
        start(b, &begin);
        for (unsigned n = 0; n < MAX && b->s->activity == ACTIVITY_RUNNING; n++)
            xb_step(b, 1);
        outcome_take(b, &single);
        faults += fused.cr2 != 0;
        ok = same(&code, &fused, &single);
    }
    CHECK(faults > 100);
    xb_destroy(b);
}

static void *run_thread(void *opaque)
{
    struct x86_bare *b = opaque;
    b->vcpu->slice_end = UINT64_MAX;
    vcpu_run(b->vcpu, &b->exit);
    return NULL;
}

/* Loops of such instructions on a small stack, which a handler that calls its successor soon fills. */
static void handlers_jump(void)
{
    struct x86_bare *b = xb_create(NULL);
    pthread_attr_t attributes;
    static struct outcome begin;
    xb_long(b);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 256 * KIB);
    for (unsigned round = 0; round < 100; round++) {
        struct code code = {0};
        pthread_t thread;
        while (code.count < 100)
            emit_row(&code, below(ARRAY_LEN(table)));
        /* dec r14d; jnz to the beginning; hlt */
        static const uint8_t end[] = {0x41, 0xff, 0xce, 0x0f, 0x85};
        for (unsigned n = 0; n < sizeof(end); n++)
            emit(&code, end[n]);
        uint32_t back = 0 - (code.count + 4);
        for (unsigned n = 0; n < 4; n++)
            emit(&code, back >> (8 * n) & 255);
        emit(&code, 0xf4);
        begin_random(&begin);
        begin.gpr[RBX] = XB_DATA + 4096;
        begin.gpr[14] = 2000;
        xb_put(b, XB_CODE, code.bytes, code.count);
        start(b, &begin);
        if (CHECK(pthread_create(&thread, &attributes, run_thread, b) == 0))
            pthread_join(thread, NULL);
        CHECK_EQ(b->exit.reason, EXIT_HALT);
        CHECK_EQ(b->s->rip, XB_CODE + code.count);
    }
    pthread_attr_destroy(&attributes);
    xb_destroy(b);
}

static const struct test_case cases[] = {
    {"handlers_jump", handlers_jump},
    {"random_runs", random_runs},
};
TEST_SUITE(x86_fuse_test, "unit", cases);
