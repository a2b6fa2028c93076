/* Task switches between TSSs of the 386 and the 286 (SDM vol. 3, chapter 7). */
#include "base/bits.h"
#include "tests/cpu/x86_64/x86_bare.h"

#define CODE   (SEG_P | SEG_S | SEG_CODE | SEG_READABLE | SEG_DB)
#define DPL(n) ((n) << SEG_DPL_SHIFT)

enum { T = XB_FREE, GATE = XB_FREE + 8, CODE16 = XB_FREE + 16, DATA16 = XB_FREE + 24 };

#define NEW_TSS ((uint32_t)0x20000)
#define TARGET  ((uint32_t)0x110000)

/* A new task at TARGET with distinguishable registers. */
static void new_task(struct x86_bare *b, bool wide)
{
    static const uint16_t selectors[] = {XB_DATA32, XB_CODE32, XB_DATA32, XB_DATA32, XB_DATA32, 0};
    memset(b->memory + NEW_TSS, 0, 104);
    if (wide) {
        xb_store(b, NEW_TSS + 32, 4, TARGET);
        xb_store(b, NEW_TSS + 36, 4, FLAG_ONE | FLAG_CF | FLAG_OF);
        for (unsigned n = 0; n < 8; n++)
            xb_store(b, NEW_TSS + 40 + 4 * n, 4, 0x11110000 + n);
        xb_store(b, NEW_TSS + 40 + 4 * RSP, 4, XB_STACK0 - 0x400);
        for (unsigned n = 0; n < 6; n++)
            xb_store(b, NEW_TSS + 72 + 4 * n, 2, selectors[n]);
    } else {
        xb_store(b, NEW_TSS + 14, 2, 0x8000);
        xb_store(b, NEW_TSS + 16, 2, FLAG_ONE | FLAG_CF);
        for (unsigned n = 0; n < 8; n++)
            xb_store(b, NEW_TSS + 18 + 2 * n, 2, 0x2200 + n);
        xb_store(b, NEW_TSS + 18 + 2 * RSP, 2, 0x8800);
        for (unsigned n = 0; n < 4; n++)
            xb_store(b, NEW_TSS + 34 + 2 * n, 2, n == CS ? CODE16 : DATA16);
    }
    xb_descriptor(b, T, NEW_TSS, wide ? 103 : 43, SEG_P | (wide ? TYPE_TSS : TYPE_TSS16));
    xb_descriptor(b, CODE16, 0, 0xffff, (CODE & ~SEG_DB));
    xb_descriptor(b, DATA16, 0, 0xffff, SEG_P | SEG_S | SEG_WRITABLE);
}

static struct x86_bare *begin(void)
{
    struct x86_bare *b = xb_create(NULL);
    xb_protected(b);
    XB_PUT(b, TARGET, 0xf4);
    XB_PUT(b, 0x8000, 0xf4);
    for (unsigned n = 0; n < 8; n++) {
        if (n != RSP)
            b->s->gpr[n] = 0x77770000 + n;
    }
    return b;
}

static uint8_t type_of(struct x86_bare *b, uint16_t selector)
{
    return (uint8_t)(xb_load(b, XB_GDT + selector + 5, 1) & 15);
}

static void jump(void)
{
    struct x86_bare *b = begin();
    new_task(b, true);
    b->s->rflags = FLAG_ONE | FLAG_ZF;
    /* jmp T:0 */
    CHECK_EQ(XB_EXEC(b, 0xea, 0, 0, 0, 0, T, 0), -1);
    CHECK_EQ(b->s->rip, TARGET + 1);
    CHECK_EQ(b->s->gpr[RAX], 0x11110000);
    CHECK_EQ(b->s->gpr[RDI], 0x11110007);
    CHECK_EQ(b->s->gpr[RSP], XB_STACK0 - 0x400);
    CHECK_EQ(b->s->rflags, FLAG_ONE | FLAG_CF | FLAG_OF);
    CHECK_EQ(b->s->seg[TR].selector, T);
    CHECK_EQ(b->s->seg[GS].selector, 0);
    CHECK(b->s->cr0 & CR0_TS);
    CHECK_EQ(type_of(b, T), TYPE_TSS_BUSY);
    CHECK_EQ(type_of(b, XB_TSS_SELECTOR), TYPE_TSS);
    /* The old task's state. */
    CHECK_EQ(xb_load(b, XB_TSS + 32, 4), XB_CODE + 7);
    CHECK_EQ(xb_load(b, XB_TSS + 36, 4), FLAG_ONE | FLAG_ZF);
    CHECK_EQ(xb_load(b, XB_TSS + 40, 4), 0x77770000);
    CHECK_EQ(xb_load(b, XB_TSS + 40 + 4 * RSP, 4), XB_STACK0);
    CHECK_EQ(xb_load(b, XB_TSS + 76, 2), XB_CODE32);
    CHECK_EQ(xb_load(b, NEW_TSS, 2), 0); /* no link */
    xb_destroy(b);
}

static void call_and_return(void)
{
    struct x86_bare *b = begin();
    new_task(b, true);
    XB_PUT(b, TARGET, 0xcf, 0x90, 0xf4); /* iret; nop; hlt */
    /* call T:0; inc eax */
    CHECK_EQ(XB_EXEC(b, 0x9a, 0, 0, 0, 0, T, 0, 0x40), -1);
    CHECK_EQ(b->s->rip, XB_CODE + 9);
    CHECK_EQ(b->s->gpr[RAX], 0x77770001);
    CHECK_EQ(b->s->seg[TR].selector, XB_TSS_SELECTOR);
    CHECK_EQ(xb_load(b, NEW_TSS, 2), XB_TSS_SELECTOR);
    CHECK_EQ(type_of(b, T), TYPE_TSS);
    CHECK_EQ(type_of(b, XB_TSS_SELECTOR), TYPE_TSS_BUSY);
    CHECK_EQ(xb_load(b, NEW_TSS + 32, 4), TARGET + 1); /* goes on behind the IRET next time */
    CHECK_EQ(xb_load(b, NEW_TSS + 36, 4) & FLAG_NT, 0);
    xb_destroy(b);
}

static void old_form(void)
{
    struct x86_bare *b = begin();
    new_task(b, false);
    CHECK_EQ(XB_EXEC(b, 0x9a, 0, 0, 0, 0, T, 0), -1);
    CHECK_EQ(b->s->rip, 0x8001);
    CHECK_EQ(b->s->gpr[RCX], 0xffff2201);
    CHECK_EQ(b->s->gpr[RSP] & 0xffff, 0x8800);
    CHECK_EQ(b->s->rflags, FLAG_ONE | FLAG_CF | FLAG_NT);
    CHECK_EQ(b->s->seg[FS].selector, 0);
    CHECK_EQ(type_of(b, T), TYPE_TSS16_BUSY);
    xb_destroy(b);
}

/* Through task gates: far calls and interrupts, an error code on the new stack. */
static void gates(void)
{
    struct x86_bare *b = begin();
    new_task(b, true);
    xb_user(b);
    xb_gate(b, false, GATE, T, 0, 0x80 | DPL(3) | TYPE_TASK_GATE, 0);
    CHECK_EQ(XB_EXEC(b, 0x9a, 0, 0, 0, 0, GATE | 3, 0), -1);
    CHECK_EQ(b->s->seg[TR].selector, T);
    CHECK_EQ(b->s->cpl, 0);
    CHECK(b->s->rflags & FLAG_NT);
    /* The gate's DPL counts, not the TSS's. */
    xb_protected(b);
    new_task(b, true);
    xb_user(b);
    CHECK_EQ(XB_EXEC(b, 0x9a, 0, 0, 0, 0, T | 3, 0), EXC_GP);
    CHECK_EQ(xb_frame(b, 0), T);
    /* #GP(0x1000) through a task gate. */
    xb_protected(b);
    new_task(b, true);
    xb_gate(b, true, EXC_GP, T, 0, 0x80 | TYPE_TASK_GATE, 0);
    b->s->gpr[RAX] = 0x1000;
    CHECK_EQ(XB_EXEC(b, 0x8e, 0xd8), -1);
    CHECK_EQ(b->s->rip, TARGET + 1);
    CHECK_EQ(xb_frame(b, 0), 0x1000);
    CHECK_EQ(b->s->gpr[RSP], XB_STACK0 - 0x404);
    CHECK_EQ(xb_load(b, NEW_TSS, 2), XB_TSS_SELECTOR);
    CHECK_EQ(xb_load(b, XB_TSS + 32, 4), XB_CODE);
    xb_destroy(b);
}

/* What is wrong before the switch is the old task's fault. */
static void faults(void)
{
    static const struct {
        uint16_t attributes, limit;
        int vector;
    } cases[] = {
        {SEG_P | TYPE_TSS_BUSY, 103, EXC_GP},
        {TYPE_TSS, 103, EXC_NP},
        {SEG_P | TYPE_TSS, 102, EXC_TS},
        {SEG_P | TYPE_TSS16, 42, EXC_TS},
    };
    struct x86_bare *b = begin();
    for (unsigned n = 0; n < ARRAY_LEN(cases); n++) {
        test_context("case %u", n);
        xb_protected(b);
        new_task(b, true);
        xb_descriptor(b, T, NEW_TSS, cases[n].limit, cases[n].attributes);
        CHECK_EQ(XB_EXEC(b, 0xea, 0, 0, 0, 0, T, 0), cases[n].vector);
        CHECK_EQ(xb_frame(b, 0), T);
        CHECK_EQ(xb_frame(b, 1), XB_CODE);
        CHECK_EQ(b->s->seg[TR].selector, XB_TSS_SELECTOR);
    }
    test_context(NULL);
    /* IRET with NT and a back link that isn't a busy TSS. */
    xb_protected(b);
    new_task(b, true);
    xb_store(b, XB_TSS, 2, T);
    b->s->rflags = FLAG_ONE | FLAG_NT;
    CHECK_EQ(XB_EXEC(b, 0xcf), EXC_TS);
    CHECK_EQ(xb_frame(b, 0), T);
    xb_destroy(b);
}

/* What is wrong with the new task's segments is its own fault: #TS in the new task. */
static void faults_of_the_new_task(void)
{
    static const struct {
        unsigned place; /* in the TSS */
        uint16_t selector;
        int vector;
        uint16_t error;
    } cases[] = {
        {76, 0, EXC_TS, 0},
        {76, XB_DATA32, EXC_TS, XB_DATA32},
        {76, XB_USER32 & ~3, EXC_TS, XB_USER32 & ~3},
        {80, XB_USERDATA, EXC_TS, XB_USERDATA & ~3},
        {84, 0x1000, EXC_TS, 0x1000},
        {96, XB_DATA32, EXC_TS, XB_DATA32},
        {96, 0x1000, EXC_TS, 0x1000},
    };
    struct x86_bare *b = begin();
    for (unsigned n = 0; n < ARRAY_LEN(cases); n++) {
        test_context("case %u", n);
        xb_protected(b);
        new_task(b, true);
        xb_store(b, NEW_TSS + cases[n].place, 2, cases[n].selector);
        /* Taken through a task gate to a third task, whose state is sound. */
        memcpy(b->memory + 0x21000, b->memory + XB_TSS, 104);
        xb_store(b, 0x21000 + 32, 4, XB_HANDLERS + 16 * EXC_TS);
        xb_store(b, 0x21000 + 36, 4, FLAG_ONE);
        xb_store(b, 0x21000 + 40 + 4 * RSP, 4, XB_STACK0 - 0x800);
        for (unsigned seg = 0; seg < 6; seg++)
            xb_store(b, 0x21000 + 72 + 4 * seg, 4, seg == CS ? XB_CODE32 : XB_DATA32);
        xb_store(b, 0x21000 + 96, 4, 0);
        xb_descriptor(b, DATA16 + 8, 0x21000, 103, SEG_P | TYPE_TSS);
        xb_gate(b, true, EXC_TS, DATA16 + 8, 0, 0x80 | TYPE_TASK_GATE, 0);
        CHECK_EQ(XB_EXEC(b, 0xea, 0, 0, 0, 0, T, 0), cases[n].vector);
        CHECK_EQ(xb_frame(b, 0), cases[n].error);
        CHECK_EQ(xb_load(b, 0x21000, 2), T);           /* from the new task */
        CHECK_EQ(xb_load(b, NEW_TSS + 32, 4), TARGET); /* at its first instruction */
        CHECK_EQ(xb_load(b, XB_TSS + 32, 4), XB_CODE + 7);
    }
    xb_destroy(b);
}

/* While the new task has no stack, an exception of it gets the inner one of the new TSS. */
static void fault_without_a_stack(void)
{
    struct x86_bare *b = begin();
    new_task(b, true);
    xb_store(b, NEW_TSS + 4, 4, XB_STACK0 - 0x600);
    xb_store(b, NEW_TSS + 8, 2, XB_DATA32);
    xb_store(b, NEW_TSS + 72 + 4 * SS, 2, 0x1000);
    CHECK_EQ(XB_EXEC(b, 0xea, 0, 0, 0, 0, T, 0), EXC_TS);
    CHECK_EQ(xb_frame(b, 0), 0x1000);
    CHECK_EQ(b->s->gpr[RSP], XB_STACK0 - 0x600 - 24);
    xb_destroy(b);
}

/* IRET to the task itself finds what it has just saved. */
static void return_to_itself(void)
{
    struct x86_bare *b = begin();
    xb_store(b, XB_TSS, 2, XB_TSS_SELECTOR);
    b->s->rflags |= FLAG_NT;
    CHECK_EQ(XB_EXEC(b, 0xcf, 0x90), -1);
    CHECK_EQ(b->s->rip, XB_CODE + 3);
    CHECK(!(b->s->rflags & FLAG_NT));
    xb_destroy(b);
}

/* The T bit: a debug trap before the new task's first instruction. */
static void trap_bit(void)
{
    struct x86_bare *b = begin();
    new_task(b, true);
    xb_store(b, NEW_TSS + 100, 2, 1);
    CHECK_EQ(XB_EXEC(b, 0xea, 0, 0, 0, 0, T, 0), EXC_DB);
    CHECK_EQ(xb_frame(b, 0), TARGET);
    CHECK(b->s->dr[6] & DR6_BT);
    xb_destroy(b);
}

static const struct test_case cases[] = {
    {"jump", jump},
    {"call_and_return", call_and_return},
    {"old_form", old_form},
    {"gates", gates},
    {"faults", faults},
    {"faults_of_the_new_task", faults_of_the_new_task},
    {"fault_without_a_stack", fault_without_a_stack},
    {"return_to_itself", return_to_itself},
    {"trap_bit", trap_bit},
};
TEST_SUITE(x86_task_test, "unit", cases);
