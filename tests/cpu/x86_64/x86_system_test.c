/* Control registers, MSRs, CPUID, system calls, XSAVE, protection of user pages, and TLB maintenance. */
#include "base/bits.h"
#include "cpu/x86_64/processor.h"
#include "tests/cpu/x86_64/x86_bare.h"

static struct x86_bare *begin(const char *model)
{
    struct x86_bare *b = xb_create(model);
    xb_long(b);
    return b;
}

static int wrmsr(struct x86_bare *b, uint32_t number, uint64_t value)
{
    xb_long(b);
    b->s->gpr[RCX] = number;
    b->s->gpr[RAX] = (uint32_t)value;
    b->s->gpr[RDX] = value >> 32;
    return XB_EXEC(b, 0x0f, 0x30);
}

static int rdmsr(struct x86_bare *b, uint32_t number, uint64_t *value)
{
    b->s->gpr[RCX] = number;
    int vector = XB_EXEC(b, 0x0f, 0x32);
    *value = b->s->gpr[RDX] << 32 | b->s->gpr[RAX];
    return vector;
}

static void msrs(void)
{
    struct x86_bare *b = begin(NULL);
    static const struct {
        uint32_t number;
        uint64_t value;
        bool fails;
    } writes[] = {
        {0xc0000082, 0x7fffffffffff, false},
        {0xc0000082, 0x100000000000000, true}, /* LSTAR: canonical */
        {0xc0000082, 0x800000000000, false},   /* as 5-level paging has it, even when it is off */
        {0xc0000100, 0xffff800000000000, false},
        {0xc0000084, 0xffffffff, false},
        {0xc0000084, 0x100000000, true},
        {0xc0000080, 0xd01, false},
        {0xc0000080, 0xc01, true}, /* LME under paging */
        {0xc0000080, 0xd02, true},
        {0x277, 0x0007040600070406, false},
        {0x277, 2, true}, /* PAT: a type that doesn't exist */
        {0x2ff, 0xc06, false},
        {0x2ff, 0xc02, true},
        {0x200, 0x80000006, false},
        {0x200, 0x8000000006 | (uint64_t)1 << 41, true},
        {0x174, 0x10, false},
        {0x10a, 0, true},
        {0x401, 0, false},
        {0x401, 1, true},
        {0x400, 0, false}, /* machine-check control: all or nothing */
        {0x400, ~(uint64_t)0, false},
        {0x400, 1, true},
        {0x402, 0xaaaaaaaaaaaaaaaa, false},
        {0x403, ~(uint64_t)0, false},
        {0x428, 0, true}, /* no eleventh bank */
        {0x1a0, 0x400c51809, false},
        {0x12345, 0, true},
        {0x48, 1, false},
        {0x48, 0x100, true},
        {0xda0, 1, true},
        {0xc0000103, 5, false},
    };
    for (unsigned n = 0; n < ARRAY_LEN(writes); n++) {
        uint64_t value;
        test_context("MSR %#x, write %u", writes[n].number, n);
        CHECK_EQ(wrmsr(b, writes[n].number, writes[n].value), writes[n].fails ? EXC_GP : -1);
        if (writes[n].fails)
            continue;
        CHECK_EQ(rdmsr(b, writes[n].number, &value), -1);
        CHECK_EQ(value, writes[n].value);
    }
    uint64_t value;
    test_context(NULL);
    CHECK_EQ(rdmsr(b, 0x12345, &value), EXC_GP);
    /* TSC and TSC_ADJUST move together. */
    CHECK_EQ(wrmsr(b, 0x3b, 0), -1);
    CHECK_EQ(wrmsr(b, 0x10, 1000000), -1);
    CHECK_EQ(rdmsr(b, 0x3b, &value), -1);
    CHECK_EQ(rdmsr(b, 0x10, &value), -1);
    CHECK_EQ(value, 1000000); /* the clock stands still */
    xb_long(b);
    xb_user(b);
    b->s->gpr[RCX] = 0x10;
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x32), EXC_GP);
    xb_destroy(b);
}

static unsigned overflows;
static uint64_t overflow_at;

static void overflow_note(void *opaque)
{
    const struct x86_bare *b = opaque;
    overflows++;
    overflow_at = b->vcpu->icount;
}

/* A counter that wraps says so, and asks for its interrupt when it is to (20.2.2): here behind the third
 * instruction after the WRMSR. */
static void counter_overflow(void)
{
    static const uint8_t code[] = {0x0f, 0x30, 0x90, 0x90, 0x90, 0x90, 0x90, 0xf4}; /* wrmsr; nop... */
    uint64_t value;
    for (unsigned asks = 0; asks < 2; asks++) {
        struct x86_bare *b = begin("max");
        x86_core_of(b->vcpu)->hooks.performance_interrupt = overflow_note;
        overflows = 0;
        CHECK_EQ(wrmsr(b, 0x187, 0x4300c0 | asks << 20), -1);
        CHECK_EQ(wrmsr(b, 0x38f, 2), -1);
        xb_long(b);
        b->s->gpr[RCX] = 0xc2;
        b->s->gpr[RAX] = (uint32_t)-3;
        b->s->gpr[RDX] = 0;
        xb_put(b, XB_CODE, code, sizeof(code));
        uint64_t before = b->vcpu->icount;
        CHECK_EQ(xb_run(b, XB_CODE), -1);
        CHECK_EQ(overflows, asks);
        if (asks)
            CHECK_EQ(overflow_at - before, 4);
        CHECK_EQ(rdmsr(b, 0x38e, &value), -1);
        CHECK_EQ(value, 2);
        CHECK_EQ(wrmsr(b, 0x38f, 0), -1);
        CHECK_EQ(rdmsr(b, 0xc2, &value), -1);
        CHECK(value >= 3 && value < 20);
        CHECK_EQ(wrmsr(b, 0x390, 2), -1);
        CHECK_EQ(rdmsr(b, 0x38e, &value), -1);
        CHECK_EQ(value, 0);
        /* With a counter mask of 2, which no cycle meets. */
        CHECK_EQ(wrmsr(b, 0x187, 0x24300c0), -1);
        CHECK_EQ(wrmsr(b, 0xc2, 5), -1);
        CHECK_EQ(wrmsr(b, 0x38f, 2), -1);
        CHECK_EQ(rdmsr(b, 0xc2, &value), -1);
        CHECK_EQ(value, 5);
        xb_destroy(b);
    }
}

static uint64_t apic_base;

static uint64_t apic_base_get(void *opaque)
{
    (void)opaque;
    return apic_base;
}

/* A processor whose APIC is off has none (11.4.3). */
static void cpuid_apic(void)
{
    struct x86_bare *b = begin(NULL);
    x86_core_of(b->vcpu)->hooks.apic_base_get = apic_base_get;
    for (unsigned on = 0; on < 2; on++) {
        apic_base = on ? 0xfee00900 : 0xfee00100;
        b->s->gpr[RAX] = 1;
        CHECK_EQ(XB_EXEC(b, 0x0f, 0xa2), -1);
        CHECK_EQ(b->s->gpr[RDX] >> 9 & 1, on);
    }
    xb_destroy(b);
}

static void control_registers(void)
{
    static const struct {
        uint8_t reg;
        uint64_t value;
        bool fails;
    } cases[] = {
        {0, CR0_PE | CR0_PG | CR0_ET, false},
        {0, CR0_PG | CR0_ET, true},          /* paging without protection */
        {0, CR0_PE | CR0_PG | CR0_NW, true}, /* NW without CD */
        {0, CR0_PE | CR0_PG | (uint64_t)1 << 32, true},
        {0, CR0_PE | CR0_ET, true}, /* no paging in 64-bit code */
        {4, CR4_PAE | CR4_PGE | CR4_OSFXSR, false},
        {4, 0, true}, /* PAE in long mode */
        {4, CR4_PAE | CR4_LA57, true},
        {4, CR4_PAE | (uint64_t)1 << 15, true},
        {4, CR4_PAE | (uint64_t)1 << 32, true},
        {4, CR4_PAE | CR4_PCIDE, false},
        {3, XB_PAGES, false},
        {3, XB_PAGES | (uint64_t)1 << 40, true}, /* beyond MAXPHYADDR */
        {3, XB_PAGES | CR3_NOFLUSH, true},       /* without PCIDE */
        {8, 15, false},
        {8, 16, true},
        {1, 0, true},
        {5, 0, true},
    };
    struct x86_bare *b = begin(NULL);
    for (unsigned n = 0; n < ARRAY_LEN(cases); n++) {
        test_context("case %u", n);
        xb_long(b);
        b->s->gpr[RAX] = cases[n].value;
        uint8_t rex = cases[n].reg >= 8 ? 0x44 : 0x40, modrm = (uint8_t)(0xc0 | (cases[n].reg & 7) << 3);
        int expected = !cases[n].fails ? -1 : cases[n].reg == 1 || cases[n].reg == 5 ? EXC_UD : EXC_GP;
        CHECK_EQ(XB_EXEC(b, rex, 0x0f, 0x22, modrm), expected);
    }
    test_context(NULL);
    /* PCIDE asks for PCID 0; and with it CR3 may say no flush. */
    xb_long(b);
    b->s->cr3 = XB_PAGES | 5;
    b->s->gpr[RAX] = CR4_PAE | CR4_PCIDE;
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x22, 0xe0), EXC_GP);
    xb_long(b);
    b->s->cr4 |= CR4_PCIDE;
    b->s->gpr[RAX] = XB_PAGES | 5 | CR3_NOFLUSH;
    x86_state_changed(b->vcpu);
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x22, 0xd8), -1);
    CHECK_EQ(b->s->cr3, XB_PAGES | 5);
    xb_destroy(b);
}

/* Long mode is left and entered as the manual says (SDM vol. 3, 9.8.5). */
static void switching_modes(void)
{
    struct x86_bare *b = xb_create(NULL);
    xb_protected(b);
    struct x86_bare *tables = b;
    xb_store(tables, XB_PAGES, 8, (XB_PAGES + 0x1000) | 7);
    xb_store(tables, XB_PAGES + 0x1000, 8, 0x87);
    b->s->gpr[RBX] = XB_PAGES;
    /* mov eax, 20h; mov cr4, eax; mov cr3, ebx; mov ecx, c0000080h; xor edx, edx; mov eax, 100h; wrmsr;
     * mov eax, 80000011h; mov cr0, eax; jmp 18h:next; next: mov r8, rsp */
    uint32_t next = (uint32_t)XB_CODE + 39;
    CHECK_EQ(XB_EXEC(b, 0xb8, 0x20, 0, 0, 0, 0x0f, 0x22, 0xe0, 0x0f, 0x22, 0xdb, 0xb9, 0x80, 0, 0, 0xc0, 0x31,
                     0xd2, 0xb8, 0, 1, 0, 0, 0x0f, 0x30, 0xb8, 0x11, 0, 0, 0x80, 0x0f, 0x22, 0xc0, 0xea,
                     (uint8_t)(next + 1), (uint8_t)(next >> 8), (uint8_t)(next >> 16), 0, 0x18, 0, 0x49, 0x89,
                     0xe0),
             -1);
    CHECK(b->s->efer & EFER_LMA);
    CHECK_EQ(b->s->gpr[8], XB_STACK0);
    xb_destroy(b);
}

static void cpuid(void)
{
    struct x86_bare *b = begin("x86-64-v3");
    b->s->gpr[RAX] = 0;
    CHECK_EQ(XB_EXEC(b, 0x0f, 0xa2), -1);
    CHECK_EQ(b->s->gpr[RBX], 0x756e6547);
    b->s->gpr[RAX] = 7;
    b->s->gpr[RCX] = 0;
    CHECK_EQ(XB_EXEC(b, 0x0f, 0xa2), -1);
    CHECK(b->s->gpr[RBX] & 1 << 3);  /* BMI1 */
    CHECK(b->s->gpr[RBX] & 1 << 20); /* SMAP */
    xb_destroy(b);
    /* What is taken away is gone: from CPUID, from CR4, and as an instruction. */
    b = begin("x86-64-v3,-bmi1,-smap,-xsave");
    b->s->gpr[RAX] = 7;
    b->s->gpr[RCX] = 0;
    CHECK_EQ(XB_EXEC(b, 0x0f, 0xa2), -1);
    CHECK(!(b->s->gpr[RBX] & 1 << 3));
    CHECK(!(b->s->gpr[RCX] & 1 << 3)); /* PKU needs XSAVE */
    /* andn eax, ecx, edx */
    CHECK_EQ(XB_EXEC(b, 0xc4, 0xe2, 0x70, 0xf2, 0xc2), EXC_UD);
    xb_long(b);
    b->s->gpr[RAX] = CR4_PAE | CR4_SMAP;
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x22, 0xe0), EXC_GP);
    xb_destroy(b);
    struct x86_model model;
    struct error err = {0};
    CHECK(!x86_model_parse(&model, "x86-64-v9", &err));
    CHECK(strstr(err.text, "x86-64-v") != NULL);
    CHECK(!x86_model_parse(&model, "max,+bmi7", &err));
    CHECK(strstr(err.text, "bmi") != NULL);
    CHECK(!x86_model_parse(&model, "max,bmi1", &err));
    CHECK(x86_model_parse(&model, NULL, &err));
    CHECK_STR(model.name, "x86-64-v3");
}

static void system_calls(void)
{
    struct x86_bare *b = begin(NULL);
    b->s->star = (uint64_t)0x23 << 48 | (uint64_t)0x18 << 32;
    b->s->lstar = XB_CODE + 0x1000;
    b->s->sfmask = FLAG_IF | FLAG_DF;
    xb_user(b);
    b->s->rflags = FLAG_ONE | FLAG_IF | FLAG_DF | FLAG_CF;
    /* sysretq at LSTAR, then HLT at level 3 */
    XB_PUT(b, XB_CODE + 0x1000, 0x48, 0x0f, 0x07);
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x05), EXC_GP);
    CHECK_EQ(xb_frame(b, 1), XB_CODE + 2);
    CHECK_EQ(xb_frame(b, 2), 0x33);
    CHECK_EQ(xb_frame(b, 3), FLAG_ONE | FLAG_IF | FLAG_DF | FLAG_CF | FLAG_RF);
    CHECK_EQ(xb_frame(b, 5), 0x2b);
    CHECK_EQ(b->s->gpr[RCX], XB_CODE + 2);
    /* Without EFER.SCE. */
    xb_long(b);
    b->s->efer &= ~EFER_SCE;
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x05), EXC_UD);
    /* SYSRET to where no code can be, and from level 3. */
    xb_long(b);
    b->s->gpr[RCX] = 0x800000000000;
    CHECK_EQ(XB_EXEC(b, 0x48, 0x0f, 0x07), EXC_GP);
    xb_long(b);
    xb_user(b);
    CHECK_EQ(XB_EXEC(b, 0x48, 0x0f, 0x07), EXC_GP);
    /* SYSENTER and SYSEXIT, in protected mode. */
    xb_protected(b);
    b->s->efer = 0;
    b->s->sysenter_cs = XB_CODE32;
    b->s->sysenter_esp = XB_STACK0;
    b->s->sysenter_eip = XB_CODE + 0x1000;
    xb_user(b);
    XB_PUT(b, XB_CODE + 0x1000, 0xf4);
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x34), -1);
    CHECK_EQ(b->s->rip, XB_CODE + 0x1001);
    CHECK_EQ(b->s->cpl, 0);
    CHECK_EQ(b->s->seg[SS].selector, XB_DATA32);
    b->s->sysenter_cs = 0;
    xb_user(b);
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x34), EXC_GP);
    xb_destroy(b);
}

static void smap_and_keys(void)
{
    struct x86_bare *b = begin(NULL);
    b->s->cr4 |= CR4_SMAP;
    b->s->gpr[RBX] = XB_DATA;
    xb_store(b, XB_PAGES + 0x2000, 8, 0x83); /* our own tables, code and stacks are the supervisor's */
    x86_state_changed(b->vcpu);
    /* mov rax, [rbx] of a user page: #PF, but not with AC (stac; mov; clac) */
    CHECK_EQ(XB_EXEC(b, 0x48, 0x8b, 0x03), EXC_PF);
    CHECK_EQ(xb_frame(b, 0), 1);
    b->s->gpr[RSP] = XB_STACK0;
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x01, 0xcb, 0x48, 0x8b, 0x03, 0x0f, 0x01, 0xca), -1);
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x01, 0xcb, 0x48, 0x8b, 0x03, 0x0f, 0x01, 0xca, 0x48, 0x8b, 0x03), EXC_PF);
    CHECK_EQ(xb_frame(b, 1), XB_CODE + 9);
    /* Protection keys: key 1 may not be written, then not be read. */
    xb_long(b);
    b->s->cr4 |= CR4_PKE;
    xb_store(b, XB_PAGES + 0x2008, 8, 0x200000 | 0x87 | (uint64_t)1 << 59);
    x86_state_changed(b->vcpu);
    xb_user(b);
    b->s->gpr[RCX] = b->s->gpr[RDX] = 0;
    b->s->gpr[RAX] = 2 << 2;
    /* mov [rbx], al; wrpkru; mov cl, [rbx]; mov [rbx], al */
    CHECK_EQ(XB_EXEC(b, 0x88, 0x03, 0x0f, 0x01, 0xef, 0x8a, 0x0b, 0x88, 0x03), EXC_PF);
    CHECK_EQ(xb_frame(b, 0), 0x27);
    CHECK_EQ(xb_frame(b, 1), XB_CODE + 7);
    xb_destroy(b);
}

/* A translation that was used stays until it is flushed; INVLPG, CR3 and CR4.PGE flush what they should. */
static void flushes(void)
{
    struct x86_bare *b = begin(NULL);
    xb_store(b, 0x200000, 8, 0x2222);
    xb_store(b, 0x400000, 8, 0x4444);
    xb_store(b, 0x700000, 8, 0x200087); /* what the entry is to become: held in the tables' own memory */
    b->s->gpr[RBX] = 0x200000;
    b->s->gpr[RDI] = XB_PAGES + 0x2008;
    b->s->gpr[RSI] = 0x400087;
    /* mov rax, [rbx]; mov [rdi], rsi; invlpg [rbx]; mov rcx, [rbx] */
    CHECK_EQ(XB_EXEC(b, 0x48, 0x8b, 0x03, 0x48, 0x89, 0x37, 0x0f, 0x01, 0x3b, 0x48, 0x8b, 0x0b), -1);
    CHECK_EQ(b->s->gpr[RAX], 0x2222);
    CHECK_EQ(b->s->gpr[RCX], 0x4444);
    /* mov rdx, cr3; mov [rdi], rsi (back); mov cr3, rdx; mov rcx, [rbx] */
    b->s->gpr[RSI] = 0x200087;
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x20, 0xda, 0x48, 0x89, 0x37, 0x0f, 0x22, 0xda, 0x48, 0x8b, 0x0b), -1);
    CHECK_EQ(b->s->gpr[RCX], 0x2222);
    /* invpcid, all: xor eax, eax... type 2 in rax, descriptor at [rbp] */
    b->s->gpr[RSI] = 0x400087;
    b->s->gpr[RAX] = 2;
    b->s->gpr[RBP] = 0x300000;
    CHECK_EQ(XB_EXEC(b, 0x48, 0x89, 0x37, 0x66, 0x0f, 0x38, 0x82, 0x45, 0x00, 0x48, 0x8b, 0x0b), -1);
    CHECK_EQ(b->s->gpr[RCX], 0x4444);
    /* A reserved type, a PCID that can't be. */
    b->s->gpr[RAX] = 4;
    CHECK_EQ(XB_EXEC(b, 0x66, 0x0f, 0x38, 0x82, 0x45, 0x00), EXC_GP);
    xb_long(b);
    b->s->gpr[RAX] = 1;
    xb_store(b, 0x300000, 8, 5);
    CHECK_EQ(XB_EXEC(b, 0x66, 0x0f, 0x38, 0x82, 0x45, 0x00), EXC_GP);
    xb_destroy(b);
}

static void fxsave(void)
{
    struct x86_bare *b = begin(NULL);
    b->s->gpr[RBX] = XB_DATA;
    b->s->fcw = 0x37f;
    b->s->fsw = 3 << 11;
    b->s->ftw = 0xffff & ~(3u << 6); /* R3, which is ST(0), is valid */
    b->s->st[3] = (struct x86_st){.mant = 0x8000000000000000, .se = 0x3fff};
    b->s->mxcsr = 0x1f81;
    b->s->vector[15].q[1] = 0x1234;
    /* fxsave64 [rbx]; then spoil and fxrstor64 */
    CHECK_EQ(XB_EXEC(b, 0x48, 0x0f, 0xae, 0x03), -1);
    CHECK_EQ(xb_load(b, XB_DATA, 2), 0x37f);
    CHECK_EQ(xb_load(b, XB_DATA + 4, 1), 8);
    CHECK_EQ(xb_load(b, XB_DATA + 24, 4), 0x1f81);
    CHECK_EQ(xb_load(b, XB_DATA + 28, 4), 0xffff);
    CHECK_EQ(xb_load(b, XB_DATA + 32, 8), 0x8000000000000000);
    CHECK_EQ(xb_load(b, XB_DATA + 40, 2), 0x3fff);
    CHECK_EQ(xb_load(b, XB_DATA + 160 + 15 * 16 + 8, 8), 0x1234);
    memset(b->s->st, 0, sizeof(b->s->st));
    b->s->fsw = b->s->fcw = b->s->ftw = 0;
    b->s->vector[15].q[1] = 0;
    CHECK_EQ(XB_EXEC(b, 0x48, 0x0f, 0xae, 0x0b), -1);
    CHECK_EQ(b->s->st[3].se, 0x3fff);
    CHECK_EQ(b->s->ftw, 0xffff & ~(3u << 6));
    CHECK_EQ(b->s->vector[15].q[1], 0x1234);
    /* Reserved bits of MXCSR; alignment; TS. */
    xb_store(b, XB_DATA + 24, 4, 0x10000);
    CHECK_EQ(XB_EXEC(b, 0x48, 0x0f, 0xae, 0x0b), EXC_GP);
    xb_long(b);
    b->s->gpr[RBX] = XB_DATA + 8;
    CHECK_EQ(XB_EXEC(b, 0x48, 0x0f, 0xae, 0x03), EXC_GP);
    xb_long(b);
    b->s->cr0 |= CR0_TS;
    CHECK_EQ(XB_EXEC(b, 0x48, 0x0f, 0xae, 0x03), EXC_NM);
    xb_destroy(b);
}

static void xsave(void)
{
    struct x86_bare *b = begin(NULL);
    uint64_t xcr0 = XCR0_X87 | XCR0_PKRU;
    b->s->gpr[RBX] = XB_DATA;
    CHECK_EQ(XB_EXEC(b, 0x0f, 0xae, 0x23), EXC_UD); /* without CR4.OSXSAVE */
    xb_long(b);
    b->s->cr4 |= CR4_OSXSAVE | CR4_PKE;
    b->s->gpr[RCX] = 0;
    b->s->gpr[RAX] = xcr0;
    b->s->gpr[RDX] = 0;
    /* xsetbv; xgetbv */
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x01, 0xd1, 0x0f, 0x01, 0xd0), -1);
    CHECK_EQ(b->s->xcr0, xcr0);
    CHECK_EQ(b->s->gpr[RAX], xcr0);
    b->s->gpr[RAX] = XCR0_SSE; /* x87 can't be left out */
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x01, 0xd1), EXC_GP);
    xb_long(b);
    b->s->cr4 |= CR4_OSXSAVE | CR4_PKE;
    b->s->pkru = 0xc;
    b->s->fcw = 0x27f;
    b->s->gpr[RAX] = ~(uint64_t)0;
    b->s->gpr[RDX] = ~(uint64_t)0;
    memset(b->memory + XB_DATA, 0xee, 1024);
    xb_store(b, XB_DATA + 512, 8, 0x80); /* a component that isn't ours stays */
    CHECK_EQ(XB_EXEC(b, 0x0f, 0xae, 0x23), -1);
    CHECK_EQ(xb_load(b, XB_DATA + 512, 8), xcr0 | 0x80);
    CHECK_EQ(xb_load(b, XB_DATA, 2), 0x27f);
    CHECK_EQ(xb_load(b, XB_DATA + 832, 8), 0xc);
    CHECK_EQ(xb_load(b, XB_DATA + 520, 8), 0xeeeeeeeeeeeeeeee); /* XCOMP_BV is not XSAVE's */
    CHECK_EQ(xb_load(b, XB_DATA + 160, 8), 0xeeeeeeeeeeeeeeee);
    /* xrstor refuses such a header */
    CHECK_EQ(XB_EXEC(b, 0x0f, 0xae, 0x2b), EXC_GP);
    xb_long(b);
    b->s->cr4 |= CR4_OSXSAVE | CR4_PKE;
    memset(b->memory + XB_DATA + 512, 0, 64);
    xb_store(b, XB_DATA + 512, 8, XCR0_PKRU);
    b->s->pkru = 0;
    CHECK_EQ(XB_EXEC(b, 0x0f, 0xae, 0x2b), -1);
    CHECK_EQ(b->s->pkru, 0xc);
    CHECK_EQ(b->s->fcw, 0x37f); /* not in XSTATE_BV: as reset */
    /* xsavec packs: PKRU right behind the header */
    CHECK_EQ(XB_EXEC(b, 0x0f, 0xc7, 0x23), -1);
    CHECK_EQ(xb_load(b, XB_DATA + 512, 8), XCR0_PKRU);
    CHECK_EQ(xb_load(b, XB_DATA + 520, 8), xcr0 | (uint64_t)1 << 63);
    CHECK_EQ(xb_load(b, XB_DATA + 576, 8), 0xc);
    b->s->pkru = 1;
    CHECK_EQ(XB_EXEC(b, 0x0f, 0xae, 0x2b), -1);
    CHECK_EQ(b->s->pkru, 0xc);
    xb_destroy(b);
}

static void instructions_of_the_model(void)
{
    struct x86_bare *b = begin("x86-64");
    /* popcnt eax, ecx is not there; tzcnt is BSF, lzcnt BSR */
    CHECK_EQ(XB_EXEC(b, 0xf3, 0x0f, 0xb8, 0xc1), EXC_UD);
    xb_long(b);
    b->s->gpr[RCX] = 0x10000;
    CHECK_EQ(XB_EXEC(b, 0xf3, 0x0f, 0xbd, 0xc1), -1);
    CHECK_EQ(b->s->gpr[RAX], 16);
    xb_destroy(b);
    b = begin(NULL);
    b->s->gpr[RCX] = 0x10000;
    CHECK_EQ(XB_EXEC(b, 0xf3, 0x0f, 0xbd, 0xc1), -1);
    CHECK_EQ(b->s->gpr[RAX], 15);
    /* UMIP */
    b->s->cr4 |= CR4_UMIP;
    b->s->gpr[RBX] = XB_DATA;
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x01, 0x03), -1); /* sgdt */
    CHECK_EQ(xb_load(b, XB_DATA + 2, 8), XB_GDT);
    xb_user(b);
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x01, 0x03), EXC_GP);
    /* RDFSBASE asks for its bit of CR4. */
    xb_long(b);
    CHECK_EQ(XB_EXEC(b, 0xf3, 0x48, 0x0f, 0xae, 0xc0), EXC_UD);
    xb_long(b);
    b->s->cr4 |= CR4_FSGSBASE;
    b->s->seg[FS].base = 0x123456789000;
    CHECK_EQ(XB_EXEC(b, 0xf3, 0x48, 0x0f, 0xae, 0xc0), -1);
    CHECK_EQ(b->s->gpr[RAX], 0x123456789000);
    xb_destroy(b);
}

/* SYSENTER_CS: the upper half is not used, and not reserved. */
static void sysenter_selector(void)
{
    struct x86_bare *b = begin(NULL);
    uint64_t value;
    CHECK_EQ(wrmsr(b, 0x174, 0x700000008), -1);
    CHECK_EQ(rdmsr(b, 0x174, &value), -1);
    CHECK_EQ(value, 8);
    xb_destroy(b);
}

/* MOV of control registers: which there are, before who may; ModRM.mod means nothing, and nothing follows. */
static void control_register_encodings(void)
{
    struct x86_bare *b = begin(NULL);
    xb_user(b);
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x22, 0xc8), EXC_UD); /* CR1 */
    xb_long(b);
    xb_user(b);
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x22, 0xc0), EXC_GP);
    xb_long(b);
    CHECK_EQ(XB_EXEC(b, 0x0f, 0x20, 0x82), -1); /* mov rdx, cr0 */
    CHECK_EQ(b->s->rip, XB_CODE + 4);
    CHECK_EQ(b->s->gpr[RDX], b->s->cr0);
    xb_destroy(b);
}

/* #AC of numbers that instructions of x87 and SSE read and write. */
static void alignment(void)
{
    static const uint8_t codes[][4] = {
        {0xd9, 0x00, 0xf4},       /* fld dword [rax] */
        {0xdb, 0x28, 0xf4},       /* fld tbyte [rax] */
        {0xd9, 0x30, 0xf4},       /* fnstenv [rax] */
        {0xdd, 0x30, 0xf4},       /* fnsave [rax] */
        {0xf3, 0x0f, 0x10, 0x00}, /* movss xmm0, [rax] */
    };
    struct x86_bare *b = begin(NULL);
    for (unsigned n = 0; n < ARRAY_LEN(codes); n++) {
        test_context("case %u", n);
        xb_long(b);
        xb_user(b);
        b->s->cr0 |= CR0_AM;
        b->s->cr4 |= CR4_OSFXSR;
        b->s->rflags |= FLAG_AC;
        b->s->gpr[RAX] = XB_DATA + 1;
        xb_put(b, XB_CODE, codes[n], sizeof(codes[n]));
        CHECK_EQ(xb_run(b, XB_CODE), EXC_AC);
    }
    xb_destroy(b);
}

static const struct test_case cases[] = {
    {"sysenter_selector", sysenter_selector},
    {"control_register_encodings", control_register_encodings},
    {"alignment", alignment},
    {"msrs", msrs},
    {"counter_overflow", counter_overflow},
    {"cpuid_apic", cpuid_apic},
    {"control_registers", control_registers},
    {"switching_modes", switching_modes},
    {"cpuid", cpuid},
    {"system_calls", system_calls},
    {"smap_and_keys", smap_and_keys},
    {"flushes", flushes},
    {"fxsave", fxsave},
    {"xsave", xsave},
    {"instructions_of_the_model", instructions_of_the_model},
};
TEST_SUITE(x86_system_test, "unit", cases);
