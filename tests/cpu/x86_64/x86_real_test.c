/* Real mode, big real mode, virtual-8086 mode with and without VME, port permissions, A20, SMM, INIT and
 * SIPI. */
#include "base/bits.h"
#include "tests/cpu/x86_64/x86_bare.h"

#define DPL(n) ((n) << SEG_DPL_SHIFT)

/* ---- real mode ---- */

static int real_exec(struct x86_bare *b, const uint8_t *bytes, size_t count)
{
    static const uint8_t hlt = 0xf4;
    xb_put(b, 0x7000, bytes, count);
    xb_put(b, 0x7000 + count, &hlt, 1);
    return xb_run(b, 0x7000);
}
#define REAL_EXEC(b, ...) real_exec(b, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void limits(void)
{
    struct x86_bare *b = xb_create(NULL);
    xb_real(b);
    /* mov ax, [ffffh]: #GP, without an error code; through SS #SS */
    CHECK_EQ(REAL_EXEC(b, 0xa1, 0xff, 0xff), EXC_GP);
    CHECK_EQ(xb_frame(b, 0), 0x7000);
    xb_real(b);
    CHECK_EQ(REAL_EXEC(b, 0x36, 0xa1, 0xff, 0xff), EXC_SS);
    /* mov al, [ffffh] is fine. */
    xb_real(b);
    CHECK_EQ(REAL_EXEC(b, 0xa0, 0xff, 0xff), -1);
    /* 32-bit addresses beyond 64 KiB: #GP, unless the limit was raised in protected mode. */
    b->s->gpr[RBX] = 0x200000;
    xb_store(b, 0x200000, 4, 0xfeedf00d);
    CHECK_EQ(REAL_EXEC(b, 0x67, 0x66, 0x8b, 0x03), EXC_GP);
    xb_real(b);
    b->s->seg[DS].limit = 0xffffffff;
    x86_state_changed(b->vcpu);
    /* mov ax, 0; mov ds, ax (keeps the limit); mov eax, [ebx] */
    CHECK_EQ(REAL_EXEC(b, 0xb8, 0, 0, 0x8e, 0xd8, 0x67, 0x66, 0x8b, 0x03), -1);
    CHECK_EQ(b->s->gpr[RAX] & 0xffffffff, 0xfeedf00d);
    /* Protected-mode instructions aren't there. */
    xb_real(b);
    CHECK_EQ(REAL_EXEC(b, 0x0f, 0x00, 0xd0), EXC_UD);
    /* The interrupt table's limit. */
    xb_real(b);
    b->s->idtr.limit = 0x21 * 4 + 2;
    CHECK_EQ(REAL_EXEC(b, 0xcd, 0x21), EXC_GP);
    xb_destroy(b);
}

/* 16-bit addresses: a base, an index, a displacement; BP's are in the stack segment. */
static void addresses(void)
{
    struct x86_bare *b = xb_create(NULL);
    xb_real(b);
    b->s->gpr[RBX] = 0x200;
    b->s->gpr[RBP] = 0x300;
    b->s->gpr[RSI] = 0x5010;
    b->s->gpr[RDI] = 0xff20;
    xb_store(b, 0x5210, 2, 0x1111); /* [bx+si] */
    xb_store(b, 0x224, 2, 0x2222);  /* [bp+di+4], which wraps */
    xb_store(b, 0x5310, 2, 0x3333); /* [bp+si] */
    xb_store(b, 0x5010, 2, 0x4444); /* [si] */
    CHECK_EQ(REAL_EXEC(b, 0x8b, 0x00, 0x8b, 0x4b, 0x04, 0x8b, 0x12, 0x8b, 0x1c), -1);
    CHECK_EQ(b->s->gpr[RAX] & 0xffff, 0x1111);
    CHECK_EQ(b->s->gpr[RCX] & 0xffff, 0x2222);
    CHECK_EQ(b->s->gpr[RDX] & 0xffff, 0x3333);
    CHECK_EQ(b->s->gpr[RBX] & 0xffff, 0x4444);
    xb_destroy(b);
}

static void transfers(void)
{
    struct x86_bare *b = xb_create(NULL);
    xb_real(b);
    XB_PUT(b, 0x12340 + 0x10, 0xcb); /* retf at 1234:0010 */
    /* call 1234:0010; hlt */
    CHECK_EQ(REAL_EXEC(b, 0x9a, 0x10, 0x00, 0x34, 0x12), -1);
    CHECK_EQ(b->s->rip, 0x7006);
    CHECK_EQ(b->s->seg[CS].base, 0);
    /* int 21h; iret */
    xb_real(b);
    xb_store(b, 4 * 0x21, 4, 0x12340011);
    XB_PUT(b, 0x12340 + 0x11, 0xcf);
    b->s->rflags |= FLAG_IF;
    CHECK_EQ(REAL_EXEC(b, 0xcd, 0x21), -1);
    CHECK_EQ(b->s->rip, 0x7003);
    CHECK(b->s->rflags & FLAG_IF);
    /* IP wraps in jumps of 16 bits: jmp from 7000h by 9000h */
    xb_real(b);
    XB_PUT(b, 0x0003, 0xf4);
    CHECK_EQ(REAL_EXEC(b, 0xe9, 0x00, 0x90), -1);
    CHECK_EQ(b->s->rip, 4);
    /* SP wraps. */
    xb_real(b);
    b->s->gpr[RSP] = 0;
    b->s->gpr[RAX] = 0xabcd;
    CHECK_EQ(REAL_EXEC(b, 0x50), -1);
    CHECK_EQ(b->s->gpr[RSP], 0xfffe);
    CHECK_EQ(xb_load(b, 0xfffe, 2), 0xabcd);
    xb_destroy(b);
}

/* The way into protected mode and back that leaves big segments behind. */
static void big_real(void)
{
    struct x86_bare *b = xb_create(NULL);
    xb_real(b);
    xb_store(b, 0x6000, 2, 0x17);
    xb_store(b, 0x6002, 4, 0x6008);
    xb_store(b, 0x6008 + 16, 8, 0x00cf92000000ffff); /* entry 2: flat data */
    /* lgdt [6000h]; mov eax, cr0; or al, 1; mov cr0, eax; mov bx, 10h; mov es, bx; and al, feh; mov cr0, eax;
     * xor bx, bx; mov es, bx; mov edi, 300000h; mov byte es:[edi], 5ah */
    CHECK_EQ(REAL_EXEC(b, 0x0f, 0x01, 0x16, 0x00, 0x60, 0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0, 0xbb,
                       0x10, 0x00, 0x8e, 0xc3, 0x24, 0xfe, 0x0f, 0x22, 0xc0, 0x31, 0xdb, 0x8e, 0xc3, 0x66,
                       0xbf, 0x00, 0x00, 0x30, 0x00, 0x67, 0x26, 0xc6, 0x07, 0x5a),
             -1);
    CHECK_EQ(xb_load(b, 0x300000, 1), 0x5a);
    CHECK_EQ(b->s->seg[ES].limit, 0xffffffff);
    xb_destroy(b);
}

static void a20(void)
{
    struct x86_bare *b = xb_create(NULL);
    xb_real(b);
    xb_store(b, 0x100010, 2, 0x1111);
    xb_store(b, 0x000010, 2, 0x2222);
    b->s->seg[ES].base = 0xffff0;
    x86_a20_set(b->vcpu, false);
    x86_state_changed(b->vcpu);
    /* mov ax, es:[20h] */
    CHECK_EQ(REAL_EXEC(b, 0x26, 0xa1, 0x20, 0x00), -1);
    CHECK_EQ(b->s->gpr[RAX] & 0xffff, 0x2222);
    x86_a20_set(b->vcpu, true);
    CHECK_EQ(REAL_EXEC(b, 0x26, 0xa1, 0x20, 0x00), -1);
    CHECK_EQ(b->s->gpr[RAX] & 0xffff, 0x1111);
    xb_destroy(b);
}

/* ---- virtual-8086 mode ---- */

#define V86_CODE 0x7000u

static struct x86_bare *v86_begin(unsigned iopl)
{
    struct x86_bare *b = xb_create(NULL);
    xb_protected(b);
    b->s->cpl = 3;
    b->s->rflags = FLAG_ONE | FLAG_VM | (uint64_t)iopl << FLAG_IOPL_SHIFT;
    for (unsigned n = ES; n <= GS; n++)
        b->s->seg[n] = (struct x86_segment){
            .base = (uint64_t)n << 4, .limit = 0xffff, .selector = (uint16_t)n, .attributes = 0xf3};
    x86_segment_set(b->vcpu, CS, 0, 0, 0xffff, 0xf3);
    b->s->cpl = 3;
    x86_segment_set(b->vcpu, SS, 0, 0, 0xffff, 0xf3);
    b->s->gpr[RSP] = 0x8800;
    x86_state_changed(b->vcpu);
    return b;
}

static int v86_exec(struct x86_bare *b, const uint8_t *bytes, size_t count)
{
    xb_put(b, V86_CODE, bytes, count);
    XB_PUT(b, V86_CODE + count, 0x0f, 0x0b); /* ud2 */
    return xb_run(b, V86_CODE);
}
#define V86_EXEC(b, ...) v86_exec(b, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void v86_frame(void)
{
    struct x86_bare *b = v86_begin(0);
    /* nop: #UD to level 0, with the segments on the stack */
    CHECK_EQ(V86_EXEC(b, 0x90), EXC_UD);
    CHECK_EQ(b->s->cpl, 0);
    CHECK(!(b->s->rflags & FLAG_VM));
    CHECK_EQ(xb_frame(b, 0), V86_CODE + 1);
    CHECK_EQ(xb_frame(b, 1), 0);
    CHECK(xb_frame(b, 2) & FLAG_VM);
    CHECK_EQ(xb_frame(b, 3), 0x8800);
    CHECK_EQ(xb_frame(b, 4), 0);
    CHECK_EQ(xb_frame(b, 5), ES);
    CHECK_EQ(xb_frame(b, 6), DS);
    CHECK_EQ(xb_frame(b, 7), FS);
    CHECK_EQ(xb_frame(b, 8), GS);
    CHECK_EQ(b->s->seg[DS].selector, 0);
    CHECK_EQ(b->s->seg[DS].attributes, 0);
    /* And IRET brings all of it back. */
    b->s->rip = XB_CODE;
    xb_store(b, b->s->gpr[RSP], 4, V86_CODE + 3);
    XB_PUT(b, V86_CODE + 3, 0x90, 0x0f, 0x0b);
    CHECK_EQ(XB_EXEC(b, 0xcf), EXC_UD);
    CHECK_EQ(xb_frame(b, 0), V86_CODE + 4);
    CHECK_EQ(xb_frame(b, 7), FS);
    xb_destroy(b);
}

static void v86_sensitive(void)
{
    /* cli, sti, pushf, popf, iret, int 21h */
    static const uint8_t codes[][2] = {{0xfa}, {0xfb}, {0x9c}, {0x9d}, {0xcf}, {0xcd, 0x21}};
    for (unsigned n = 0; n < ARRAY_LEN(codes); n++) {
        test_context("code %02x", codes[n][0]);
        struct x86_bare *b = v86_begin(0);
        CHECK_EQ(v86_exec(b, codes[n], codes[n][1] ? 2 : 1), EXC_GP);
        CHECK_EQ(xb_frame(b, 0), 0);
        CHECK_EQ(xb_frame(b, 1), V86_CODE);
        xb_destroy(b);
    }
    test_context(NULL);
    /* With IOPL 3 they work; INT goes through the IDT. */
    struct x86_bare *b = v86_begin(3);
    CHECK_EQ(V86_EXEC(b, 0xfb, 0x9c, 0x58), EXC_UD);
    CHECK(b->s->gpr[RAX] & FLAG_IF);
    xb_destroy(b);
    b = v86_begin(3);
    xb_gate(b, true, 0x21, XB_CODE32, (uint32_t)XB_HANDLERS + 16 * 0x21, 0xee, 0);
    CHECK_EQ(V86_EXEC(b, 0xcd, 0x21), 0x21);
    xb_destroy(b);
    /* HLT and MOV CR are privileged, LLDT isn't there. */
    b = v86_begin(3);
    CHECK_EQ(V86_EXEC(b, 0xf4), EXC_GP);
    xb_destroy(b);
    b = v86_begin(3);
    CHECK_EQ(V86_EXEC(b, 0x0f, 0x00, 0xd0), EXC_UD);
    xb_destroy(b);
}

static void v86_extensions(void)
{
    /* With VME, VIF stands for IF, and INT n goes to the program's own table where the bitmap says so. */
    struct x86_bare *b = v86_begin(0);
    b->s->cr4 |= CR4_VME;
    /* sti; pushf; pop ax; cli; pushf; pop bx */
    CHECK_EQ(V86_EXEC(b, 0xfb, 0x9c, 0x58, 0xfa, 0x9c, 0x5b), EXC_UD);
    CHECK_EQ(b->s->gpr[RAX] & (FLAG_IF | FLAG_IOPL), FLAG_IF | FLAG_IOPL);
    CHECK_EQ(b->s->gpr[RBX] & FLAG_IF, 0);
    CHECK(!(xb_frame(b, 2) & FLAG_VIF));
    xb_destroy(b);
    b = v86_begin(0);
    b->s->cr4 |= CR4_VME;
    b->s->rflags |= FLAG_VIF;
    xb_store(b, XB_TSS + 102, 2, 0x88); /* the I/O bitmap; the redirection bitmap lies below it, all 0 */
    xb_store(b, 0x21 * 4, 4, V86_CODE + 0x100);
    XB_PUT(b, V86_CODE + 0x100, 0x0f, 0x0b);
    CHECK_EQ(V86_EXEC(b, 0xcd, 0x21), EXC_UD);
    CHECK_EQ(xb_frame(b, 0), V86_CODE + 0x100);
    CHECK_EQ(xb_frame(b, 3), 0x8800 - 6);
    CHECK_EQ(xb_load(b, 0x8800 - 6, 2), V86_CODE + 2);
    CHECK_EQ(xb_load(b, 0x8800 - 2, 2) & (FLAG_IF | FLAG_IOPL), FLAG_IF | FLAG_IOPL);
    CHECK(!(xb_frame(b, 2) & FLAG_VIF));
    xb_destroy(b);
    b = v86_begin(0);
    b->s->cr4 |= CR4_VME;
    xb_store(b, XB_TSS + 102, 2, 0x88);
    xb_store(b, XB_TSS + 0x88 - 32 + 0x21 / 8, 1, 1 << (0x21 & 7)); /* 21h isn't redirected */
    CHECK_EQ(V86_EXEC(b, 0xcd, 0x21), EXC_GP);
    xb_destroy(b);
    /* STI with VIP set: #GP. */
    b = v86_begin(0);
    b->s->cr4 |= CR4_VME;
    b->s->rflags |= FLAG_VIP;
    CHECK_EQ(V86_EXEC(b, 0xfb), EXC_GP);
    xb_destroy(b);
}

/* ---- ports ---- */

static void ports(void)
{
    struct x86_bare *b = xb_create(NULL);
    xb_protected(b);
    b->s->gpr[RDX] = 0x110;
    b->s->gpr[RAX] = 0x12345678;
    /* out dx, eax; in al, dx */
    CHECK_EQ(XB_EXEC(b, 0xef, 0xec), -1);
    CHECK_EQ(b->port_stored, 0x12345678);
    CHECK_EQ(b->port_at, 0x10);
    CHECK_EQ(b->s->gpr[RAX], 0x12345610);
    /* Where nobody answers: all ones. in eax, 80h */
    CHECK_EQ(XB_EXEC(b, 0xe5, 0x80), -1);
    CHECK_EQ(b->s->gpr[RAX], 0xffffffff);
    /* Level 3 with IOPL 0: the TSS's bitmap. Port 110h: byte 22h, bit 0. */
    xb_user(b);
    CHECK_EQ(XB_EXEC(b, 0xec), EXC_GP);
    CHECK_EQ(xb_frame(b, 0), 0);
    xb_protected(b);
    xb_user(b);
    xb_store(b, XB_TSS + 102, 2, 104);
    memset(b->memory + XB_TSS + 104, 0xff, 0x100);
    xb_store(b, XB_TSS + 104 + 0x22, 1, 0xf0); /* 110h to 113h */
    b->s->gpr[RDX] = 0x110;
    CHECK_EQ(XB_EXEC(b, 0xed), EXC_GP); /* that is HLT */
    CHECK_EQ(xb_frame(b, 1), XB_CODE + 1);
    xb_protected(b);
    xb_user(b);
    xb_store(b, XB_TSS + 102, 2, 104);
    b->s->gpr[RDX] = 0x111;
    CHECK_EQ(XB_EXEC(b, 0xed), EXC_GP);
    CHECK_EQ(xb_frame(b, 1), XB_CODE);
    /* Beyond the TSS's limit. */
    xb_protected(b);
    xb_user(b);
    b->s->seg[TR].limit = 104 + 0x22;
    xb_store(b, XB_TSS + 102, 2, 104);
    b->s->gpr[RDX] = 0x110;
    CHECK_EQ(XB_EXEC(b, 0xec), EXC_GP);
    CHECK_EQ(xb_frame(b, 1), XB_CODE);
    /* IOPL 3 needs no bitmap. */
    xb_protected(b);
    xb_user(b);
    b->s->rflags |= FLAG_IOPL;
    CHECK_EQ(XB_EXEC(b, 0xec), EXC_GP);
    CHECK_EQ(xb_frame(b, 1), XB_CODE + 1);
    /* rep insb */
    xb_protected(b);
    b->s->gpr[RDX] = 0x120;
    b->s->gpr[RCX] = 3;
    b->s->gpr[RDI] = XB_DATA;
    CHECK_EQ(XB_EXEC(b, 0xf3, 0x6c), -1);
    CHECK_EQ(xb_load(b, XB_DATA, 4), 0x202020);
    CHECK_EQ(b->s->gpr[RCX], 0);
    xb_destroy(b);
}

/* ---- SMM, INIT, SIPI ---- */

static void system_management(void)
{
    struct x86_bare *b = xb_create(NULL);
    xb_long(b);
    /* At SMBASE + 8000h in 16-bit code: mov eax, 12345678h; mov [200000h], eax (32-bit address); rsm */
    XB_PUT(b, 0x38000, 0x66, 0xb8, 0x78, 0x56, 0x34, 0x12, 0x67, 0x66, 0xa3, 0x00, 0x00, 0x20, 0x00, 0x0f,
           0xaa);
    x86_64_ops.irq_set(b->vcpu, X86_LINE_SMI, true);
    b->s->gpr[RAX] = 0xaaaabbbbccccdddd;
    b->s->gpr[15] = 15;
    /* nop; hlt */
    CHECK_EQ(XB_EXEC(b, 0x90), -1);
    CHECK(!b->s->in_smm);
    CHECK_EQ(xb_load(b, XB_DATA, 4), 0x12345678);
    CHECK_EQ(b->s->gpr[RAX], 0xaaaabbbbccccdddd);
    CHECK_EQ(b->s->gpr[15], 15);
    CHECK_EQ(b->s->rip, XB_CODE + 2);
    CHECK(b->s->efer & EFER_LMA);
    CHECK_EQ(xb_load(b, 0x3fefc, 4), 0x20064);
    CHECK_EQ(xb_load(b, 0x3fff8, 8), 0xaaaabbbbccccdddd);
    /* RSM outside is invalid. */
    CHECK_EQ(XB_EXEC(b, 0x0f, 0xaa), EXC_UD);
    /* Moving SMBASE. */
    xb_long(b);
    /* mov dword [3ff00h], 50000h; rsm */
    XB_PUT(b, 0x38000, 0x66, 0x67, 0xc7, 0x05, 0x00, 0xff, 0x03, 0x00, 0x00, 0x00, 0x05, 0x00, 0x0f, 0xaa);
    x86_64_ops.irq_set(b->vcpu, X86_LINE_SMI, false);
    x86_64_ops.irq_set(b->vcpu, X86_LINE_SMI, true);
    CHECK_EQ(XB_EXEC(b, 0x90), -1);
    CHECK_EQ(b->s->smbase, 0x50000);
    xb_destroy(b);
}

#define SMRAM                                                                                                \
    ((uint64_t)0x20000000) /* guarded: 128 KiB of a block of their own, the handler and page tables */

/* In real-like mode at SMBASE: with page tables in SMRAM, load from SMRAM and store to it, and leave. */
static void smram_handler_put(uint8_t *smram)
{
    static const uint8_t handler[] = {
        0x66, 0xb8, 0x00, 0x00, 0x01, 0x20,                   /* mov eax, SMRAM + 10000h */
        0x0f, 0x22, 0xd8,                                     /* mov cr3, eax */
        0x66, 0xb8, 0x10, 0x00, 0x00, 0x00, 0x0f, 0x22, 0xe0, /* mov eax, CR4.PSE; mov cr4, eax */
        0x66, 0xb8, 0x01, 0x00, 0x00, 0x80, 0x0f, 0x22, 0xc0, /* mov eax, CR0.PG|PE; mov cr0, eax */
        0x67, 0x66, 0xa1, 0x00, 0x00, 0x10, 0x20,             /* mov eax, [20100000h] */
        0x67, 0x66, 0xa3, 0x04, 0x00, 0x20, 0x00,             /* mov [200004h], eax */
        0x67, 0x66, 0xc7, 0x05, 0x04, 0xf0, 0x10, 0x20, 0x11,
        0x22, 0x33, 0x44, /* mov [2010f004h], 44332211h */
        0x0f, 0xaa,       /* rsm */
    };
    memcpy(smram + 0x8000, handler, sizeof(handler));
    le32_store(smram + 0x10000, 0x83);                             /* 0 to itself, 4 MiB */
    le32_store(smram + 0x10000 + 4 * 128, (uint32_t)SMRAM | 0x83); /* 20000000h, where the handler is */
}

/* Its memory is there in system-management mode alone: for code, data, page tables and the state-save map. */
static void guarded_memory(void)
{
    struct x86_bare *b = xb_create(NULL);
    unsigned id;
    struct ram_block *block = ram_block_create(b->ram, "smram", 4 * MIB, NULL);
    uint8_t *smram = ram_block_host(block);
    CHECK(ram_map(b->ram, block, 0, gpa(SMRAM), 4 * MIB, RAM_GUARDED, &id));
    smram_handler_put(smram);
    le32_store(smram + 0x100000, 0xcafe);
    for (unsigned round = 0; round < 2; round++) {
        xb_long(b);
        b->s->smbase = (uint32_t)SMRAM;
        b->s->gpr[RBX] = SMRAM + 0x100000;
        x86_64_ops.irq_set(b->vcpu, X86_LINE_SMI, false);
        x86_64_ops.irq_set(b->vcpu, X86_LINE_SMI, true);
        /* nop; mov ecx, [rbx]: what is outside has no memory there, before and after */
        CHECK_EQ(XB_EXEC(b, 0x90, 0x8b, 0x0b), -1);
        CHECK_EQ(b->s->gpr[RCX], 0xffffffff);
        CHECK_EQ(xb_load(b, XB_DATA + 4, 4), 0xcafe);
        CHECK_EQ(le32_load(smram + 0x10f004), 0x44332211);
        CHECK_EQ(le32_load(smram + 0xfefc), 0x20064);
        xb_store(b, XB_DATA + 4, 4, 0);
    }
    /* Closed for data: its loads are what lies on the bus there, its code still runs. */
    ram_mapping_set_kind(b->ram, id, RAM_GUARDED_CODE);
    CHECK(ram_page_guarded(b->ram, gpa(SMRAM), true).host);
    CHECK(!ram_page_guarded(b->ram, gpa(SMRAM), false).host);
    CHECK(!ram_page_at(b->ram, gpa(SMRAM)).host);
    CHECK(!ram_at(b->ram, gpa(SMRAM), 4, RAM_READ));
    xb_destroy(b);
}

static void init_and_sipi(void)
{
    struct x86_bare *b = xb_create(NULL);
    x86_bootstrap_set(b->vcpu, false);
    x86_64_ops.reset(b->vcpu);
    CHECK_EQ(b->s->activity, ACTIVITY_WAIT_FOR_SIPI);
    b->vcpu->slice_end = UINT64_MAX;
    vcpu_run(b->vcpu, &b->exit);
    CHECK_EQ(b->exit.reason, EXIT_HALT);
    CHECK(!x86_64_ops.has_work(b->vcpu));
    x86_sipi_signal(b->vcpu, 0x12);
    CHECK(x86_64_ops.has_work(b->vcpu));
    XB_PUT(b, 0x12000, 0xb8, 0x01, 0x00, 0xf4);
    vcpu_run(b->vcpu, &b->exit);
    CHECK_EQ(b->exit.reason, EXIT_HALT);
    CHECK_EQ(b->s->seg[CS].base, 0x12000);
    CHECK_EQ(b->s->rip, 4);
    CHECK_EQ(b->s->gpr[RAX], 1);
    /* INIT again: waits, with MSRs kept; the second SIPI of the first start came when it was halted, and is
     * lost. */
    b->s->star = 77;
    x86_sipi_signal(b->vcpu, 0x12);
    CHECK(!x86_64_ops.has_work(b->vcpu));
    x86_init_signal(b->vcpu);
    vcpu_run(b->vcpu, &b->exit);
    CHECK_EQ(b->exit.reason, EXIT_HALT);
    CHECK_EQ(b->s->activity, ACTIVITY_WAIT_FOR_SIPI);
    CHECK_EQ(b->s->star, 77);
    CHECK_EQ(b->s->gpr[RDX], 0x306c3);
    /* A SIPI that comes before the INIT has been looked at follows it. */
    x86_init_signal(b->vcpu);
    x86_sipi_signal(b->vcpu, 0x12);
    vcpu_run(b->vcpu, &b->exit);
    CHECK_EQ(b->s->activity, ACTIVITY_HALTED);
    CHECK_EQ(b->s->gpr[RAX], 1);
    xb_destroy(b);
}

/* Power-on: the reset vector under 4 GiB, which no RAM is at here: all ones are read, which is no
 * instruction. */
static void power_on(void)
{
    struct x86_bare *b = xb_create(NULL);
    CHECK_EQ(b->s->seg[CS].base, 0xffff0000);
    CHECK_EQ(b->s->rip, 0xfff0);
    CHECK_EQ(b->s->cr0, 0x60000010);
    CHECK_EQ(b->s->rflags, 2);
    CHECK_EQ(b->s->dr[6], 0xffff0ff0);
    CHECK_EQ(b->s->dr[7], 0x400);
    xb_destroy(b);
}

static const struct test_case cases[] = {
    {"limits", limits},
    {"addresses", addresses},
    {"transfers", transfers},
    {"big_real", big_real},
    {"a20", a20},
    {"v86_frame", v86_frame},
    {"v86_sensitive", v86_sensitive},
    {"v86_extensions", v86_extensions},
    {"ports", ports},
    {"system_management", system_management},
    {"guarded_memory", guarded_memory},
    {"init_and_sipi", init_and_sipi},
    {"power_on", power_on},
};
TEST_SUITE(x86_real_test, "unit", cases);
