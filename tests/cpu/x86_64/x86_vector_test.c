/*
 * What the comparison with the host cannot show of vector and x87 instructions: how control registers forbid
 * them, the order of exceptions, images in other modes, gathers that are interrupted, and the bounds of
 * approximations.
 */
#include <math.h>
#include <string.h>

#include "base/bits.h"
#include "tests/cpu/x86_64/x86_bare.h"

#define CR4_VECTORS (CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE)

static struct x86_bare *long_mode(void)
{
    struct x86_bare *b = xb_create(NULL);
    xb_long(b);
    b->s->cr4 |= CR4_VECTORS;
    b->s->xcr0 = XCR0_X87 | XCR0_SSE | XCR0_AVX;
    b->s->mxcsr = 0x1f80;
    b->s->fcw = 0x37f;
    b->s->ftw = 0xffff;
    x86_state_changed(b->vcpu);
    return b;
}

static void controls(struct x86_bare *b, uint64_t cr0_set, uint64_t cr4_clear)
{
    b->s->cr0 = (b->s->cr0 & ~(CR0_EM | CR0_TS)) | cr0_set;
    b->s->cr4 = (b->s->cr4 | CR4_VECTORS) & ~cr4_clear;
    x86_state_changed(b->vcpu);
}

/* SDM vol. 3, table 2-... of each instruction's exceptions. */
static void control_registers_forbid(void)
{
    static const struct {
        uint64_t cr0_set, cr4_clear;
        int x87, mmx, sse, vex; /* the vectors; -1: none */
    } cases[] = {
        {0, 0, -1, -1, -1, -1},
        {CR0_TS, 0, EXC_NM, EXC_NM, EXC_NM, EXC_NM},
        {CR0_EM, 0, EXC_NM, EXC_UD, EXC_UD, -1},
        {CR0_EM | CR0_TS, 0, EXC_NM, EXC_UD, EXC_UD, EXC_NM},
        {0, CR4_OSFXSR, -1, -1, EXC_UD, -1},
        {0, CR4_OSXSAVE, -1, -1, -1, EXC_UD},
        {CR0_TS, CR4_OSXSAVE, EXC_NM, EXC_NM, EXC_NM, EXC_UD},
    };
    for (unsigned n = 0; n < ARRAY_LEN(cases); n++) {
        struct x86_bare *b = long_mode();
        controls(b, cases[n].cr0_set, cases[n].cr4_clear);
        CHECK_EQ(XB_EXEC(b, 0xd9, 0xe8), cases[n].x87);             /* fld1 */
        CHECK_EQ(XB_EXEC(b, 0x0f, 0xfc, 0xc1), cases[n].mmx);       /* paddb mm0, mm1 */
        CHECK_EQ(XB_EXEC(b, 0x66, 0x0f, 0xfc, 0xc1), cases[n].sse); /* paddb xmm0, xmm1 */
        CHECK_EQ(XB_EXEC(b, 0xc5, 0xf9, 0xfc, 0xc1), cases[n].vex); /* vpaddb xmm0, xmm0, xmm1 */
        xb_destroy(b);
    }
}

static void vex_needs_protected_mode_and_xcr0(void)
{
    struct x86_bare *b = long_mode();
    b->s->xcr0 = XCR0_X87 | XCR0_SSE;
    x86_state_changed(b->vcpu);
    CHECK_EQ(XB_EXEC(b, 0xc5, 0xf9, 0xfc, 0xc1), EXC_UD);
    xb_destroy(b);
    b = xb_create(NULL);
    xb_real(b);
    b->s->cr4 = CR4_VECTORS;
    b->s->xcr0 = XCR0_X87 | XCR0_SSE | XCR0_AVX;
    x86_state_changed(b->vcpu);
    XB_PUT(b, 0x6000, 0xc5, 0xf9, 0xfc, 0xc1, 0xf4);
    CHECK_EQ(xb_run(b, 0x6000), EXC_UD);
    xb_destroy(b);
}

static void alignment(void)
{
    struct x86_bare *b = long_mode();
    b->s->gpr[RAX] = XB_DATA + 8;
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x28, 0x00), EXC_GP);            /* movaps xmm0, [rax] */
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x29, 0x00), EXC_GP);            /* movaps [rax], xmm0 */
    CHECK_EQ(XB_EXEC(b, 0x66, 0x0f, 0xfc, 0x00), EXC_GP);      /* paddb xmm0, [rax] */
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x10, 0x00), -1);                /* movups */
    CHECK_EQ(XB_EXEC(b, 0xc5, 0xf9, 0xfc, 0x00), -1);          /* vpaddb */
    CHECK_EQ(XB_EXEC(b, 0x66, 0x0f, 0x3a, 0x63, 0x00, 0), -1); /* pcmpistri */
    b->s->gpr[RAX] = XB_DATA + 16;
    CHECK_EQ(XB_EXEC(b, 0xc5, 0xf8, 0x28, 0x00), -1);     /* vmovaps xmm */
    CHECK_EQ(XB_EXEC(b, 0xc5, 0xfc, 0x28, 0x00), EXC_GP); /* vmovaps ymm */
    xb_destroy(b);
}

/* divps with a zero divisor, unmasked: the destination stays, MXCSR says why. */
static void simd_exceptions(void)
{
    struct x86_bare *b = long_mode();
    b->s->mxcsr = 0x1d80;
    b->s->vector[0].q[0] = 0x3f8000003f800000;
    b->s->vector[1].q[0] = 0x4040000000000000;
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x5e, 0xc1), EXC_XM);
    CHECK_EQ(b->s->vector[0].q[0], 0x3f8000003f800000);
    CHECK_EQ(b->s->mxcsr, 0x1d85); /* 0 / 0 in the upper lanes; the quotient 1/3 is not known to be inexact */
    controls(b, 0, CR4_OSXMMEXCPT);
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x5e, 0xc1), EXC_UD);
    xb_destroy(b);
}

/* An unmasked x87 exception waits for the next instruction that waits (SDM vol. 1, 8.6). */
static void x87_exceptions_wait(void)
{
    struct x86_bare *b = long_mode();
    b->s->fcw = 0x37b;                                            /* divide by zero unmasked */
    CHECK_EQ(XB_EXEC(b, 0xd9, 0xe8, 0xd9, 0xee, 0xde, 0xf9), -1); /* fld1; fldz; fdivp */
    CHECK_EQ(b->s->fsw & 0x80ff, 0x8084);
    CHECK_EQ(XB_EXEC(b, 0xdf, 0xe0), -1); /* fnstsw ax */
    CHECK_EQ(b->s->gpr[RAX] & 0xff, 0x84);
    CHECK_EQ(XB_EXEC(b, 0x0f, 0xfc, 0xc1), EXC_MF);   /* paddb mm0, mm1 */
    CHECK_EQ(XB_EXEC(b, 0xd9, 0xe8), EXC_MF);         /* fld1 */
    CHECK_EQ(XB_EXEC(b, 0x9b), EXC_MF);               /* fwait */
    CHECK_EQ(XB_EXEC(b, 0xdb, 0xe2, 0xd9, 0xe8), -1); /* fnclex; fld1 */
    xb_destroy(b);
}

static void environments(void)
{
    struct x86_bare *b = xb_create(NULL);
    xb_protected(b);
    b->s->fcw = 0x37f;
    b->s->ftw = 0xffff;
    memset(b->memory + XB_DATA, 0x55, 128);
    b->s->gpr[RAX] = XB_DATA;
    b->s->gpr[RBX] = XB_DATA + 64;
    /* fld dword [ebx]; fnstenv [eax] */
    CHECK_EQ(XB_EXEC(b, 0xd9, 0x03, 0xd9, 0x30), -1);
    CHECK_EQ(xb_load(b, XB_DATA, 4), 0xffff037f);
    CHECK_EQ(xb_load(b, XB_DATA + 4, 4), 0xffff3800);
    CHECK_EQ(xb_load(b, XB_DATA + 8, 4), 0xffff3fff);
    CHECK_EQ(xb_load(b, XB_DATA + 12, 4), XB_CODE);
    CHECK_EQ(xb_load(b, XB_DATA + 16, 4), XB_CODE32 | 0x103u << 16); /* D9 /0 */
    CHECK_EQ(xb_load(b, XB_DATA + 20, 4), XB_DATA + 64);
    CHECK_EQ(xb_load(b, XB_DATA + 24, 4), 0xffff0000 | XB_DATA32);
    CHECK_EQ(xb_load(b, XB_DATA + 28, 4), 0x55555555);
    /* The 16-bit one: o16 fnsave [eax], and back. */
    memset(b->memory + XB_DATA, 0x55, 128);
    CHECK_EQ(XB_EXEC(b, 0x66, 0xdd, 0x30), -1);
    CHECK_EQ(xb_load(b, XB_DATA + 4, 2), 0x3fff);
    CHECK_EQ(xb_load(b, XB_DATA + 14, 8), 0xd555550000000000); /* 55555555h as an f80 */
    CHECK_EQ(xb_load(b, XB_DATA + 94, 2), 0x5555);
    CHECK_EQ(b->s->ftw, 0xffff);
    CHECK_EQ(XB_EXEC(b, 0x66, 0xdd, 0x20), -1);
    CHECK_EQ(b->s->ftw, 0x3fff);
    CHECK_EQ(b->s->st[7].mant, 0xd555550000000000);
    xb_destroy(b);

    b = xb_create(NULL);
    xb_real(b);
    b->s->fcw = 0x37f;
    b->s->ftw = 0xffff;
    b->s->gpr[RBX] = 0x7000;
    XB_PUT(b, 0x6000, 0xd9, 0xe8, 0xd9, 0x37, 0xf4); /* fld1; fnstenv [bx] */
    CHECK_EQ(xb_run(b, 0x6000), -1);
    CHECK_EQ(xb_load(b, 0x7006, 2), 0x6000);
    CHECK_EQ(xb_load(b, 0x7008, 2), 0x1e8); /* D9 E8 */
    xb_destroy(b);
}

/* Four lanes, the third in a page that isn't there. */
static void gathers_go_on(void)
{
    struct x86_bare *b = long_mode();
    for (unsigned k = 0; k < 4; k++) {
        b->s->vector[1].d[k] = 4 * k;
        b->s->vector[2].d[k] = 0x80000000;
        b->s->vector[0].d[k] = 0x11111111;
        xb_store(b, XB_DATA + 4 * k, 4, 0xa0 + k);
    }
    b->s->vector[1].d[2] = 0x7ffff000; /* beyond the first GiB */
    b->s->vector[0].q[2] = 7;
    b->s->gpr[RAX] = XB_DATA;
    XB_PUT(b, XB_CODE, 0xc4, 0xe2, 0x69, 0x90, 0x04, 0x08, 0xf4); /* vpgatherdd xmm0, [rax + xmm1], xmm2 */
    CHECK_EQ(xb_run(b, XB_CODE), EXC_PF);
    CHECK_EQ(b->s->vector[0].q[0], 0x000000a1000000a0);
    CHECK_EQ(b->s->vector[0].q[1], 0x1111111111111111);
    CHECK_EQ(b->s->vector[2].q[0], 0);
    CHECK_EQ(b->s->vector[2].q[1], ~(uint64_t)0);
    b->s->vector[1].d[2] = 8;
    b->s->gpr[RAX] = XB_DATA;
    CHECK_EQ(xb_run(b, XB_CODE), -1);
    CHECK_EQ(b->s->vector[0].q[1], 0x000000a3000000a2);
    CHECK_EQ(b->s->vector[0].q[2], 0);
    CHECK_EQ(b->s->vector[2].q[1], 0);
    /* Index and destination the same. */
    CHECK_EQ(XB_EXEC(b, 0xc4, 0xe2, 0x69, 0x90, 0x0c, 0x08), EXC_UD);
    xb_destroy(b);
}

static float float_of(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof(f));
    return f;
}

/* SDM vol. 2, RCPPS and RSQRTPS: a relative error of at most 1.5 * 2^-12. */
static void approximations(void)
{
    const double bound = 1.5 / 4096;
    struct x86_bare *b = long_mode();
    for (unsigned n = 0; n < 2000; n++) {
        for (unsigned k = 0; k < 4; k++)
            b->s->vector[1].d[k] = (uint32_t)((test_random() & 0x7fffff) | (2 + test_random() % 250) << 23);
        CHECK_EQ(XB_EXEC(b, 0x0f, 0x53, 0xc1, 0x0f, 0x52, 0xd1),
                 -1); /* rcpps xmm0, xmm1; rsqrtps xmm2, xmm1 */
        for (unsigned k = 0; k < 4; k++) {
            double a = float_of(b->s->vector[1].d[k]);
            CHECK(fabs(float_of(b->s->vector[0].d[k]) * a - 1) <= bound);
            CHECK(fabs(float_of(b->s->vector[2].d[k]) * sqrt(a) - 1) <= bound);
        }
    }
    xb_destroy(b);
}

static const struct test_case cases[] = {
    {"control_registers_forbid", control_registers_forbid},
    {"vex_needs_protected_mode_and_xcr0", vex_needs_protected_mode_and_xcr0},
    {"alignment", alignment},
    {"simd_exceptions", simd_exceptions},
    {"x87_exceptions_wait", x87_exceptions_wait},
    {"environments", environments},
    {"gathers_go_on", gathers_go_on},
    {"approximations", approximations},
};
TEST_SUITE(x86_vector_test, "unit", cases);
