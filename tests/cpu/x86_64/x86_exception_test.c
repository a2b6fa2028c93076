/* Exceptions and interrupts: error codes, double and triple faults, shadows, traps, debug registers. */
#include "base/bits.h"
#include "tests/cpu/x86_64/x86_bare.h"

#define DATA   (SEG_P | SEG_S | SEG_WRITABLE | SEG_DB)
#define CODE   (SEG_P | SEG_S | SEG_CODE | SEG_READABLE | SEG_DB)
#define DPL(n) ((n) << SEG_DPL_SHIFT)

enum { A = XB_FREE, B = XB_FREE + 8 };

static struct x86_bare *begin(void)
{
    struct x86_bare *b = xb_create(NULL);
    xb_protected(b);
    return b;
}

/* What is wrong on the way through the IDT, with INT 30h: IDT and EXT bits of the error code. */
static void gates(void)
{
    static const struct {
        uint8_t access;
        uint16_t target;
        bool user;
        int vector;
        uint16_t error;
    } cases[] = {
        {0x8e, XB_CODE32, false, 0x30, 0},
        {0xee, XB_CODE32, true, 0x30, 0},
        {0x8e, XB_CODE32, true, EXC_GP, 0x30 * 8 + 2},  /* DPL below CPL */
        {0x0e, XB_CODE32, false, EXC_NP, 0x30 * 8 + 2}, /* not present */
        {0x8c, XB_CODE32, false, EXC_GP, 0x30 * 8 + 2}, /* a call gate */
        {0x8e, 0, false, EXC_GP, 0},
        {0x8e, XB_DATA32, false, EXC_GP, XB_DATA32},
        {0x8e, 0x1000, false, EXC_GP, 0x1000},
        {0x8e, XB_USER32 & ~3, false, EXC_GP, XB_USER32 & ~3}, /* outwards */
        {0x8e, A, false, EXC_NP, A},
    };
    struct x86_bare *b = begin();
    for (unsigned n = 0; n < ARRAY_LEN(cases); n++) {
        test_context("case %u", n);
        xb_protected(b);
        if (cases[n].user)
            xb_user(b);
        xb_descriptor(b, A, 0, 0xfffff, (CODE & ~SEG_P) | SEG_G);
        xb_gate(b, true, 0x30, cases[n].target, (uint32_t)XB_HANDLERS + 16 * 0x30, cases[n].access, 0);
        CHECK_EQ(XB_EXEC(b, 0xcd, 0x30), cases[n].vector);
        if (cases[n].vector == 0x30) {
            CHECK_EQ(xb_frame(b, 0), XB_CODE + 2);
        } else {
            CHECK_EQ(xb_frame(b, 0), cases[n].error);
            CHECK_EQ(xb_frame(b, 1), XB_CODE);
        }
    }
    test_context(NULL);
    /* Beyond the IDT's limit; and an exception on that way has EXT. */
    xb_protected(b);
    b->s->idtr.limit = 0x30 * 8 + 6;
    CHECK_EQ(XB_EXEC(b, 0xcd, 0x30), EXC_GP);
    CHECK_EQ(xb_frame(b, 0), 0x30 * 8 + 2);
    xb_protected(b);
    xb_gate(b, true, EXC_UD, XB_CODE32, 0, 0x0e, 0);
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x0b), EXC_NP);
    CHECK_EQ(xb_frame(b, 0), EXC_UD * 8 + 3);
    xb_destroy(b);
}

static void interrupt_and_trap_gates(void)
{
    struct x86_bare *b = begin();
    b->s->rflags = FLAG_ONE | FLAG_IF | FLAG_NT | FLAG_DF;
    CHECK_EQ(XB_EXEC(b, 0xcd, 0x30), 0x30);
    CHECK_EQ(xb_frame(b, 2), FLAG_ONE | FLAG_IF | FLAG_NT | FLAG_DF);
    CHECK_EQ(b->s->rflags, FLAG_ONE | FLAG_DF);
    xb_protected(b);
    b->s->rflags = FLAG_ONE | FLAG_IF;
    xb_gate(b, true, 0x30, XB_CODE32, (uint32_t)XB_HANDLERS + 16 * 0x30, 0x8f, 0);
    CHECK_EQ(XB_EXEC(b, 0xcd, 0x30), 0x30);
    CHECK_EQ(b->s->rflags, FLAG_ONE | FLAG_IF);
    /* A 286 gate pushes words and has 16 bits of offset. */
    xb_protected(b);
    XB_PUT(b, 0x8000, 0xf4);
    xb_gate(b, true, 0x30, XB_CODE32, 0x12348000, 0x86, 0);
    CHECK_EQ(XB_EXEC(b, 0xcd, 0x30), -1);
    CHECK_EQ(b->s->rip, 0x8001);
    CHECK_EQ(b->s->gpr[RSP], XB_STACK0 - 6);
    CHECK_EQ(xb_load(b, XB_STACK0 - 6, 2), (XB_CODE + 2) & 0xffff);
    xb_destroy(b);
}

/* Two contributory exceptions, or a page fault and one, make a double fault; a third ends it (SDM vol.
 * 3, 6.15). */
static void double_faults(void)
{
    struct x86_bare *b = begin();
    /* #GP whose gate is not present: #NP on #GP. */
    xb_gate(b, true, EXC_GP, XB_CODE32, 0, 0x0e, 0);
    b->s->gpr[RAX] = 0x1000;
    CHECK_EQ(XB_EXEC(b, 0x8e, 0xd8), EXC_DF);
    CHECK_EQ(xb_frame(b, 0), 0);
    CHECK_EQ(xb_frame(b, 1), XB_CODE);
    /* #UD is benign: the #NP on its way is delivered. */
    xb_protected(b);
    xb_gate(b, true, EXC_UD, XB_CODE32, 0, 0x0e, 0);
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x0b), EXC_NP);
    /* #DE is contributory. */
    xb_protected(b);
    xb_gate(b, true, EXC_DE, XB_CODE32, 0, 0x0e, 0);
    b->s->gpr[RCX] = 0;
    CHECK_EQ(XB_EXEC(b, 0xf7, 0xf1), EXC_DF);
    /* And when #DF can't be delivered either, the processor shuts down. */
    xb_protected(b);
    xb_gate(b, true, EXC_DF, XB_CODE32, 0, 0x0e, 0);
    xb_gate(b, true, EXC_DE, XB_CODE32, 0, 0x0e, 0);
    CHECK_EQ(XB_EXEC(b, 0xf7, 0xf1), -2);
    CHECK_EQ(b->exit.reason, EXIT_SHUTDOWN);
    CHECK_EQ(b->s->activity, ACTIVITY_SHUTDOWN);
    /* No IDT at all. */
    xb_protected(b);
    b->s->idtr.limit = 0;
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x0b), -2);
    CHECK_EQ(b->exit.reason, EXIT_SHUTDOWN);
    xb_destroy(b);
}

/* A page fault while a page fault is delivered (a stack that isn't mapped), and IST against it. */
static void page_fault_on_page_fault(void)
{
    struct x86_bare *b = xb_create(NULL);
    xb_long(b);
    b->s->gpr[RSP] = 0x10000000000;
    xb_store(b, XB_IDT + 16 * EXC_DF + 4, 1, 1); /* IST 1 */
    xb_store(b, XB_TSS + 0x24, 8, XB_STACK0 + 8);
    CHECK_EQ(XB_EXEC(b, 0x50), EXC_DF);
    CHECK_EQ(b->s->gpr[RSP], XB_STACK0 - 48);
    CHECK_EQ(b->s->cr2, 0x10000000000 - 8);
    xb_destroy(b);
}

static void error_codes_of_page_faults(void)
{
    struct x86_bare *b = xb_create(NULL);
    xb_long(b);
    /* Pages of 2 MiB: read-only, the supervisor's, not to be executed. */
    xb_store(b, XB_PAGES + 0x2000 + 8 * 2, 8, 0x400000 | 0x85);                     /* user, read-only */
    xb_store(b, XB_PAGES + 0x2000 + 8 * 3, 8, 0x600000 | 0x83);                     /* supervisor */
    xb_store(b, XB_PAGES + 0x2000 + 8 * 4, 8, 0x800000 | 0x87 | (uint64_t)1 << 63); /* no execute */
    static const struct {
        uint64_t address;
        bool user, write;
        uint32_t error;
    } cases[] = {
        {0x400000, false, true, 3},   {0x400000, true, true, 7},     {0x600000, true, false, 5},
        {0x600000, true, true, 7},    {0x40000000, false, false, 0}, {0x40000000, false, true, 2},
        {0x40000000, true, false, 4}, {0x40000000, true, true, 6},
    };
    for (unsigned n = 0; n < ARRAY_LEN(cases); n++) {
        test_context("case %u", n);
        b->s->cr4 &= ~(CR4_SMEP | CR4_SMAP);
        x86_state_changed(b->vcpu);
        uint64_t keep2 = xb_load(b, XB_PAGES + 0x2010, 8), keep3 = xb_load(b, XB_PAGES + 0x2018, 8),
                 keep4 = xb_load(b, XB_PAGES + 0x2020, 8);
        xb_long(b);
        xb_store(b, XB_PAGES + 0x2010, 8, keep2);
        xb_store(b, XB_PAGES + 0x2018, 8, keep3);
        xb_store(b, XB_PAGES + 0x2020, 8, keep4);
        if (cases[n].user)
            xb_user(b);
        b->s->gpr[RBX] = cases[n].address;
        CHECK_EQ(XB_EXEC(b, cases[n].write ? 0x88 : 0x8a, 0x03), EXC_PF);
        CHECK_EQ(xb_frame(b, 0), cases[n].error);
        CHECK_EQ(b->s->cr2, cases[n].address);
        /* A read-modify-write is a write. */
        if (cases[n].write) {
            b->s->gpr[RSP] = XB_STACK0;
            xb_long(b);
            xb_store(b, XB_PAGES + 0x2010, 8, keep2);
            xb_store(b, XB_PAGES + 0x2018, 8, keep3);
            if (cases[n].user)
                xb_user(b);
            CHECK_EQ(XB_EXEC(b, 0x80, 0x03, 0x01), EXC_PF);
            CHECK_EQ(xb_frame(b, 0), cases[n].error);
        }
    }
    test_context(NULL);
    /* jmp rbx: fetches from NX, from nowhere, and of a user's page with SMEP */
    xb_long(b);
    xb_store(b, XB_PAGES + 0x2020, 8, 0x800000 | 0x87 | (uint64_t)1 << 63);
    b->s->gpr[RBX] = 0x800000;
    CHECK_EQ(XB_EXEC(b, 0xff, 0xe3), EXC_PF);
    CHECK_EQ(xb_frame(b, 0), 17 /* P, I */);
    CHECK_EQ(xb_frame(b, 1), 0x800000);
    xb_destroy(b);
}

/* An access that crosses into a page that isn't there changes nothing. */
static void crossing(void)
{
    struct x86_bare *b = xb_create(NULL);
    xb_long(b);
    b->s->gpr[RBX] = 0x3ffffffc;
    b->s->gpr[RAX] = ~(uint64_t)0;
    /* mov [rbx], rax at the end of what is mapped (RAM ends before, so only the fault counts) */
    CHECK_EQ(XB_EXEC(b, 0x48, 0x89, 0x03), EXC_PF);
    CHECK_EQ(b->s->cr2, 0x40000000);
    CHECK_EQ(xb_frame(b, 0), 2);
    /* The same with RAM in front of a hole. */
    xb_long(b);
    xb_store(b, XB_PAGES + 0x2008, 8, 0);
    b->s->gpr[RBX] = 0x1ffffd;
    xb_store(b, 0x1ffffd, 2, 0x5555);
    CHECK_EQ(XB_EXEC(b, 0x48, 0x89, 0x03), EXC_PF);
    CHECK_EQ(b->s->cr2, 0x200000);
    CHECK_EQ(xb_load(b, 0x1ffffd, 2), 0x5555);
    xb_destroy(b);
}

/* ---- interrupts ---- */

static void raise_interrupt(struct x86_bare *b, int vector)
{
    b->interrupt = vector;
    x86_64_ops.irq_set(b->vcpu, X86_LINE_INTR, true);
}

static void external(void)
{
    struct x86_bare *b = begin();
    raise_interrupt(b, 0x40);
    /* IF clear: nop; nop; hlt */
    CHECK_EQ(XB_EXEC(b, 0x90, 0x90), -1);
    CHECK_EQ(b->s->rip, XB_CODE + 3);
    /* HLT ends with the interrupt, and its frame points behind it. */
    b->s->rflags |= FLAG_IF;
    CHECK_EQ(xb_run(b, XB_CODE + 2), 0x40);
    CHECK_EQ(xb_frame(b, 0), XB_CODE + 2); /* taken before the HLT, because it waited */
    xb_protected(b);
    /* sti; nop; nop: one instruction later */
    raise_interrupt(b, 0x41);
    b->s->rflags &= ~FLAG_IF;
    CHECK_EQ(XB_EXEC(b, 0xfb, 0x90, 0x90), 0x41);
    CHECK_EQ(xb_frame(b, 0), XB_CODE + 2);
    /* sti; cli: never */
    xb_protected(b);
    raise_interrupt(b, 0x42);
    b->s->rflags &= ~FLAG_IF;
    CHECK_EQ(XB_EXEC(b, 0xfb, 0xfa, 0x90), -1);
    /* mov ss, ax holds them off for one instruction, POPF and IRET don't */
    xb_protected(b);
    b->s->gpr[RAX] = XB_DATA32;
    b->s->rflags |= FLAG_IF;
    b->s->gpr[RSP] = XB_STACK0 - 4;
    xb_store(b, XB_STACK0 - 4, 4, FLAG_IF | FLAG_ONE);
    b->s->rflags &= ~FLAG_IF;
    raise_interrupt(b, 0x43);
    /* popf; nop */
    CHECK_EQ(XB_EXEC(b, 0x9d, 0x90), 0x43);
    CHECK_EQ(xb_frame(b, 0), XB_CODE + 1);
    /* One that is withdrawn is none. */
    xb_protected(b);
    b->s->rflags |= FLAG_IF;
    raise_interrupt(b, -1);
    CHECK_EQ(XB_EXEC(b, 0x90), -1);
    xb_destroy(b);
}

/* The instruction behind STI runs before any interrupt, be it one that comes in between the two: an idle loop
 * that looked for work before STI would sleep on it otherwise. */
static void shadow_of_the_last(void)
{
    struct x86_bare *b = begin();
    uint64_t at = XB_CODE + PAGE_SIZE - 2;
    XB_PUT(b, at, 0x90, 0xfb, 0xf4);
    b->interrupt = -1;
    for (unsigned together = 0; together < 2; together++) {
        xb_protected(b);
        b->s->rip = at;
        b->s->rflags = FLAG_ONE;
        b->s->activity = ACTIVITY_RUNNING;
        x86_64_ops.irq_set(b->vcpu, X86_LINE_INTR, false);
        if (!together)
            xb_step(b, 1);
        xb_step(b, together ? 2 : 1);
        CHECK_EQ(b->s->rip, at + 2);
        raise_interrupt(b, 0x40);
        CHECK_EQ(xb_run(b, b->s->rip), 0x40);
        CHECK_EQ(xb_frame(b, 0), at + 3);
    }
    xb_destroy(b);
}

static void non_maskable(void)
{
    struct x86_bare *b = begin();
    x86_64_ops.irq_set(b->vcpu, X86_LINE_NMI, true);
    x86_64_ops.irq_set(b->vcpu, X86_LINE_NMI, false);
    CHECK_EQ(XB_EXEC(b, 0x90), EXC_NMI);
    CHECK_EQ(xb_frame(b, 0), XB_CODE);
    /* No other until IRET. */
    x86_64_ops.irq_set(b->vcpu, X86_LINE_NMI, true);
    CHECK_EQ(XB_EXEC(b, 0x90), -1);
    b->s->gpr[RSP] = XB_STACK0 - 12;
    xb_store(b, XB_STACK0 - 12, 4, XB_CODE + 0x100);
    xb_store(b, XB_STACK0 - 8, 4, XB_CODE32);
    xb_store(b, XB_STACK0 - 4, 4, FLAG_ONE);
    XB_PUT(b, XB_CODE + 0x100, 0x90, 0xf4);
    CHECK_EQ(XB_EXEC(b, 0xcf), EXC_NMI);
    CHECK_EQ(xb_frame(b, 0), XB_CODE + 0x100);
    xb_destroy(b);
}

/* FERR# becomes an interrupt, as in a PC. */
static void ferr_set(void *opaque, bool level)
{
    struct x86_bare *b = opaque;
    x86_64_ops.irq_set(b->vcpu, X86_LINE_INTR, level);
}

static int ferr_acknowledge(void *opaque)
{
    struct x86_bare *b = opaque;
    x86_64_ops.irq_set(b->vcpu, X86_LINE_INTR, false);
    return 0x75;
}

/* An x87 exception without CR0.NE: the interrupt comes before the instruction that met it (SDM vol. 1, D.2).
 */
static void coprocessor(void)
{
    struct x86_bare *b = begin();
    x86_hooks_set(b->vcpu, &(struct x86_hooks){
                               .opaque = b, .interrupt_acknowledge = ferr_acknowledge, .ferr_set = ferr_set});
    b->s->cr0 &= ~CR0_NE;
    b->s->rflags |= FLAG_IF;
    b->s->fcw = 0x37b; /* division by zero is not masked */
    b->s->ftw = 0xffff;
    /* fld1; fldz; fdivp; nop; fld1: the division waits for the next one */
    CHECK_EQ(XB_EXEC(b, 0xd9, 0xe8, 0xd9, 0xee, 0xde, 0xf9, 0x90, 0xd9, 0xe8), 0x75);
    CHECK_EQ(xb_frame(b, 0), XB_CODE + 7);
    CHECK_EQ(b->s->fip, XB_CODE + 4);
    /* The handler lets it go on. */
    x86_ignne_set(b->vcpu);
    b->s->gpr[RSP] += 12;
    b->s->rflags |= FLAG_IF;
    CHECK_EQ(xb_run(b, XB_CODE + 7), -1);
    /* Without the exception all is as before; the next one interrupts again. fnclex; fldz; fld1; fwait */
    CHECK_EQ(XB_EXEC(b, 0xdb, 0xe2, 0xdb, 0xe3, 0xd9, 0xee, 0x9b), -1);
    CHECK(!b->s->ferr && !b->s->ignne);
    b->s->fcw = 0x37b;
    CHECK_EQ(XB_EXEC(b, 0xd9, 0xe8, 0xd9, 0xee, 0xde, 0xf9, 0x9b), 0x75);
    CHECK_EQ(xb_frame(b, 0), XB_CODE + 6);
    /* With interrupts off it goes on. */
    xb_protected(b);
    b->s->cr0 &= ~CR0_NE;
    b->s->rflags &= ~FLAG_IF;
    CHECK_EQ(XB_EXEC(b, 0x9b, 0x90), -1);
    xb_destroy(b);
}

static void nmi_edge(struct x86_bare *b)
{
    x86_64_ops.irq_set(b->vcpu, X86_LINE_NMI, true);
    x86_64_ops.irq_set(b->vcpu, X86_LINE_NMI, false);
}

/* One that is served and one that waits (6.7.1), however close together they come; more are lost. */
static void non_maskable_twice(void)
{
    struct x86_bare *b = begin();
    for (unsigned i = 0; i < 3; i++)
        nmi_edge(b);
    CHECK_EQ(XB_EXEC(b, 0x90), EXC_NMI);
    nmi_edge(b);
    nmi_edge(b);
    CHECK_EQ(XB_EXEC(b, 0x90), -1);
    b->s->nmi_blocked = 0;
    CHECK_EQ(XB_EXEC(b, 0x90), EXC_NMI);
    b->s->nmi_blocked = 0;
    CHECK_EQ(XB_EXEC(b, 0x90), -1);
    xb_destroy(b);
}

/* ---- traps and breakpoints ---- */

static void single_step(void)
{
    struct x86_bare *b = begin();
    b->s->rflags |= FLAG_TF;
    /* nop; nop */
    CHECK_EQ(XB_EXEC(b, 0x90, 0x90), EXC_DB);
    CHECK_EQ(xb_frame(b, 0), XB_CODE + 1);
    CHECK_EQ(xb_frame(b, 2) & FLAG_TF, FLAG_TF);
    CHECK(b->s->dr[6] & DR6_BS);
    CHECK(!(b->s->rflags & FLAG_TF));
    /* POPF that sets TF traps after the instruction behind it. */
    xb_protected(b);
    b->s->rflags = FLAG_ONE;
    b->s->gpr[RSP] = XB_STACK0 - 4;
    xb_store(b, XB_STACK0 - 4, 4, FLAG_TF | FLAG_ONE);
    CHECK_EQ(XB_EXEC(b, 0x9d, 0x90, 0x90), EXC_DB);
    CHECK_EQ(xb_frame(b, 0), XB_CODE + 2);
    /* mov ss, ax; nop: the trap of the first is lost */
    xb_protected(b);
    b->s->rflags = FLAG_ONE | FLAG_TF;
    b->s->gpr[RAX] = XB_DATA32;
    CHECK_EQ(XB_EXEC(b, 0x8e, 0xd0, 0x90, 0x90), EXC_DB);
    CHECK_EQ(xb_frame(b, 0), XB_CODE + 3);
    /* A repeated string instruction traps after each iteration. */
    xb_protected(b);
    b->s->rflags = FLAG_ONE | FLAG_TF;
    b->s->gpr[RCX] = 3;
    b->s->gpr[RDI] = XB_DATA;
    CHECK_EQ(XB_EXEC(b, 0xf3, 0xaa), EXC_DB);
    CHECK_EQ(xb_frame(b, 0), XB_CODE);
    CHECK_EQ(b->s->gpr[RCX], 2);
    /* INT n clears TF, and pushes it. */
    xb_protected(b);
    b->s->rflags = FLAG_ONE | FLAG_TF;
    CHECK_EQ(XB_EXEC(b, 0xcd, 0x30), 0x30);
    /* The trap of HLT ends it. */
    xb_protected(b);
    b->s->rflags = FLAG_ONE | FLAG_TF;
    CHECK_EQ(XB_EXEC(b, 0xf4, 0x90), EXC_DB);
    CHECK_EQ(xb_frame(b, 0), XB_CODE + 1);
    xb_destroy(b);
}

/* A breakpoint right behind a load of SS is passed over (SDM vol. 3, 18.3.1.1). */
static void breakpoint_in_shadow(void)
{
    struct x86_bare *b = begin();
    b->s->gpr[RAX] = XB_DATA32;
    b->s->dr[0] = XB_CODE + 2;
    b->s->dr[7] = DR7_FIXED | 2;
    x86_state_changed(b->vcpu);
    CHECK_EQ(XB_EXEC(b, 0x8e, 0xd0, 0x90, 0x90), -1);
    /* mov ds, ax */
    CHECK_EQ(XB_EXEC(b, 0x8e, 0xd8, 0x90, 0x90), EXC_DB);
    CHECK_EQ(xb_frame(b, 0), XB_CODE + 2);
    xb_destroy(b);
}

static void debug_registers(void)
{
    struct x86_bare *b = begin();
    b->s->dr[0] = XB_CODE + 1;
    b->s->dr[7] = DR7_FIXED | 2;
    x86_state_changed(b->vcpu);
    /* nop; nop: a fault before the second */
    CHECK_EQ(XB_EXEC(b, 0x90, 0x90), EXC_DB);
    CHECK_EQ(xb_frame(b, 0), XB_CODE + 1);
    CHECK_EQ(b->s->dr[6] & 0xf, 1);
    /* Which breakpoints were met is as of now; the rest of DR6 stays (17.2.3). */
    xb_protected(b);
    b->s->dr[6] = DR6_FIXED | DR6_BS | 6;
    CHECK_EQ(xb_run(b, XB_CODE), EXC_DB);
    CHECK_EQ(b->s->dr[6], DR6_FIXED | DR6_BS | 1);
    /* None at the instruction behind MOV SS (6.8.3), which has one when it is come to otherwise. */
    xb_protected(b);
    b->s->gpr[RAX] = XB_DATA32;
    b->s->dr[0] = XB_CODE + 2;
    CHECK_EQ(XB_EXEC(b, 0x8e, 0xd0, 0x90), -1);
    CHECK_EQ(xb_run(b, XB_CODE + 2), EXC_DB);
    b->s->dr[0] = XB_CODE + 1;
    xb_put(b, XB_CODE, (const uint8_t[]){0x90, 0x90, 0xf4}, 3);
    /* RF lets it pass. */
    xb_protected(b);
    b->s->rflags = FLAG_ONE | FLAG_RF;
    CHECK_EQ(xb_run(b, XB_CODE + 1), -1);
    CHECK(!(b->s->rflags & FLAG_RF));
    /* Data: writes of 4 bytes at XB_DATA + 4, after the instruction. */
    xb_protected(b);
    b->s->dr[6] = DR6_FIXED;
    b->s->dr[1] = XB_DATA + 4;
    b->s->dr[7] = DR7_FIXED | 8 | 0xd << 20;
    x86_state_changed(b->vcpu);
    b->s->gpr[RBX] = XB_DATA;
    /* mov eax, [ebx+4]; mov [ebx], eax; mov [ebx+7], al; nop */
    CHECK_EQ(XB_EXEC(b, 0x8b, 0x43, 0x04, 0x89, 0x03, 0x88, 0x43, 0x07, 0x90), EXC_DB);
    CHECK_EQ(xb_frame(b, 0), XB_CODE + 8);
    CHECK_EQ(b->s->dr[6] & 0xf, 2);
    /* Reads as well. */
    xb_protected(b);
    b->s->dr[7] = DR7_FIXED | 8 | 0xf << 20;
    x86_state_changed(b->vcpu);
    CHECK_EQ(XB_EXEC(b, 0x8b, 0x43, 0x04, 0x90), EXC_DB);
    CHECK_EQ(xb_frame(b, 0), XB_CODE + 3);
    /* mov ss, [ebx+4]; int1: what was read is reported with INT1's exception, and the handler sees no other
     * one. */
    xb_protected(b);
    b->s->dr[6] = DR6_FIXED;
    xb_store(b, XB_DATA + 4, 4, XB_DATA32);
    CHECK_EQ(XB_EXEC(b, 0x8e, 0x53, 0x04, 0xf1), EXC_DB);
    CHECK_EQ(xb_frame(b, 0), XB_CODE + 4);
    CHECK_EQ(b->s->dr[6] & 0xf, 2);
    CHECK_EQ(b->s->debug_pending, 0);
    /* General detect: MOV of a debug register faults. */
    xb_protected(b);
    b->s->dr[7] = DR7_FIXED | DR7_GD;
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x21, 0xf8), EXC_DB);
    CHECK_EQ(xb_frame(b, 0), XB_CODE);
    CHECK(b->s->dr[6] & DR6_BD);
    CHECK(!(b->s->dr[7] & DR7_GD));
    /* I/O breakpoints, with CR4.DE. */
    xb_protected(b);
    b->s->cr4 |= CR4_DE;
    b->s->dr[6] = DR6_FIXED;
    b->s->dr[2] = 0x120;
    b->s->dr[7] = DR7_FIXED | 0x20 | 2 << 24;
    x86_state_changed(b->vcpu);
    b->s->gpr[RDX] = 0x120;
    CHECK_EQ(XB_EXEC(b, 0xee, 0x90), EXC_DB);
    CHECK_EQ(xb_frame(b, 0), XB_CODE + 1);
    CHECK_EQ(b->s->dr[6] & 0xf, 4);
    /* DR4 is DR6, unless CR4.DE. */
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x21, 0xe0), EXC_UD);
    xb_destroy(b);
}

static void alignment(void)
{
    struct x86_bare *b = begin();
    xb_user(b);
    b->s->cr0 |= CR0_AM;
    b->s->rflags |= FLAG_AC;
    b->s->gpr[RBX] = XB_DATA + 1;
    x86_state_changed(b->vcpu);
    CHECK_EQ(XB_EXEC(b, 0x8b, 0x03), EXC_AC);
    CHECK_EQ(xb_frame(b, 0), 0);
    /* Not at level 0. */
    xb_protected(b);
    b->s->cr0 |= CR0_AM;
    CHECK_EQ(XB_EXEC(b, 0x8b, 0x03), -1);
    xb_destroy(b);
}

/* Instructions of more than 15 bytes; LOCK where it isn't allowed; what 64-bit mode doesn't have. */
static void invalid(void)
{
    struct x86_bare *b = begin();
    /* 15 bytes: 14 prefixes and a NOP */
    CHECK_EQ(
        XB_EXEC(b, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90),
        -1);
    CHECK_EQ(XB_EXEC(b, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                     0x66, 0x90),
             EXC_GP);
    static const uint8_t locked[][4] = {
        {0xf0, 0x90},             /* nop */
        {0xf0, 0x01, 0xc0},       /* add eax, eax */
        {0xf0, 0x8b, 0x00},       /* mov eax, [eax] */
        {0xf0, 0x39, 0x00},       /* cmp [eax], eax */
        {0xf0, 0x0f, 0xa3, 0x00}, /* bt [eax], eax */
    };
    for (unsigned n = 0; n < ARRAY_LEN(locked); n++) {
        xb_protected(b);
        xb_put(b, XB_CODE, locked[n], 4);
        CHECK_EQ(xb_run(b, XB_CODE), EXC_UD);
    }
    static const uint8_t gone[] = {0x06, 0x0e, 0x16, 0x1e, 0x27, 0x2f, 0x37, 0x3f, 0x60,
                                   0x61, 0x62, 0x82, 0x9a, 0xce, 0xd4, 0xd5, 0xd6, 0xea};
    for (unsigned n = 0; n < ARRAY_LEN(gone); n++) {
        test_context("opcode %02x", gone[n]);
        xb_long(b);
        CHECK_EQ(XB_EXEC(b, gone[n], 0, 0, 0, 0, 0, 0), EXC_UD);
    }
    xb_destroy(b);
}

static const struct test_case cases[] = {
    {"gates", gates},
    {"interrupt_and_trap_gates", interrupt_and_trap_gates},
    {"double_faults", double_faults},
    {"page_fault_on_page_fault", page_fault_on_page_fault},
    {"error_codes_of_page_faults", error_codes_of_page_faults},
    {"crossing", crossing},
    {"external", external},
    {"shadow_of_the_last", shadow_of_the_last},
    {"non_maskable", non_maskable},
    {"coprocessor", coprocessor},
    {"non_maskable_twice", non_maskable_twice},
    {"single_step", single_step},
    {"breakpoint_in_shadow", breakpoint_in_shadow},
    {"debug_registers", debug_registers},
    {"alignment", alignment},
    {"invalid", invalid},
};
TEST_SUITE(x86_exception_test, "unit", cases);
