/* Transfers between segments and levels: far jumps, call gates, far returns, IRET (SDM vol. 3, 5.8). */
#include "base/bits.h"
#include "tests/cpu/x86_64/x86_bare.h"

#define DATA   (SEG_P | SEG_S | SEG_WRITABLE | SEG_DB)
#define CODE   (SEG_P | SEG_S | SEG_CODE | SEG_READABLE | SEG_DB)
#define DPL(n) ((n) << SEG_DPL_SHIFT)

enum { A = XB_FREE, B = XB_FREE + 8, C = XB_FREE + 16 };

/* Where transfers go: HLT. */
#define TARGET ((uint32_t)0x110000)

static struct x86_bare *begin(void)
{
    struct x86_bare *b = xb_create(NULL);
    xb_protected(b);
    XB_PUT(b, TARGET, 0xf4);
    return b;
}

static int jump_far(struct x86_bare *b, uint16_t selector, uint32_t offset)
{
    uint8_t code[] = {0xea, 0, 0, 0, 0, 0, 0};
    le32_store(code + 1, offset);
    le16_store(code + 5, selector);
    xb_put(b, XB_CODE, code, sizeof(code));
    return xb_run(b, XB_CODE);
}

static int call_far(struct x86_bare *b, uint16_t selector, uint32_t offset)
{
    uint8_t code[] = {0x9a, 0, 0, 0, 0, 0, 0, 0xf4};
    le32_store(code + 1, offset);
    le16_store(code + 5, selector);
    xb_put(b, XB_CODE, code, sizeof(code));
    return xb_run(b, XB_CODE);
}

static void jumps(void)
{
    static const struct {
        uint16_t attributes, rpl;
        uint32_t offset;
        bool user;
        int vector;
        uint16_t error;
    } cases[] = {
        {CODE, 0, TARGET, false, -1, 0},
        {CODE, 1, TARGET, false, EXC_GP, A},                 /* RPL above CPL */
        {CODE | DPL(3), 0, TARGET, false, EXC_GP, A},        /* another level */
        {CODE, 3, TARGET, true, EXC_GP, A},                  /* an inner level */
        {CODE | SEG_CONFORMING, 3, TARGET, true, EXC_GP, 0}, /* conforming: there, and HLT is #GP(0) */
        {CODE | SEG_CONFORMING | DPL(3), 0, TARGET, false, EXC_GP, A},
        {DATA, 0, TARGET, false, EXC_GP, A},
        {CODE & ~SEG_P, 0, TARGET, false, EXC_NP, A},
        {CODE, 0, 0x1000000, false, EXC_GP, 0}, /* beyond the limit */
        {SEG_P | TYPE_LDT, 0, TARGET, false, EXC_GP, A},
        {SEG_P | TYPE_TRAP_GATE, 0, TARGET, false, EXC_GP, A},
    };
    struct x86_bare *b = begin();
    for (unsigned n = 0; n < ARRAY_LEN(cases); n++) {
        test_context("case %u", n);
        xb_protected(b);
        if (cases[n].user)
            xb_user(b);
        xb_descriptor(b, A, 0, 0xfff, cases[n].attributes | SEG_G);
        CHECK_EQ(jump_far(b, A | cases[n].rpl, cases[n].offset), cases[n].vector);
        if (cases[n].vector >= 0)
            CHECK_EQ(xb_frame(b, 0), cases[n].error);
        else
            CHECK_EQ(b->s->rip, TARGET + 1);
    }
    test_context(NULL);
    xb_protected(b);
    CHECK_EQ(jump_far(b, 0, TARGET), EXC_GP);
    CHECK_EQ(xb_frame(b, 0), 0);
    xb_destroy(b);
}

static void calls(void)
{
    struct x86_bare *b = begin();
    CHECK_EQ(call_far(b, XB_CODE32, TARGET), -1);
    CHECK_EQ(b->s->rip, TARGET + 1);
    CHECK_EQ(xb_frame(b, 0), XB_CODE + 7);
    CHECK_EQ(xb_frame(b, 1), XB_CODE32);
    /* retf */
    XB_PUT(b, TARGET, 0xcb);
    xb_protected(b);
    CHECK_EQ(call_far(b, XB_CODE32, TARGET), -1);
    CHECK_EQ(b->s->rip, XB_CODE + 8);
    CHECK_EQ(b->s->gpr[RSP], XB_STACK0);
    /* Beyond the limit nothing is pushed. */
    xb_protected(b);
    xb_descriptor(b, A, 0, 0xff, CODE | SEG_G);
    CHECK_EQ(call_far(b, A, 0x100000), EXC_GP);
    CHECK_EQ(b->s->gpr[RSP], XB_STACK0 - 16);
    xb_destroy(b);
}

/* A call gate from level 3 to 0 switches stacks and copies parameters; RETF n undoes it. */
static void call_gate(void)
{
    struct x86_bare *b = begin();
    xb_user(b);
    xb_gate(b, false, A, XB_CODE32, TARGET, 0x80 | DPL(3) | TYPE_CALL_GATE, 2);
    b->s->gpr[RSP] = XB_STACK3 - 8;
    xb_store(b, XB_STACK3 - 8, 4, 0x1111);
    xb_store(b, XB_STACK3 - 4, 4, 0x2222);
    CHECK_EQ(call_far(b, A | 3, 0xdeadbeef), -1);
    CHECK_EQ(b->s->rip, TARGET + 1);
    CHECK_EQ(b->s->cpl, 0);
    CHECK_EQ(b->s->seg[CS].selector, XB_CODE32);
    CHECK_EQ(b->s->seg[SS].selector, XB_DATA32);
    CHECK_EQ(b->s->gpr[RSP], XB_STACK0 - 24);
    CHECK_EQ(xb_frame(b, 0), XB_CODE + 7);
    CHECK_EQ(xb_frame(b, 1), XB_USER32);
    CHECK_EQ(xb_frame(b, 2), 0x1111);
    CHECK_EQ(xb_frame(b, 3), 0x2222);
    CHECK_EQ(xb_frame(b, 4), XB_STACK3 - 8);
    CHECK_EQ(xb_frame(b, 5), XB_USERDATA);
    /* retf 8: back, and what is the kernel's becomes null. DS was user data all along: load kernel data
     * first. */
    b->s->gpr[RAX] = XB_DATA32;
    /* mov ds, ax; retf 8 */
    XB_PUT(b, TARGET, 0x8e, 0xd8, 0xca, 8, 0);
    CHECK_EQ(xb_run(b, TARGET), EXC_GP); /* the HLT behind the call, at level 3 */
    CHECK_EQ(xb_frame(b, 1), XB_CODE + 7);
    CHECK_EQ(xb_frame(b, 4), XB_STACK3);
    CHECK_EQ(b->s->seg[DS].selector, 0);
    CHECK_EQ(b->s->seg[ES].selector, XB_USERDATA);
    xb_destroy(b);
}

static void call_gate_faults(void)
{
    static const struct {
        uint8_t access;
        uint16_t target, rpl;
        uint16_t code; /* attributes of C */
        int vector;
        uint16_t error;
    } cases[] = {
        {0x80 | TYPE_CALL_GATE, XB_CODE32, 3, 0, EXC_GP, A},                  /* DPL below CPL */
        {DPL(3) | TYPE_CALL_GATE, XB_CODE32, 3, 0, EXC_NP, A},                /* not present */
        {0x80 | DPL(3) | TYPE_CALL_GATE, 0, 3, 0, EXC_GP, 0},                 /* to nowhere */
        {0x80 | DPL(3) | TYPE_CALL_GATE, XB_DATA32, 3, 0, EXC_GP, XB_DATA32}, /* to data */
        {0x80 | DPL(3) | TYPE_CALL_GATE, C, 3, CODE & ~SEG_P, EXC_NP, C},
        {0x80 | DPL(3) | TYPE_CALL_GATE, 0x1000, 3, 0, EXC_GP, 0x1000},
    };
    struct x86_bare *b = begin();
    for (unsigned n = 0; n < ARRAY_LEN(cases); n++) {
        test_context("case %u", n);
        xb_protected(b);
        xb_user(b);
        xb_descriptor(b, C, 0, 0xfffff, cases[n].code | SEG_G);
        xb_gate(b, false, A, cases[n].target, TARGET, cases[n].access, 0);
        CHECK_EQ(call_far(b, A | cases[n].rpl, 0), cases[n].vector);
        CHECK_EQ(xb_frame(b, 0), cases[n].error);
    }
    test_context(NULL);
    /* A jump through a gate can't change the level. */
    xb_protected(b);
    xb_user(b);
    xb_gate(b, false, A, XB_CODE32, TARGET, 0x80 | DPL(3) | TYPE_CALL_GATE, 0);
    CHECK_EQ(jump_far(b, A | 3, 0), EXC_GP);
    CHECK_EQ(xb_frame(b, 0), XB_CODE32);
    xb_destroy(b);
}

/* The inner stack the TSS names is wrong: #TS, or #SS when it is not there. Exceptions need a good one, so
 * this is about level 1, and they go to level 0. */
static void inner_stack(void)
{
    static const struct {
        uint16_t selector, attributes;
        int vector;
        uint16_t error;
    } cases[] = {
        {0, 0, EXC_TS, 0},
        {B, DATA | DPL(1), EXC_TS, B}, /* RPL 0 */
        {B | 1, DATA, EXC_TS, B},      /* DPL 0 */
        {B | 1, (DATA | DPL(1)) & ~SEG_WRITABLE, EXC_TS, B},
        {B | 1, CODE | DPL(1), EXC_TS, B},
        {B | 1, (DATA | DPL(1)) & ~SEG_P, EXC_SS, B},
        {0x1001, 0, EXC_TS, 0x1000},
    };
    struct x86_bare *b = begin();
    for (unsigned n = 0; n < ARRAY_LEN(cases); n++) {
        test_context("case %u", n);
        xb_protected(b);
        xb_user(b);
        xb_descriptor(b, B, 0, 0xfffff, cases[n].attributes | SEG_G);
        xb_descriptor(b, C, 0, 0xfffff, CODE | DPL(1) | SEG_G);
        xb_gate(b, false, A, C, TARGET, 0x80 | DPL(3) | TYPE_CALL_GATE, 0);
        xb_store(b, XB_TSS + 12, 4, XB_STACK0 - 0x800);
        xb_store(b, XB_TSS + 16, 2, cases[n].selector);
        CHECK_EQ(call_far(b, A | 3, 0), cases[n].vector);
        CHECK_EQ(xb_frame(b, 0), cases[n].error);
        CHECK_EQ(xb_frame(b, 1), XB_CODE);
    }
    test_context(NULL);
    /* A limit the frame doesn't fit under: #SS with the selector. */
    xb_protected(b);
    xb_user(b);
    xb_descriptor(b, B, 0, 0x1000, DATA | DPL(1));
    xb_descriptor(b, C, 0, 0xfffff, CODE | DPL(1) | SEG_G);
    xb_gate(b, false, A, C, TARGET, 0x80 | DPL(3) | TYPE_CALL_GATE, 0);
    xb_store(b, XB_TSS + 12, 4, XB_STACK0 - 0x800);
    xb_store(b, XB_TSS + 16, 2, B | 1);
    CHECK_EQ(call_far(b, A | 3, 0), EXC_SS);
    CHECK_EQ(xb_frame(b, 0), B);
    /* And it works when all is right, with 16-bit pushes through a 286 gate. */
    xb_protected(b);
    xb_user(b);
    xb_descriptor(b, B, 0, 0xfffff, DATA | DPL(1) | SEG_G);
    xb_gate(b, false, A, C, 0x9000, 0x80 | DPL(3) | TYPE_CALL_GATE16, 0);
    XB_PUT(b, 0x9000, 0x0f, 0x0b);
    xb_store(b, XB_TSS + 16, 2, B | 1);
    CHECK_EQ(call_far(b, A | 3, 0), EXC_UD);
    CHECK_EQ(xb_frame(b, 0), 0x9000);
    CHECK_EQ(xb_frame(b, 1), C | 1);
    CHECK_EQ(xb_frame(b, 3), XB_STACK0 - 0x800 - 8);
    CHECK_EQ(xb_load(b, XB_STACK0 - 0x800 - 8, 2), (XB_CODE + 7) & 0xffff);
    xb_destroy(b);
}

/* IRET to level 3, with its flags; from level 3 it may not go inwards, nor change IOPL or IF. */
static void iret_levels(void)
{
    struct x86_bare *b = begin();
    uint32_t stack = (uint32_t)XB_STACK0 - 20;
    b->s->gpr[RSP] = stack;
    xb_store(b, stack, 4, TARGET);
    xb_store(b, stack + 4, 4, XB_USER32);
    xb_store(b, stack + 8, 4, 0x3202 | FLAG_CF | FLAG_NT | FLAG_AC);
    xb_store(b, stack + 12, 4, XB_STACK3);
    xb_store(b, stack + 16, 4, XB_USERDATA);
    XB_PUT(b, TARGET, 0x0f, 0x0b);
    CHECK_EQ(XB_EXEC(b, 0xcf), EXC_UD);
    CHECK_EQ(xb_frame(b, 0), TARGET);
    CHECK_EQ(xb_frame(b, 1), XB_USER32);
    CHECK_EQ(xb_frame(b, 2), 0x3202 | FLAG_CF | FLAG_NT | FLAG_AC | FLAG_RF);
    CHECK_EQ(xb_frame(b, 3), XB_STACK3);
    CHECK_EQ(b->s->seg[DS].selector, 0); /* the kernel's data is taken away */
    /* At level 3 with IOPL 0. */
    xb_protected(b);
    xb_user(b);
    stack = (uint32_t)XB_STACK3 - 12;
    b->s->gpr[RSP] = stack;
    b->s->rflags = FLAG_ONE | FLAG_IF;
    xb_store(b, stack, 4, TARGET);
    xb_store(b, stack + 4, 4, XB_USER32);
    xb_store(b, stack + 8, 4, 0x3002 | FLAG_ZF);
    CHECK_EQ(XB_EXEC(b, 0xcf), EXC_UD);
    CHECK_EQ(xb_frame(b, 2), FLAG_ONE | FLAG_IF | FLAG_ZF | FLAG_RF);
    xb_protected(b);
    xb_user(b);
    b->s->gpr[RSP] = stack;
    xb_store(b, stack + 4, 4, XB_CODE32);
    CHECK_EQ(XB_EXEC(b, 0xcf), EXC_GP);
    CHECK_EQ(xb_frame(b, 0), XB_CODE32);
    xb_destroy(b);
}

static void iret_faults(void)
{
    static const struct {
        uint32_t rip, cs, ss;
        uint16_t ss_attributes; /* of B */
        int vector;
        uint16_t error;
    } cases[] = {
        {TARGET, 0, 0, 0, EXC_GP, 0},
        {TARGET, 0x1000, 0, 0, EXC_GP, 0x1000},
        {TARGET, XB_DATA32, 0, 0, EXC_GP, XB_DATA32},
        {TARGET, XB_USER32, 0, 0, EXC_GP, 0},
        {TARGET, XB_USER32, XB_DATA32, 0, EXC_GP, XB_DATA32},
        {TARGET, XB_USER32, B | 3, (DATA | DPL(3)) & ~SEG_P, EXC_SS, B},
        {TARGET, XB_USER32, B | 3, (DATA | DPL(3)) & ~SEG_WRITABLE, EXC_GP, B},
        {0x200000, A, 0, 0, EXC_GP, 0}, /* beyond A's limit */
    };
    struct x86_bare *b = begin();
    for (unsigned n = 0; n < ARRAY_LEN(cases); n++) {
        test_context("case %u", n);
        xb_protected(b);
        xb_descriptor(b, A, 0, 0x1ff, CODE | SEG_G);
        xb_descriptor(b, B, 0, 0xfffff, cases[n].ss_attributes | SEG_G);
        uint32_t stack = (uint32_t)XB_STACK0 - 20;
        b->s->gpr[RSP] = stack;
        xb_store(b, stack, 4, cases[n].rip);
        xb_store(b, stack + 4, 4, cases[n].cs);
        xb_store(b, stack + 8, 4, 0x2);
        xb_store(b, stack + 12, 4, XB_STACK3);
        xb_store(b, stack + 16, 4, cases[n].ss);
        CHECK_EQ(XB_EXEC(b, 0xcf), cases[n].vector);
        CHECK_EQ(xb_frame(b, 0), cases[n].error);
        CHECK_EQ(xb_frame(b, 1), XB_CODE);
        CHECK_EQ(b->s->gpr[RSP], stack - 16);
    }
    xb_destroy(b);
}

/* Of the segments that IRET to level 3 takes away the base stays, which 64-bit code goes on using. */
static void iret_bases(void)
{
    struct x86_bare *b = xb_create(NULL);
    xb_long(b);
    uint64_t stack = XB_STACK0 - 40;
    const uint64_t frame[] = {TARGET, XB_USER64, 0x202, XB_STACK3, XB_USERDATA};
    for (unsigned i = 0; i < ARRAY_LEN(frame); i++)
        xb_store(b, stack + 8 * i, 8, frame[i]);
    b->s->gpr[RSP] = stack;
    b->s->seg[GS].base = XB_DATA;
    xb_store(b, XB_DATA + 8, 8, 0x1122334455667788);
    /* mov rax, gs:[8]; ud2 */
    XB_PUT(b, TARGET, 0x65, 0x48, 0x8b, 0x04, 0x25, 8, 0, 0, 0, 0x0f, 0x0b);
    CHECK_EQ(XB_EXEC(b, 0x48, 0xcf), EXC_UD);
    CHECK_EQ(b->s->gpr[RAX], 0x1122334455667788);
    CHECK_EQ(b->s->seg[GS].selector, 0);
    xb_destroy(b);
}

/* Long mode: IRETQ always pops a stack; 64-bit call gates; compatibility mode and back. */
static void long_mode(void)
{
    struct x86_bare *b = xb_create(NULL);
    xb_long(b);
    XB_PUT(b, TARGET, 0x0f, 0x0b);
    uint64_t stack = XB_STACK0 - 40;
    b->s->gpr[RSP] = stack;
    xb_store(b, stack, 8, TARGET);
    xb_store(b, stack + 8, 8, XB_USER32); /* compatibility mode */
    xb_store(b, stack + 16, 8, 0x202);
    xb_store(b, stack + 24, 8, XB_STACK3);
    xb_store(b, stack + 32, 8, XB_USERDATA);
    /* iretq */
    CHECK_EQ(XB_EXEC(b, 0x48, 0xcf), EXC_UD);
    CHECK_EQ(xb_frame(b, 0), TARGET);
    CHECK_EQ(xb_frame(b, 1), XB_USER32);
    CHECK_EQ(xb_frame(b, 3), XB_STACK3);
    CHECK_EQ(xb_frame(b, 4), XB_USERDATA);
    CHECK_EQ(b->s->seg[SS].selector, 0);
    CHECK_EQ(b->s->gpr[RSP] & 15, 8);
    /* A null SS is fine below level 3 only. */
    xb_long(b);
    b->s->gpr[RSP] = stack;
    xb_store(b, stack + 8, 8, XB_USER64);
    xb_store(b, stack + 32, 8, 3);
    CHECK_EQ(XB_EXEC(b, 0x48, 0xcf), EXC_GP);
    CHECK_EQ(xb_frame(b, 0), 0);
    xb_long(b);
    b->s->gpr[RSP] = stack;
    xb_store(b, stack + 8, 8, XB_CODE64);
    xb_store(b, stack + 32, 8, 0);
    XB_PUT(b, TARGET, 0xf4);
    CHECK_EQ(XB_EXEC(b, 0x48, 0xcf), -1);
    CHECK_EQ(b->s->gpr[RSP], XB_STACK3);
    /* A 64-bit call gate of 16 bytes, from compatibility mode at level 3. */
    xb_long(b);
    xb_user(b);
    x86_segment_set(b->vcpu, CS, XB_USER32, 0, 0xffffffff, CODE | DPL(3) | SEG_G | SEG_ACCESSED);
    x86_state_changed(b->vcpu);
    xb_gate(b, false, A, XB_CODE64, TARGET, 0x80 | DPL(3) | TYPE_CALL_GATE, 0);
    xb_store(b, XB_GDT + A + 8, 8, 0);
    CHECK_EQ(call_far(b, A | 3, 0), -1);
    CHECK_EQ(b->s->rip, TARGET + 1);
    CHECK_EQ(xb_frame(b, 0), XB_CODE + 7);
    CHECK_EQ(xb_frame(b, 1), XB_USER32);
    CHECK_EQ(xb_frame(b, 2), XB_STACK3);
    CHECK_EQ(xb_frame(b, 3), XB_USERDATA);
    /* A far jump with L and D both set. */
    xb_long(b);
    xb_descriptor(b, A, 0, 0xfffff, CODE | SEG_L | SEG_G);
    /* push A; push TARGET; retfq */
    CHECK_EQ(XB_EXEC(b, 0x6a, A, 0x68, 0, 0, 0x11, 0, 0x48, 0xcb), EXC_GP);
    CHECK_EQ(xb_frame(b, 0), A);
    /* Jumps to where no canonical address is. */
    xb_long(b);
    b->s->gpr[RAX] = 0x800000000000;
    CHECK_EQ(XB_EXEC(b, 0xff, 0xe0), EXC_GP);
    CHECK_EQ(xb_frame(b, 1), XB_CODE);
    xb_long(b);
    CHECK_EQ(XB_EXEC(b, 0xff, 0xd0), EXC_GP);
    CHECK_EQ(xb_frame(b, 4), XB_STACK0); /* nothing was pushed */
    xb_destroy(b);
}

/* A return to a 16-bit stack leaves the rest of RSP as it was. */
static void small_stack(void)
{
    struct x86_bare *b = begin();
    const uint64_t frame[] = {TARGET, XB_USER32, FLAG_ONE, 0x8000, A | 3}, at = 0x218000;
    xb_long(b);
    xb_descriptor(b, A, 0, 0xffff, (DATA & ~SEG_DB) | DPL(3));
    for (unsigned n = 0; n < ARRAY_LEN(frame); n++)
        xb_store(b, at + 8 * n, 8, frame[n]);
    b->s->gpr[RSP] = at;
    CHECK_EQ(XB_EXEC(b, 0x48, 0xcf), EXC_GP); /* HLT at level 3 */
    CHECK_EQ(xb_frame(b, 1), TARGET);
    CHECK_EQ(xb_frame(b, 4), 0x218000);
    /* What is wrong with the stack is said before what is wrong with RIP. */
    xb_long(b);
    xb_store(b, at, 8, 0xfffff00000000000);
    xb_store(b, at + 8, 8, XB_USER64);
    xb_store(b, at + 32, 8, A);
    b->s->gpr[RSP] = at;
    CHECK_EQ(XB_EXEC(b, 0x48, 0xcf), EXC_GP);
    CHECK_EQ(xb_frame(b, 0), A);
    xb_destroy(b);
}

static const struct test_case cases[] = {
    {"jumps", jumps},
    {"calls", calls},
    {"call_gate", call_gate},
    {"call_gate_faults", call_gate_faults},
    {"inner_stack", inner_stack},
    {"iret_levels", iret_levels},
    {"iret_faults", iret_faults},
    {"iret_bases", iret_bases},
    {"long_mode", long_mode},
    {"small_stack", small_stack},
};
TEST_SUITE(x86_far_test, "unit", cases);
