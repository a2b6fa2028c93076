/*
 * Random code in random modes with random tables under it: whatever a guest does, run() comes back, and the
 * state is one that can go on. For the sanitizers, mostly.
 */
#include <stdlib.h>

#include "base/bits.h"
#include "tests/cpu/x86_64/x86_bare.h"

/* Opcodes that do something to the processor, more often than chance would have them. */
static void code_random(struct x86_bare *b)
{
    static const uint8_t interesting[][4] = {
        {0x0f, 0x01},
        {0x0f, 0x00},
        {0x0f, 0x22, 0xc0},
        {0x0f, 0x22, 0xd8},
        {0x0f, 0x22, 0xe0},
        {0x0f, 0x30},
        {0x0f, 0xae},
        {0x0f, 0xc7},
        {0x8e, 0xd8},
        {0x8e, 0xd0},
        {0xcf},
        {0x48, 0xcf},
        {0xcb},
        {0xcd},
        {0x9a},
        {0xea},
        {0xff},
        {0x0f, 0x05},
        {0x48, 0x0f, 0x07},
        {0x0f, 0x34},
        {0xf3, 0xa4},
        {0xf3, 0xab},
        {0xf2, 0xae},
        {0xe4},
        {0xee},
        {0xfb},
        {0xf4},
        {0x9d},
        {0xf0, 0x0f, 0xb1},
        {0x0f, 0x23},
        {0xc8},
        {0x61},
        {0x0f, 0xaa},
        {0xc4, 0xe2},
        {0xc5, 0xf8},
        {0x0f, 0x02},
        {0x0f, 0xa2},
        {0xf3, 0x0f, 0xae},
        {0x0f, 0x20, 0xc0},
        {0xe2, 0xfe},
    };
    for (uint64_t at = XB_CODE; at < XB_CODE + 0x2000; at += 4) {
        if (test_random_below(3))
            xb_store(b, at, 4, test_random());
        else
            xb_put(b, at, interesting[test_random_below(ARRAY_LEN(interesting))], 4);
    }
}

/* Bits flipped, and numbers put, into the tables of the mode. */
static void tables_spoil(struct x86_bare *b)
{
    static const uint64_t places[] = {XB_GDT, XB_IDT, XB_TSS, XB_PAGES, XB_PAGES + 0x1000, XB_PAGES + 0x2000};
    for (uint64_t n = test_random_below(12); n > 0; n--) {
        uint64_t at = places[test_random_below(ARRAY_LEN(places))] + test_random_below(256);
        xb_store(b, at, 1,
                 test_random_below(2) ? xb_load(b, at, 1) ^ 1u << test_random_below(8) : test_random());
    }
}

static void state_spoil(struct x86_bare *b)
{
    static const uint64_t addresses[] = {XB_CODE,         XB_DATA,
                                         XB_STACK0,       XB_GDT,
                                         XB_PAGES,        XB_DEVICE,
                                         XB_RAM_SIZE - 4, 0xfffffffffffffffc,
                                         0x7ffffffffffe,  0xffff800000000000,
                                         0xffffffff,      0};
    for (unsigned n = 0; n < 16; n++) {
        if (n != RSP || test_random_below(4) == 0)
            b->s->gpr[n] = test_random_below(2)
                               ? addresses[test_random_below(ARRAY_LEN(addresses))] + test_random_below(64)
                               : test_random();
    }
    b->s->rflags =
        (test_random() & (FLAGS_STATUS | FLAG_DF | FLAG_IF | FLAG_NT | FLAG_IOPL | FLAG_AC)) | FLAG_ONE;
    if (test_random_below(4) == 0)
        b->s->rflags |= FLAG_TF;
    b->s->star = test_random();
    b->s->lstar = XB_CODE + test_random_below(4096);
    b->s->sysenter_cs = test_random() & 0xff;
    b->s->sysenter_eip = XB_CODE;
    if (test_random_below(4) == 0) {
        b->s->dr[0] = XB_CODE + test_random_below(64);
        b->s->dr[1] = XB_DATA;
        b->s->dr[7] = DR7_FIXED | (test_random() & 0x00ff000f);
    }
    if (test_random_below(2))
        b->s->cr4 |= test_random() & (CR4_PGE | CR4_SMEP | CR4_SMAP | CR4_PKE | CR4_OSXSAVE | CR4_FSGSBASE |
                                      CR4_VME | CR4_PCIDE | CR4_UMIP | CR4_DE);
    if (!(b->s->efer & EFER_LMA))
        b->s->cr4 &= ~CR4_PCIDE;
}

static void mode_random(struct x86_bare *b)
{
    memset(b->s->dr, 0, sizeof(b->s->dr));
    b->s->dr[6] = DR6_FIXED;
    b->s->dr[7] = DR7_FIXED;
    b->s->cr4 = b->s->efer = b->s->pkru = 0;
    b->s->cpl = 0;
    b->s->rflags = FLAG_ONE;
    b->s->in_smm = b->s->shadow = b->s->debug_pending = 0;
    switch (test_random_below(5)) {
    case 0:
        xb_real(b);
        x86_segment_set(b->vcpu, CS, XB_CODE >> 4 & 0xffff, XB_CODE, 0xffff, 0x93);
        break;
    case 1: xb_protected(b); break;
    case 2:
        xb_protected(b);
        xb_user(b);
        break;
    case 3: xb_long(b); break;
    default:
        xb_long(b);
        xb_user(b);
        break;
    }
}

static void random_code(void)
{
    struct x86_bare *b = xb_create("max");
    const char *count = test_env("TRIARCH_FUZZ_COUNT");
    unsigned rounds = count ? (unsigned)strtoul(count, NULL, 0) : 3000;
    for (unsigned round = 0; round < rounds; round++) {
        mode_random(b);
        code_random(b);
        tables_spoil(b);
        state_spoil(b);
        x86_state_changed(b->vcpu);
        b->s->activity = ACTIVITY_RUNNING;
        b->s->rip = b->s->seg[CS].base ? test_random_below(0x1000) : XB_CODE + test_random_below(0x1000);
        x86_64_ops.irq_set(b->vcpu, X86_LINE_INTR, false);
        b->interrupt = (int)test_random_below(256);
        x86_64_ops.irq_set(b->vcpu, X86_LINE_INTR, test_random_below(8) == 0);
        uint64_t before = b->vcpu->icount;
        xb_step(b, 500);
        /* Exceptions count as the instructions that raise them, so a run ends. */
        CHECK(b->vcpu->icount - before <= 500);
        CHECK(b->s->cpl <= 3);
        CHECK_EQ(b->s->gpr[X86_ZERO], 0);
    }
    xb_destroy(b);
}

static const struct test_case cases[] = {
    {"random_code", random_code},
};
TEST_SUITE(x86_fuzz_test, "fuzz", cases);
