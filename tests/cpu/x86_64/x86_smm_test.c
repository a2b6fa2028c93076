/* System-management mode: what waits while it lasts, and save areas that RSM refuses. */
#include "base/bits.h"
#include "tests/cpu/x86_64/x86_bare.h"

#define SMBASE 0x30000u

static void smi(struct x86_bare *b)
{
    x86_64_ops.irq_set(b->vcpu, X86_LINE_SMI, false);
    x86_64_ops.irq_set(b->vcpu, X86_LINE_SMI, true);
}

/* A trap that waits when an SMI comes is taken after RSM, and not in the handler (SDM vol. 3, table 7-2). */
static void traps_wait(void)
{
    struct x86_bare *b = xb_create(NULL);
    xb_protected(b);
    /* nop; rsm */
    XB_PUT(b, SMBASE + 0x8000, 0x90, 0x0f, 0xaa);
    XB_PUT(b, XB_CODE, 0x90, 0x90, 0xf4);
    b->s->rip = XB_CODE;
    b->s->activity = ACTIVITY_RUNNING;
    b->s->debug_pending = DR6_BS;
    smi(b);
    CHECK_EQ(xb_run(b, XB_CODE), EXC_DB);
    CHECK_EQ(xb_frame(b, 0), XB_CODE);
    CHECK_EQ(xb_load(b, SMBASE + 0xff78, 8), XB_CODE);
    CHECK_EQ(b->s->debug_held, 0);
    CHECK(!b->s->in_smm);
    xb_destroy(b);
}

/* INIT waits for RSM; a handler that halts sleeps all the same. */
static void init_waits(void)
{
    struct x86_bare *b = xb_create(NULL);
    xb_protected(b);
    /* hlt; rsm */
    XB_PUT(b, SMBASE + 0x8000, 0xf4, 0x0f, 0xaa);
    smi(b);
    CHECK_EQ(XB_EXEC(b, 0x90), -1);
    CHECK(b->s->in_smm);
    x86_init_signal(b->vcpu);
    CHECK(!x86_64_ops.has_work(b->vcpu));
    vcpu_run(b->vcpu, &b->exit);
    CHECK_EQ(b->exit.reason, EXIT_HALT);
    CHECK(b->s->in_smm);
    b->s->activity = ACTIVITY_RUNNING;
    xb_step(b, 1);
    CHECK(!b->s->in_smm);
    xb_step(b, 1);
    CHECK(!(b->s->cr0 & CR0_PE));
    CHECK_EQ(b->s->seg[DS].limit, 0xffff);
    xb_destroy(b);
}

/* Breakpoints of the program are there again, wherever the handler has moved them. */
static void breakpoints_return(void)
{
    struct x86_bare *b = xb_create(NULL);
    xb_protected(b);
    b->s->dr[7] = DR7_FIXED | 2;
    b->s->dr[0] = XB_CODE + 2;
    x86_state_changed(b->vcpu);
    CHECK_EQ(XB_EXEC(b, 0x90, 0x90, 0x90, 0x90), EXC_DB);
    xb_protected(b);
    /* mov eax, XB_CODE + 3; mov dr0, eax; rsm */
    XB_PUT(b, SMBASE + 0x8000, 0x66, 0xb8, 0x03, 0x00, 0x10, 0x00, 0x0f, 0x23, 0xc0, 0x0f, 0xaa);
    smi(b);
    CHECK_EQ(XB_EXEC(b, 0x90, 0x90, 0x90, 0x90), EXC_DB);
    CHECK_EQ(xb_frame(b, 0), XB_CODE + 3);
    xb_destroy(b);
}

/* SDM vol. 3, 32.4.1, and APM vol. 2, 10.3.3: states that no processor can have been in. */
static void refused(void)
{
    static const struct {
        uint32_t at;
        uint64_t value;
        bool accepted;
    } rows[] = {
        {0xff58, CR0_PE | CR0_ET | CR0_PG, true}, /* 64-bit mode, as it was */
        {0xff58, CR0_ET | CR0_PG, false},
        {0xff58, CR0_PE | CR0_PG | CR0_NW, false},
        {0xff58, CR0_PE | CR0_PG | BIT(32), false},
        {0xff58, CR0_PE, false}, /* EFER.LMA without paging */
        {0xff48, CR4_PAE | CR4_PCIDE, true},
        {0xff48, CR4_PAE | BIT(14), false},
        {0xff48, 0, false},
        {0xff50, XB_PAGES | BIT(45), false},
        {0xfed0, EFER_LME | EFER_LMA | EFER_SCE, true},
        {0xfed0, EFER_LME, false},
        {0xfed0, EFER_LMA, false},
        {0xfed0, EFER_LME | EFER_LMA | BIT(1), false},
        {0xff70, FLAG_ONE | FLAG_VM, false},
        {0xfe10, XB_CODE64 | (uint64_t)(SEG_P | SEG_S | SEG_CODE | SEG_L | SEG_DB) << 16, false},
    };
    for (unsigned n = 0; n < ARRAY_LEN(rows); n++) {
        struct x86_bare *b = xb_create(NULL);
        test_context("row %u", n);
        xb_long(b);
        /* hlt; rsm: the map is changed by hand between the two. */
        XB_PUT(b, SMBASE + 0x8000, 0xf4, 0x0f, 0xaa);
        smi(b);
        CHECK_EQ(XB_EXEC(b, 0x90), -1);
        CHECK(b->s->in_smm);
        xb_store(b, SMBASE + rows[n].at, 8, rows[n].value);
        CHECK_EQ(xb_run(b, 0x8001) == -1, rows[n].accepted);
        CHECK_EQ(b->exit.reason, rows[n].accepted ? EXIT_HALT : EXIT_SHUTDOWN);
        xb_destroy(b);
    }
}

static const struct test_case cases[] = {
    {"traps_wait", traps_wait},
    {"init_waits", init_waits},
    {"breakpoints_return", breakpoints_return},
    {"refused", refused},
};
TEST_SUITE(x86_smm_test, "unit", cases);
