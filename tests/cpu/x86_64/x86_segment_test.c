/* Segments in protected mode: what may be loaded where, limits, and the instructions that ask (SDM vol. 3,
 * chapter 5). */
#include "tests/cpu/x86_64/x86_bare.h"

#define DATA   (SEG_P | SEG_S | SEG_WRITABLE | SEG_DB)
#define CODE   (SEG_P | SEG_S | SEG_CODE | SEG_READABLE | SEG_DB)
#define DPL(n) ((n) << SEG_DPL_SHIFT)

enum { A = XB_FREE, B = XB_FREE + 8, C = XB_FREE + 16, D = XB_FREE + 24 };

/* mov ds/ss/es..., ax */
static int load(struct x86_bare *b, unsigned seg, uint16_t selector)
{
    b->s->gpr[RAX] = selector;
    return XB_EXEC(b, 0x8e, (uint8_t)(0xc0 | seg << 3));
}

static struct x86_bare *begin(bool user)
{
    struct x86_bare *b = xb_create(NULL);
    xb_protected(b);
    if (user)
        xb_user(b);
    return b;
}

static void again(struct x86_bare *b, bool user)
{
    xb_protected(b);
    if (user)
        xb_user(b);
}

struct load_case {
    uint16_t attributes, rpl;
    bool user;
    unsigned seg;
    int vector;     /* -1: it works */
    uint16_t error; /* with the selector A */
};

static const struct load_case load_cases[] = {
    {DATA, 0, false, DS, -1, 0},
    {DATA, 3, false, DS, EXC_GP, A}, /* RPL above DPL */
    {DATA | DPL(3), 3, false, DS, -1, 0},
    {DATA | DPL(3), 0, true, DS, EXC_GP, 0}, /* ends in HLT at level 3, which is #GP(0): loaded */
    {DATA, 0, true, DS, EXC_GP, A},
    {DATA | DPL(2), 2, true, ES, EXC_GP, A},
    {CODE, 0, false, DS, -1, 0},
    {CODE & ~SEG_READABLE, 0, false, DS, EXC_GP, A},
    {CODE | SEG_CONFORMING, 3, true, FS, EXC_GP, 0}, /* conforming: no privilege check */
    {DATA & ~SEG_P, 0, false, DS, EXC_NP, A},
    {DATA & ~SEG_P, 3, false, DS, EXC_GP, A}, /* privilege comes first */
    {SEG_P | TYPE_LDT, 0, false, DS, EXC_GP, A},
    {SEG_P | TYPE_CALL_GATE, 0, false, GS, EXC_GP, A},
    {DATA, 0, false, SS, -1, 0},
    {DATA, 3, false, SS, EXC_GP, A},
    {DATA | DPL(3), 0, false, SS, EXC_GP, A},
    {DATA & ~SEG_WRITABLE, 0, false, SS, EXC_GP, A},
    {CODE, 0, false, SS, EXC_GP, A},
    {DATA & ~SEG_P, 0, false, SS, EXC_SS, A},
};

static void loads(void)
{
    struct x86_bare *b = begin(false);
    for (unsigned n = 0; n < ARRAY_LEN(load_cases); n++) {
        const struct load_case *t = &load_cases[n];
        test_context("case %u", n);
        again(b, t->user);
        xb_descriptor(b, A, 0, 0xfffff, t->attributes | SEG_G);
        CHECK_EQ(load(b, t->seg, (uint16_t)(A | t->rpl)), t->vector);
        if (t->vector >= 0)
            CHECK_EQ(xb_frame(b, 0), t->error);
        else
            CHECK_EQ(xb_load(b, XB_GDT + A + 5, 1) & 1, 1); /* accessed */
    }
    test_context(NULL);
    /* Beyond the GDT; in an LDT that isn't there; CS. */
    again(b, false);
    CHECK_EQ(load(b, DS, 0x1000), EXC_GP);
    CHECK_EQ(xb_frame(b, 0), 0x1000);
    again(b, false);
    CHECK_EQ(load(b, DS, 0x0c), EXC_GP);
    CHECK_EQ(xb_frame(b, 0), 0x0c);
    again(b, false);
    CHECK_EQ(load(b, CS, XB_DATA32), EXC_UD);
    again(b, false);
    CHECK_EQ(load(b, 6, XB_DATA32), EXC_UD);
    xb_destroy(b);
}

static void null_selectors(void)
{
    struct x86_bare *b = begin(false);
    CHECK_EQ(load(b, SS, 0), EXC_GP);
    CHECK_EQ(xb_frame(b, 0), 0);
    again(b, false);
    CHECK_EQ(load(b, DS, 3), -1);
    CHECK_EQ(b->s->seg[DS].selector, 3);
    /* mov eax, [ebx] through it */
    CHECK_EQ(XB_EXEC(b, 0x8b, 0x03), EXC_GP);
    CHECK_EQ(xb_frame(b, 0), 0);
    again(b, false);
    b->s->gpr[RBX] = XB_DATA;
    /* mov es, cx (0); mov es:[ebx], eax */
    b->s->gpr[RCX] = 0;
    CHECK_EQ(XB_EXEC(b, 0x8e, 0xc1, 0x26, 0x89, 0x03), EXC_GP);
    CHECK_EQ(xb_frame(b, 1), XB_CODE + 2);
    xb_destroy(b);
}

struct limit_case {
    uint16_t attributes;
    uint32_t limit;
    uint32_t offset;
    bool write;
    bool fails;
};

static const struct limit_case limit_cases[] = {
    {DATA, 0x0fff, 0x0ffc, false, false},
    {DATA, 0x0fff, 0x0ffd, false, true},
    {DATA, 0x0fff, 0x0fff, true, true},
    {DATA, 0x0fff, 0xffffffff, true, true},
    {DATA, 0x0000, 0, false, true},
    {DATA | SEG_G, 0, 0x0ffc, true, false},
    {DATA | SEG_G, 0, 0x0ffd, true, true},
    {DATA & ~SEG_WRITABLE, 0x0fff, 0, false, false},
    {DATA & ~SEG_WRITABLE, 0x0fff, 0, true, true},
    {CODE, 0x0fff, 0, false, false},
    {CODE, 0x0fff, 0, true, true},
    /* expand-down: valid above the limit, to 4 GiB or 64 KiB */
    {DATA | SEG_DOWN, 0x0fff, 0x1000, true, false},
    {DATA | SEG_DOWN, 0x0fff, 0x0fff, false, true},
    {DATA | SEG_DOWN, 0x0fff, 0xfffffffc, false, false},
    {DATA | SEG_DOWN, 0x0fff, 0xfffffffd, false, true},
    {(DATA | SEG_DOWN) & ~SEG_DB, 0x0fff, 0xfffc, true, false},
    {(DATA | SEG_DOWN) & ~SEG_DB, 0x0fff, 0xfffd, true, true},
    {(DATA | SEG_DOWN) & ~SEG_DB, 0x0fff, 0x10000, true, true},
    {DATA | SEG_DOWN | SEG_G, 0xfffff, 0xfffffffc, false, true},
};

static void limits(void)
{
    struct x86_bare *b = begin(false);
    for (unsigned n = 0; n < ARRAY_LEN(limit_cases); n++) {
        const struct limit_case *t = &limit_cases[n];
        for (unsigned through = ES; through <= SS; through += SS - ES) {
            test_context("case %u, segment %u", n, through);
            if (through == SS && (t->attributes & SEG_CODE || !(t->attributes & SEG_WRITABLE)))
                continue;
            /* At level 3, so that faults have another stack; HLT is one there as well, at the end. */
            again(b, true);
            xb_descriptor(b, A, XB_DATA, t->limit, t->attributes | DPL(3));
            b->s->gpr[RAX] = A | 3;
            b->s->gpr[RBX] = t->offset;
            uint8_t prefix = through == ES ? 0x26 : 0x36, modrm = (uint8_t)(0xc0 | through << 3);
            uint8_t op = t->write ? 0x89 : 0x8b;
            /* mov seg, ax; mov [ebx], edx or back */
            int vector = XB_EXEC(b, 0x8e, modrm, prefix, op, 0x13);
            CHECK_EQ(vector, t->fails && through == SS ? EXC_SS : EXC_GP);
            CHECK_EQ(xb_frame(b, 0), 0);
            CHECK_EQ(xb_frame(b, 1), XB_CODE + (t->fails ? 2 : 5));
        }
    }
    xb_destroy(b);
}

static void questions(void)
{
    static const struct {
        uint16_t attributes, rpl;
        bool user;
        bool lar, lsl, verr, verw;
    } cases[] = {
        {DATA | DPL(3), 3, true, true, true, true, true},
        {DATA | DPL(0), 3, true, false, false, false, false},
        {DATA & ~SEG_WRITABLE, 0, false, true, true, true, false},
        {CODE & ~SEG_READABLE, 0, false, true, true, false, false},
        {CODE | SEG_CONFORMING, 3, true, true, true, true, false},
        {SEG_P | TYPE_LDT, 0, false, true, true, false, false},
        {SEG_P | TYPE_TSS, 0, false, true, true, false, false},
        {SEG_P | TYPE_CALL_GATE, 0, false, true, false, false, false},
        {SEG_P | TYPE_INTERRUPT_GATE, 0, false, false, false, false, false},
        {0 | TYPE_TSS, 0, false, true, true, false, false},
    };
    struct x86_bare *b = begin(false);
    for (unsigned n = 0; n < ARRAY_LEN(cases); n++) {
        test_context("case %u", n);
        again(b, cases[n].user);
        xb_descriptor(b, A, 0x123000, 0x54321, cases[n].attributes);
        b->s->gpr[RAX] = A | cases[n].rpl;
        b->s->gpr[RCX] = b->s->gpr[RDX] = 0;
        /* lar ecx, eax; setz bl; lsl edx, eax; setz bh; verr ax; setz [200000h]; verw ax; setz [200001h] */
        XB_EXEC(b, 0x0f, 0x02, 0xc8, 0x0f, 0x94, 0xc3, 0x0f, 0x03, 0xd0, 0x0f, 0x94, 0xc7, 0x0f, 0x00, 0xe0,
                0x0f, 0x94, 0x05, 0, 0, 0x20, 0, 0x0f, 0x00, 0xe8, 0x0f, 0x94, 0x05, 1, 0, 0x20, 0);
        CHECK_EQ(b->s->gpr[RBX] & 0xff, cases[n].lar);
        CHECK_EQ(b->s->gpr[RBX] >> 8 & 0xff, cases[n].lsl);
        CHECK_EQ(xb_load(b, XB_DATA, 1), cases[n].verr);
        CHECK_EQ(xb_load(b, XB_DATA + 1, 1), cases[n].verw);
        if (cases[n].lar)
            CHECK_EQ(b->s->gpr[RCX], ((uint32_t)cases[n].attributes << 8 | 0x50000) & 0xffff00);
        CHECK_EQ(b->s->gpr[RDX], cases[n].lsl ? 0x54321 : 0);
    }
    xb_destroy(b);
}

/* ARPL raises an RPL to its caller's. */
static void arpl(void)
{
    struct x86_bare *b = begin(false);
    b->s->gpr[RAX] = 0x1230;
    b->s->gpr[RCX] = 3;
    CHECK_EQ(XB_EXEC(b, 0x63, 0xc8), -1);
    CHECK_EQ(b->s->gpr[RAX], 0x1233);
    CHECK(b->s->rflags & FLAG_ZF);
    b->s->gpr[RCX] = 1;
    CHECK_EQ(XB_EXEC(b, 0x63, 0xc8), -1);
    CHECK_EQ(b->s->gpr[RAX], 0x1233);
    CHECK(!(b->s->rflags & FLAG_ZF));
    xb_destroy(b);
}

static void local_tables(void)
{
    struct x86_bare *b = begin(false);
    xb_descriptor(b, A, XB_DATA, 0x0f, SEG_P | TYPE_LDT);
    /* Entry 1 of the LDT is a data segment at 300000h. */
    xb_store(b, XB_DATA + 8, 4, 0x0000ffff);
    xb_store(b, XB_DATA + 12, 4, 0x00409230);
    b->s->gpr[RAX] = A;
    b->s->gpr[RCX] = 0x0c;
    b->s->gpr[RBX] = 0x10;
    xb_store(b, 0x300010, 4, 0xcafe);
    /* lldt ax; mov ds, cx; mov edx, [ebx] */
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x00, 0xd0, 0x8e, 0xd9, 0x8b, 0x13), -1);
    CHECK_EQ(b->s->gpr[RDX], 0xcafe);
    /* Beyond its limit. */
    CHECK_EQ(load(b, ES, 0x14), EXC_GP);
    CHECK_EQ(xb_frame(b, 0), 0x14);
    /* LLDT: null is fine, a TSS is not, one in the LDT is not, not present is #NP; level 3 may not. */
    again(b, false);
    b->s->gpr[RAX] = 0;
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x00, 0xd0), -1);
    b->s->gpr[RAX] = XB_TSS_SELECTOR;
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x00, 0xd0), EXC_GP);
    CHECK_EQ(xb_frame(b, 0), XB_TSS_SELECTOR);
    again(b, false);
    xb_descriptor(b, A, XB_DATA, 0x0f, TYPE_LDT);
    b->s->gpr[RAX] = A;
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x00, 0xd0), EXC_NP);
    again(b, true);
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x00, 0xd0), EXC_GP);
    CHECK_EQ(xb_frame(b, 0), 0);
    /* LTR marks the task busy, and refuses a busy one. */
    again(b, false);
    xb_descriptor(b, B, XB_TSS, 0x67, SEG_P | TYPE_TSS);
    b->s->gpr[RAX] = B;
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x00, 0xd8), -1);
    CHECK_EQ(xb_load(b, XB_GDT + B + 5, 1), 0x8b);
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x00, 0xd8), EXC_GP);
    xb_destroy(b);
}

/* In 64-bit mode only FS and GS have bases, and nothing has a limit; SS may be null below level 3. */
static void long_mode(void)
{
    struct x86_bare *b = xb_create(NULL);
    xb_long(b);
    b->s->gpr[RAX] = 0;
    CHECK_EQ(XB_EXEC(b, 0x8e, 0xd0), -1);
    CHECK_EQ(b->s->seg[SS].selector, 0);
    b->s->seg[FS].base = XB_DATA;
    b->s->seg[DS].base = XB_DATA;
    b->s->seg[DS].limit = 0;
    x86_state_changed(b->vcpu);
    xb_store(b, XB_DATA + 0x100, 8, 0x1111);
    xb_store(b, XB_DATA + 0x10, 8, 0x2222);
    b->s->gpr[RBX] = 0x100;
    b->s->gpr[RCX] = XB_DATA + 0x10;
    /* mov rax, fs:[rbx]; mov rdx, ds:[rcx] */
    CHECK_EQ(XB_EXEC(b, 0x64, 0x48, 0x8b, 0x03, 0x3e, 0x48, 0x8b, 0x11), -1);
    CHECK_EQ(b->s->gpr[RAX], 0x1111);
    CHECK_EQ(b->s->gpr[RDX], 0x2222);
    /* Not canonical: #GP, through RSP or RBP #SS; also when only the last byte is. */
    b->s->gpr[RBX] = 0x800000000000;
    CHECK_EQ(XB_EXEC(b, 0x48, 0x8b, 0x03), EXC_GP);
    xb_long(b);
    b->s->gpr[RBX] = 0x7ffffffffffa;
    CHECK_EQ(XB_EXEC(b, 0x48, 0x8b, 0x03), EXC_GP);
    xb_long(b);
    b->s->gpr[RBP] = 0x800000000000;
    CHECK_EQ(XB_EXEC(b, 0x48, 0x8b, 0x45, 0x00), EXC_SS);
    CHECK_EQ(xb_frame(b, 0), 0);
    xb_long(b);
    b->s->gpr[RAX] = 3;
    xb_user(b);
    CHECK_EQ(XB_EXEC(b, 0x8e, 0xd0), EXC_GP);
    xb_destroy(b);
}

static const struct test_case cases[] = {
    {"loads", loads}, {"null_selectors", null_selectors}, {"limits", limits},       {"questions", questions},
    {"arpl", arpl},   {"local_tables", local_tables},     {"long_mode", long_mode},
};
TEST_SUITE(x86_segment_test, "unit", cases);
