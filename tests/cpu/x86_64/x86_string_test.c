/*
 * Repeated string instructions where many iterations are done at a time: what registers and memory hold when
 * one in the middle faults (SDM vol. 2, REP), when source and destination overlap, downwards, and when the
 * destination is code.
 */
#include "tests/cpu/x86_64/x86_bare.h"

#define END ((uint64_t)0x400000) /* nothing is mapped from here on */

static struct x86_bare *begin(void)
{
    struct x86_bare *b = xb_create(NULL);
    xb_long(b);
    xb_store(b, XB_PAGES + 0x2000 + 8 * (END >> 21), 8, 0);
    x86_state_changed(b->vcpu);
    return b;
}

static void pattern(struct x86_bare *b, uint64_t at, unsigned count)
{
    for (unsigned n = 0; n < count; n++)
        b->memory[at + n] = (uint8_t)(n * 7 + 1);
}

static void set(struct x86_bare *b, uint64_t rsi, uint64_t rdi, uint64_t rcx)
{
    b->s->gpr[RSI] = rsi;
    b->s->gpr[RDI] = rdi;
    b->s->gpr[RCX] = rcx;
}

static void check(const struct x86_bare *b, uint64_t rsi, uint64_t rdi, uint64_t rcx)
{
    CHECK_EQ(b->s->gpr[RSI], rsi);
    CHECK_EQ(b->s->gpr[RDI], rdi);
    CHECK_EQ(b->s->gpr[RCX], rcx);
}

/* The iterations up to the fault are done, and the instruction can go on from there. */
static void faults(void)
{
    struct x86_bare *b = begin();
    pattern(b, XB_DATA, 0x3000);
    /* rep movsb to the end of what is mapped, over two page boundaries */
    set(b, XB_DATA + 5, END - 0x1234, 0x2000);
    CHECK_EQ(XB_EXEC(b, 0xf3, 0xa4), EXC_PF);
    CHECK_EQ(b->s->cr2, END);
    CHECK_EQ(xb_frame(b, 1), XB_CODE);
    CHECK_EQ(xb_frame(b, 0), 2);
    check(b, XB_DATA + 5 + 0x1234, END, 0x2000 - 0x1234);
    CHECK_MEM(b->memory + END - 0x1234, b->memory + XB_DATA + 5, 0x1234);
    /* rep movsq from there: the element that crosses the end is not done, nor read in part. */
    xb_long(b);
    xb_store(b, XB_PAGES + 0x2000 + 8 * (END >> 21), 8, 0);
    x86_state_changed(b->vcpu);
    set(b, END - 0x101c, XB_DATA, 0x1000);
    CHECK_EQ(XB_EXEC(b, 0xf3, 0x48, 0xa5), EXC_PF);
    CHECK_EQ(b->s->cr2, END);
    CHECK_EQ(xb_frame(b, 0), 0);
    check(b, END - 4, XB_DATA + 0x1018, 0x1000 - 0x203);
    CHECK_MEM(b->memory + XB_DATA, b->memory + END - 0x101c, 0x1018);
    /* rep stosd likewise; ECX counts, and its upper half goes, with a 32-bit address size */
    xb_long(b);
    xb_store(b, XB_PAGES + 0x2000 + 8 * (END >> 21), 8, 0);
    x86_state_changed(b->vcpu);
    b->s->gpr[RAX] = 0x11223344;
    set(b, 0, END - 0x2000, 0x900 | (uint64_t)5 << 32);
    CHECK_EQ(XB_EXEC(b, 0x67, 0xf3, 0xab), EXC_PF);
    check(b, 0, END, 0x100);
    CHECK_EQ(xb_load(b, END - 0x2000, 4), 0x11223344);
    CHECK_EQ(xb_load(b, END - 4, 4), 0x11223344);
    xb_destroy(b);
}

/* An element at a time, in order: a copy to just behind its source repeats it. */
static void overlap(void)
{
    static const uint8_t repeated[] = {1, 8, 15, 1, 8, 15, 1, 8, 15, 1, 8, 15};
    struct x86_bare *b = begin();
    pattern(b, XB_DATA, 64);
    set(b, XB_DATA, XB_DATA + 3, 9);
    CHECK_EQ(XB_EXEC(b, 0xf3, 0xa4), -1);
    check(b, XB_DATA + 9, XB_DATA + 12, 0);
    CHECK_MEM(b->memory + XB_DATA, repeated, sizeof(repeated));
    /* Downwards from the end it moves them. */
    static const uint8_t moved[] = {1, 8, 15, 1, 8, 15, 22, 29};
    pattern(b, XB_DATA, 64);
    set(b, XB_DATA + 4, XB_DATA + 7, 5);
    CHECK_EQ(XB_EXEC(b, 0xfd, 0xf3, 0xa4, 0xfc), -1);
    check(b, XB_DATA - 1, XB_DATA + 2, 0);
    CHECK_MEM(b->memory + XB_DATA, moved, sizeof(moved));
    /* Words that overlap themselves: 8-byte elements 4 bytes apart. */
    pattern(b, XB_DATA, 64);
    xb_store(b, XB_DATA, 8, 0x1111111122222222);
    set(b, XB_DATA, XB_DATA + 4, 2);
    CHECK_EQ(XB_EXEC(b, 0xf3, 0x48, 0xa5), -1);
    CHECK_EQ(xb_load(b, XB_DATA, 8), 0x2222222222222222);
    CHECK_EQ(xb_load(b, XB_DATA + 8, 8) & 0xffffffff, 0x11111111);
    xb_destroy(b);
}

/* The same page at two addresses: overlap is of memory, not of addresses. */
static void overlap_of_mappings(void)
{
    static const uint8_t repeated[] = {1, 8, 1, 8, 1, 8};
    struct x86_bare *b = begin();
    xb_store(b, XB_PAGES + 0x2000 + 8 * (END >> 21), 8, XB_DATA | 0x87);
    x86_state_changed(b->vcpu);
    pattern(b, XB_DATA, 64);
    set(b, XB_DATA, END + 2, 4);
    CHECK_EQ(XB_EXEC(b, 0xf3, 0xa4), -1);
    CHECK_MEM(b->memory + XB_DATA, repeated, sizeof(repeated));
    xb_destroy(b);
}

/* A copy over the code behind it, once that has run. */
static void code(void)
{
    struct x86_bare *b = begin();
    for (uint8_t round = 1; round < 4; round++) {
        /* mov eax, round; hlt */
        XB_PUT(b, XB_DATA, 0xb8, round, 0, 0, 0, 0xf4);
        set(b, XB_DATA, XB_CODE + 2, 6);
        CHECK_EQ(XB_EXEC(b, 0xf3, 0xa4, 0xb8, 77, 0, 0, 0), -1);
        CHECK_EQ(b->s->gpr[RAX], round);
    }
    xb_destroy(b);
}

/* An interrupt between iterations, and the count of instructions: a long one does not keep a slice from its
 * end. */
static void interrupted(void)
{
    struct x86_bare *b = begin();
    b->s->gpr[RAX] = 0;
    set(b, 0, XB_DATA, (uint64_t)1 << 40);
    XB_PUT(b, XB_CODE, 0xfd, 0xf3, 0xaa, 0xf4);
    b->s->rip = XB_CODE;
    b->s->activity = ACTIVITY_RUNNING;
    b->interrupt = 0x31;
    xb_step(b, 3);
    CHECK_EQ(b->s->rip, XB_CODE + 1);
    uint64_t done = ((uint64_t)1 << 40) - b->s->gpr[RCX];
    CHECK(done > 0);
    CHECK_EQ(b->s->gpr[RDI], XB_DATA - done);
    b->s->rflags |= FLAG_IF;
    x86_64_ops.irq_set(b->vcpu, X86_LINE_INTR, true);
    CHECK_EQ(xb_run(b, b->s->rip), 0x31);
    CHECK_EQ(xb_frame(b, 0), XB_CODE + 1);
    CHECK(xb_frame(b, 2) & FLAG_RF); /* its own breakpoint is behind it */
    xb_destroy(b);
}

static const struct test_case cases[] = {
    {"faults", faults}, {"overlap", overlap},         {"overlap_of_mappings", overlap_of_mappings},
    {"code", code},     {"interrupted", interrupted},
};
TEST_SUITE(x86_string_test, "unit", cases);
