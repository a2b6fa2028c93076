/*
 * KVM on x86_64: small guests end the same under it and under the interpreter, the state goes there and back
 * unchanged, interrupts, device accesses, steps and breakpoints arrive, and a spinning guest is stopped.
 */
#include <string.h>

#include "accel/kvm/kvm.h"
#include "base/bits.h"
#include "host/clock.h"
#include "host/thread.h"
#include "tests/cpu/x86_64/x86_bare.h"

/* A processor under KVM; NULL: the test is skipped. */
static struct x86_bare *under_kvm(void)
{
    struct error err = {0};
    if (!kvm_engine.probe(&x86_64_ops, &err)) {
        SKIP("no KVM for x86_64 guests: %s", err.text);
        return NULL;
    }
    struct x86_bare *b = xb_create(NULL);
    b->vcpu->engine = &kvm_engine;
    if (kvm_engine.vcpu_init(b->vcpu, &err))
        return b;
    FAIL("%s", err.text);
    xb_destroy(b);
    return NULL;
}

static void done(struct x86_bare *b)
{
    if (b->vcpu->engine == &kvm_engine)
        kvm_engine.vcpu_fini(b->vcpu);
    xb_destroy(b);
}

typedef void mode_set(struct x86_bare *b);

static const struct {
    const char *name;
    mode_set *set;
} modes[] = {{"real mode", xb_real}, {"32-bit mode", xb_protected}, {"64-bit mode", xb_long}};

/* Everything an instruction can see of the two; not the clock, nor what says where KVM keeps things. */
static void same_state(const struct x86_state *a, const struct x86_state *b)
{
    CHECK_MEM(a->gpr, b->gpr, 16 * sizeof(a->gpr[0]));
    CHECK_EQ(a->rip, b->rip);
    CHECK_EQ(a->rflags, b->rflags);
    CHECK_EQ(a->cr0, b->cr0);
    CHECK_EQ(a->cr2, b->cr2);
    CHECK_EQ(a->cr3, b->cr3);
    CHECK_EQ(a->cr4, b->cr4);
    CHECK_EQ(a->efer, b->efer);
    for (unsigned n = ES; n <= GS; n++) {
        CHECK_EQ(a->seg[n].selector, b->seg[n].selector);
        CHECK_EQ(a->seg[n].base, b->seg[n].base);
    }
}

/* ---- the same under both engines ---- */

static void run_both(mode_set *set, const uint8_t *code, size_t len, uint64_t rip)
{
    struct x86_bare *k = under_kvm(), *i = k ? xb_create(NULL) : NULL;
    if (!k)
        return;
    struct x86_bare *both[] = {k, i};
    int vector[2];
    for (unsigned n = 0; n < 2; n++) {
        set(both[n]);
        xb_put(both[n], rip, code, len);
        both[n]->s->gpr[RBX] = 0x8800;
        vector[n] = xb_run(both[n], rip);
    }
    CHECK_EQ(vector[0], vector[1]);
    CHECK_EQ(k->exit.reason, EXIT_HALT);
    same_state(k->s, i->s);
    CHECK_MEM(k->memory + 0x8000, i->memory + 0x8000, 0x2000);
    done(k);
    done(i);
}

/* Works in all modes: a loop of sums, a call, what is pushed, an exchange with memory. */
static const uint8_t sums[] = {
    0x31, 0xc0,       /* xor ax, ax */
    0x31, 0xc9,       /* xor cx, cx */
    0x01, 0xc8,       /* 1: add ax, cx */
    0xd1, 0xc0,       /* rol ax, 1 */
    0x80, 0xc1, 0x01, /* add cl, 1 */
    0x75, 0xf7,       /* jnz 1b */
    0x50,             /* push ax */
    0x5a,             /* pop dx */
    0x87, 0x07,       /* xchg [bx], ax */
    0xf4,
};

static void test_same_result(void)
{
    for (size_t n = 0; n < ARRAY_LEN(modes); n++) {
        test_context("%s", modes[n].name);
        run_both(modes[n].set, sums, sizeof(sums), 0x7000);
    }
}

/* A division by zero ends in the handler of vector 0, with the same frame. */
static void test_exception(void)
{
    static const uint8_t code[] = {0x31, 0xc9, 0xf7, 0xf1, 0xf4}; /* xor cx, cx; div cx */
    for (size_t n = 0; n < ARRAY_LEN(modes); n++) {
        test_context("%s", modes[n].name);
        run_both(modes[n].set, code, sizeof(code), 0x7000);
    }
}

static void test_sse(void)
{
    /* movq xmm0, rax; paddq xmm0, xmm0; movq rdx, xmm0; fld1; fldpi; faddp; fistp qword [rbx] */
    static const uint8_t code[] = {0x48, 0xb8, 1,    2,    3,    4,    5,    6,    7,    8,    0x66, 0x48, 0x0f, 0x6e,
                                   0xc0, 0x66, 0x0f, 0xd4, 0xc0, 0x66, 0x48, 0x0f, 0x7e, 0xc2, 0xd9, 0xe8, 0xd9, 0xeb,
                                   0xde, 0xc1, 0xdf, 0x3b, 0xf4};
    run_both(xb_long, code, sizeof(code), 0x7000);
}

/* ---- the state there and back ---- */

static void state_fill(struct x86_bare *b)
{
    struct x86_state *s = b->s;
    for (unsigned n = 0; n < 16; n++) {
        if (n != RSP)
            s->gpr[n] = test_random();
        s->vector[n].q[0] = test_random();
        s->vector[n].q[1] = test_random();
    }
    for (unsigned n = 0; n < 8; n++)
        s->st[n] = (struct x86_st){.mant = test_random() | BIT(63), .se = (uint16_t)(0x3f00 + n)};
    s->fcw = 0x27f;
    s->fsw = 0x1800; /* TOP is 3 */
    s->ftw = 0;
    s->mxcsr = 0x1fa0;
    s->star = 0x0023001000000000;
    s->lstar = 0x123456789000;
    s->sfmask = 0x47700;
    s->kernel_gs_base = 0x7654321000;
    s->sysenter_cs = 8;
    s->sysenter_esp = 0x9000;
    s->sysenter_eip = 0x7000;
    s->pat = 0x0007010600070106;
    s->cr2 = 0x1234567890;
    s->seg[FS].base = 0x11223344550;
    s->seg[GS].base = 0x66778899aa0;
    s->rflags = FLAG_ONE | FLAG_CF | FLAG_SF | FLAG_OF | FLAG_DF;
}

/* A HLT, before which the whole state goes in, and after which all of it comes out. */
static void test_round_trip(void)
{
    struct x86_bare *b = under_kvm();
    if (!b)
        return;
    xb_long(b);
    state_fill(b);
    struct x86_state before = *b->s;
    XB_PUT(b, XB_CODE, 0xf4);
    CHECK_EQ(xb_run(b, XB_CODE), -1);
    CHECK_EQ(b->s->activity, ACTIVITY_HALTED);
    before.rip = XB_CODE + 1;
    same_state(b->s, &before);
    CHECK_EQ(b->s->fcw, before.fcw);
    CHECK_EQ(b->s->fsw, before.fsw);
    CHECK_EQ(b->s->ftw, before.ftw);
    CHECK_EQ(b->s->mxcsr, before.mxcsr);
    for (unsigned n = 0; n < 8; n++) {
        CHECK_EQ(b->s->st[n].mant, before.st[n].mant);
        CHECK_EQ(b->s->st[n].se, before.st[n].se);
    }
    for (unsigned n = 0; n < 16; n++)
        CHECK_MEM(&b->s->vector[n], &before.vector[n], 16);
    for (unsigned n = 0; n < X86_SEGMENTS; n++) {
        test_context("segment %u", n);
        CHECK_EQ(b->s->seg[n].base, before.seg[n].base);
        CHECK_EQ(b->s->seg[n].limit, before.seg[n].limit);
        CHECK_EQ(b->s->seg[n].attributes, before.seg[n].attributes);
    }
    test_context(NULL);
    CHECK_EQ(b->s->gdtr.base, before.gdtr.base);
    CHECK_EQ(b->s->idtr.limit, before.idtr.limit);
    CHECK_EQ(b->s->cpl, before.cpl);
    CHECK_EQ(b->s->star, before.star);
    CHECK_EQ(b->s->lstar, before.lstar);
    CHECK_EQ(b->s->sfmask, before.sfmask);
    CHECK_EQ(b->s->kernel_gs_base, before.kernel_gs_base);
    CHECK_EQ(b->s->sysenter_esp, before.sysenter_esp);
    CHECK_EQ(b->s->sysenter_eip, before.sysenter_eip);
    CHECK_EQ(b->s->pat, before.pat);
    done(b);
}

/* One engine goes on where the other stopped. */
static void test_change_of_engine(void)
{
    struct x86_bare *b = under_kvm();
    if (!b)
        return;
    xb_long(b);
    /* add rax, rcx; hlt; add rax, rcx; hlt */
    XB_PUT(b, XB_CODE, 0x48, 0x01, 0xc8, 0xf4, 0x48, 0x01, 0xc8, 0xf4);
    b->s->gpr[RAX] = 1;
    b->s->gpr[RCX] = 0x1000000000;
    xb_run(b, XB_CODE);
    kvm_engine.vcpu_fini(b->vcpu);
    b->vcpu->engine = &interpreter_engine;
    xb_run(b, b->s->rip);
    CHECK_EQ(b->s->gpr[RAX], 0x2000000001);
    done(b);
}

/* ---- devices ---- */

static void test_ports(void)
{
    struct x86_bare *b = under_kvm();
    if (!b)
        return;
    xb_protected(b);
    XB_PUT(b, XB_CODE, 0x66, 0xba, 0x10, 0x01, 0xec, 0x88, 0xc3); /* mov dx, 110h; in al, dx; mov bl, al */
    XB_PUT(b, XB_CODE + 7, 0x66, 0xed, 0x66, 0x89, 0xc1);         /* in ax, dx; mov cx, ax */
    XB_PUT(b, XB_CODE + 12, 0xed, 0x89, 0xc6);                    /* in eax, dx; mov esi, eax */
    XB_PUT(b, XB_CODE + 15, 0xb8, 4, 3, 2, 1, 0xef, 0xf4);        /* mov eax, 1020304h; out dx, eax; hlt */
    b->s->gpr[RBX] = b->s->gpr[RCX] = 0;
    CHECK_EQ(xb_run(b, XB_CODE), -1);
    CHECK_EQ(b->s->gpr[RBX], 0x10);
    CHECK_EQ(b->s->gpr[RCX], 0x0010);
    CHECK_EQ(b->s->gpr[RSI], 0xa5a50010);
    CHECK_EQ(b->port_stored, 0x01020304);
    CHECK_EQ(b->port_at, 0x10);
    done(b);
}

/* rep insb and rep outsb: the kernel may give many bytes in one exit. */
static void test_string_ports(void)
{
    struct x86_bare *b = under_kvm();
    if (!b)
        return;
    xb_protected(b);
    b->s->gpr[RDX] = 0x120;
    b->s->gpr[RCX] = 8;
    b->s->gpr[RDI] = XB_DATA;
    b->s->gpr[RSI] = XB_DATA + 0x100;
    XB_PUT(b, XB_DATA + 0x100, 1, 2, 3, 4, 5, 6, 7, 0x99);
    XB_PUT(b, XB_CODE, 0xf3, 0x6c, 0xb9, 8, 0, 0, 0, 0xf3, 0x6e, 0xf4); /* rep insb; mov ecx, 8; rep outsb */
    CHECK_EQ(xb_run(b, XB_CODE), -1);
    CHECK_EQ(xb_load(b, XB_DATA, 8), 0x2020202020202020);
    CHECK_EQ(b->port_stored, 0x99);
    CHECK_EQ(b->s->gpr[RDI], XB_DATA + 8);
    CHECK_EQ(b->s->gpr[RSI], XB_DATA + 0x108);
    done(b);
}

static void test_registers_of_devices(void)
{
    struct x86_bare *b = under_kvm();
    if (!b)
        return;
    xb_long(b);
    xb_store(b, XB_PAGES + 8, 8, 0);
    /* The device is above the first GiB: map the last one below 4 GiB. */
    xb_store(b, XB_PAGES + 0x1000 + 24, 8, (XB_PAGES + 0x3000) | 7);
    for (uint64_t n = 0; n < 512; n++)
        xb_store(b, XB_PAGES + 0x3000 + 8 * n, 8, (0xc0000000 + (n << 21)) | 0x87);
    b->s->gpr[RBX] = XB_DEVICE;
    XB_PUT(b, XB_CODE, 0x48, 0x8b, 0x4b, 0x08, 0x0f, 0xb6, 0x53, 0x03); /* mov rcx, [rbx+8]; movzx edx, byte [rbx+3] */
    XB_PUT(b, XB_CODE + 8, 0x0f, 0xb7, 0x73, 0x04, 0x8b, 0x7b, 0x10);   /* movzx esi, word [rbx+4]; mov edi, [rbx+16] */
    XB_PUT(b, XB_CODE + 15, 0x48, 0x89, 0x4b, 0x20, 0xf4);              /* mov [rbx+32], rcx; hlt */
    CHECK_EQ(xb_run(b, XB_CODE), -1);
    CHECK_EQ(b->s->gpr[RCX], 0x1122334455667708);
    CHECK_EQ(b->s->gpr[RDX], 0x03);
    CHECK_EQ(b->s->gpr[RSI], 0x7704);
    CHECK_EQ(b->s->gpr[RDI], 0x55667710);
    CHECK_EQ(b->stored, 0x1122334455667708);
    CHECK_EQ(b->stored_at, 0x20);
    done(b);
}

/* ---- memory ---- */

/* A page turns read-only, then away, then back; and another part of the block is shown. */
static void test_changes_of_the_map(void)
{
    struct x86_bare *b = under_kvm();
    struct error err;
    unsigned id;
    if (!b)
        return;
    struct ram_block *rom = ram_block_create(b->ram, "rom", 0x2000, &err);
    uint64_t at = XB_RAM_SIZE;
    xb_protected(b);
    ram_block_host(rom)[0] = 0x11;
    ram_block_host(rom)[0x1000] = 0x22;
    CHECK(ram_map(b->ram, rom, 0, gpa(at), 0x1000, RAM_MAPPED, &id));
    b->s->gpr[RBX] = at;
    b->s->gpr[RAX] = 0;
    XB_PUT(b, XB_CODE, 0x8a, 0x03, 0xc6, 0x03, 0x33, 0xf4); /* mov al, [ebx]; mov byte [ebx], 33h; hlt */
    xb_run(b, XB_CODE);
    CHECK_EQ(b->s->gpr[RAX], 0x11);
    CHECK_EQ(ram_block_host(rom)[0], 0x33);
    ram_mapping_set_kind(b->ram, id, RAM_READONLY);
    ram_block_host(rom)[0] = 0x44;
    xb_run(b, XB_CODE);
    CHECK_EQ(b->s->gpr[RAX], 0x44);
    CHECK_EQ(ram_block_host(rom)[0], 0x44);
    ram_mapping_set_kind(b->ram, id, RAM_HIDDEN);
    xb_run(b, XB_CODE);
    CHECK_EQ(b->s->gpr[RAX], 0xff);
    ram_unmap(b->ram, id);
    CHECK(ram_map(b->ram, rom, 0x1000, gpa(at), 0x1000, RAM_MAPPED, &id));
    xb_run(b, XB_CODE);
    CHECK_EQ(b->s->gpr[RAX], 0x22);
    CHECK_EQ(ram_block_host(rom)[0x1000], 0x33);
    done(b);
}

static void test_dirty_pages(void)
{
    struct x86_bare *b = under_kvm();
    uint64_t bits[XB_RAM_SIZE / PAGE_SIZE / 64];
    if (!b)
        return;
    xb_protected(b);
    XB_PUT(b, XB_CODE, 0xc6, 0x03, 0x33, 0xf4); /* mov byte [ebx], 33h; hlt */
    b->s->gpr[RBX] = XB_DATA;
    xb_run(b, XB_CODE);
    ram_dirty_track(b->ram, b->block, RAM_DIRTY_DISPLAY, true);
    b->s->gpr[RBX] = XB_DATA + 0x5000;
    xb_run(b, XB_CODE);
    CHECK(ram_dirty_harvest(b->ram, b->block, RAM_DIRTY_DISPLAY, XB_DATA, 0x10000, bits));
    CHECK_EQ(bits[0], 1u << 5);
    CHECK(!ram_dirty_harvest(b->ram, b->block, RAM_DIRTY_DISPLAY, XB_DATA, 0x10000, bits));
    b->s->gpr[RBX] = XB_DATA + 0x7000;
    xb_run(b, XB_CODE);
    CHECK(ram_dirty_harvest(b->ram, b->block, RAM_DIRTY_DISPLAY, XB_DATA, 0x10000, bits));
    CHECK_EQ(bits[0], 1u << 7);
    done(b);
}

/* ---- interrupts ---- */

static void test_interrupt(void)
{
    for (size_t n = 0; n < ARRAY_LEN(modes); n++) {
        struct x86_bare *b = under_kvm();
        if (!b)
            return;
        test_context("%s", modes[n].name);
        modes[n].set(b);
        XB_PUT(b, 0x7000, 0x90, 0xfb, 0x90, 0xeb, 0xfe); /* nop; sti; nop; jmp $ */
        b->interrupt = 0x41;
        x86_64_ops.irq_set(b->vcpu, X86_LINE_INTR, true);
        CHECK_EQ(xb_run(b, 0x7000), 0x41);
        CHECK_EQ(b->interrupt, -1);
        done(b);
    }
}

/* The interrupt that ends a HLT, and an NMI while interrupts are off. */
static void test_wake(void)
{
    struct x86_bare *b = under_kvm();
    if (!b)
        return;
    xb_long(b);
    XB_PUT(b, XB_CODE, 0xfb, 0xf4, 0x90, 0xf4); /* sti; hlt */
    CHECK_EQ(xb_run(b, XB_CODE), -1);
    CHECK_EQ(b->s->rip, XB_CODE + 2);
    CHECK(b->vcpu->halted);
    CHECK(!x86_64_ops.has_work(b->vcpu));
    b->interrupt = 0x55;
    x86_64_ops.irq_set(b->vcpu, X86_LINE_INTR, true);
    CHECK(x86_64_ops.has_work(b->vcpu));
    vcpu_run(b->vcpu, &b->exit);
    CHECK_EQ(b->exit.reason, EXIT_HALT);
    CHECK_EQ(b->s->rip, XB_HANDLERS + 16 * 0x55 + 1);
    CHECK_EQ(xb_frame(b, 0), XB_CODE + 2);
    b->s->rflags &= ~FLAG_IF;
    x86_64_ops.irq_set(b->vcpu, X86_LINE_NMI, true);
    XB_PUT(b, XB_CODE, 0xeb, 0xfe);
    CHECK_EQ(xb_run(b, XB_CODE), 2);
    CHECK(b->s->nmi_blocked);
    done(b);
}

static void test_init_and_sipi(void)
{
    struct x86_bare *b = under_kvm();
    if (!b)
        return;
    x86_bootstrap_set(b->vcpu, false);
    x86_64_ops.reset(b->vcpu);
    vcpu_run(b->vcpu, &b->exit);
    CHECK_EQ(b->exit.reason, EXIT_HALT);
    XB_PUT(b, 0x7000, 0xb8, 0x34, 0x12, 0xf4); /* mov ax, 1234h; hlt */
    x86_init_signal(b->vcpu);
    x86_sipi_signal(b->vcpu, 7);
    vcpu_run(b->vcpu, &b->exit);
    CHECK_EQ(b->exit.reason, EXIT_HALT);
    CHECK_EQ(b->s->gpr[RAX] & 0xffff, 0x1234);
    CHECK_EQ(b->s->seg[CS].selector, 0x700);
    done(b);
}

static void test_triple_fault(void)
{
    struct x86_bare *b = under_kvm();
    if (!b)
        return;
    xb_protected(b);
    b->s->idtr.limit = 0;
    XB_PUT(b, XB_CODE, 0x0f, 0x0b); /* ud2 */
    CHECK_EQ(xb_run(b, XB_CODE), -2);
    CHECK_EQ(b->exit.reason, EXIT_SHUTDOWN);
    CHECK_EQ(b->s->activity, ACTIVITY_SHUTDOWN);
    done(b);
}

/* ---- debugging ---- */

static void test_step(void)
{
    struct x86_bare *b = under_kvm();
    if (!b)
        return;
    xb_long(b);
    XB_PUT(b, XB_CODE, 0x48, 0xff, 0xc0, 0x48, 0xff, 0xc0, 0xf4); /* inc rax; inc rax; hlt */
    b->s->rip = XB_CODE;
    b->s->gpr[RAX] = 0;
    b->vcpu->single_step = true;
    for (unsigned n = 1; n <= 2; n++) {
        vcpu_run(b->vcpu, &b->exit);
        CHECK_EQ(b->exit.reason, EXIT_DEBUG);
        CHECK_EQ(b->s->rip, XB_CODE + 3 * n);
        CHECK_EQ(b->s->gpr[RAX], n);
        CHECK_EQ(b->s->rflags & FLAG_TF, 0);
    }
    b->vcpu->single_step = false;
    vcpu_run(b->vcpu, &b->exit);
    CHECK_EQ(b->exit.reason, EXIT_HALT);
    done(b);
}

static void point_add(struct x86_bare *b, uint64_t address, uint64_t len, enum walk_access access)
{
    b->debug.points[b->debug.count].address = address;
    b->debug.points[b->debug.count].len = len;
    b->debug.points[b->debug.count++].access = access;
    b->debug.any_break |= access == WALK_FETCH;
    b->debug.any_watch |= access != WALK_FETCH;
}

/* Four fit into the debug registers; with more, or a watchpoint, the interpreter does it. */
static void breakpoints_checked(unsigned more)
{
    struct x86_bare *b = under_kvm();
    if (!b)
        return;
    xb_long(b);
    XB_PUT(b, XB_CODE, 0x90, 0x48, 0xff, 0xc0, 0x48, 0xff, 0xc0, 0xf4); /* nop; inc rax; inc rax; hlt */
    b->s->gpr[RAX] = 0;
    for (unsigned n = 0; n < more; n++)
        point_add(b, XB_DATA + n, 1, WALK_FETCH);
    point_add(b, XB_CODE + 1, 1, WALK_FETCH);
    point_add(b, XB_CODE + 4, 1, WALK_FETCH);
    xb_run(b, XB_CODE);
    for (unsigned n = 0; n < 2; n++) {
        CHECK_EQ(b->exit.reason, EXIT_DEBUG);
        CHECK(!b->exit.debug.watchpoint);
        CHECK_EQ(b->exit.debug.address, XB_CODE + 1 + 3 * n);
        CHECK_EQ(b->s->rip, XB_CODE + 1 + 3 * n);
        CHECK_EQ(b->s->gpr[RAX], n);
        vcpu_run(b->vcpu, &b->exit);
    }
    CHECK_EQ(b->exit.reason, EXIT_HALT);
    CHECK_EQ(b->s->gpr[RAX], 2);
    done(b);
}

static void test_breakpoints(void)
{
    breakpoints_checked(0);
}

static void test_many_breakpoints(void)
{
    breakpoints_checked(5);
}

static void test_watchpoint(void)
{
    struct x86_bare *b = under_kvm();
    if (!b)
        return;
    xb_long(b);
    b->s->gpr[RBX] = XB_DATA;
    XB_PUT(b, XB_CODE, 0x8a, 0x03, 0x88, 0x03, 0xf4); /* mov al, [rbx]; mov [rbx], al; hlt */
    point_add(b, XB_DATA, 8, WALK_WRITE);
    xb_run(b, XB_CODE);
    CHECK_EQ(b->exit.reason, EXIT_DEBUG);
    CHECK(b->exit.debug.watchpoint);
    CHECK_EQ(b->exit.debug.access, WALK_WRITE);
    CHECK_EQ(b->s->rip, XB_CODE + 2);
    vcpu_run(b->vcpu, &b->exit);
    CHECK_EQ(b->exit.reason, EXIT_HALT);
    done(b);
}

/* ---- asking for attention ---- */

struct kicker {
    struct vcpu *vcpu;
    const uint8_t *spinning;
    uint64_t asked;
    bool work_done;
};

static void work(struct vcpu *vcpu, void *arg)
{
    struct kicker *k = arg;
    (void)vcpu;
    k->work_done = true;
}

static void *kick_it(void *opaque)
{
    struct kicker *k = opaque;
    while (!__atomic_load_n(k->spinning, __ATOMIC_SEQ_CST))
        host_thread_yield();
    vcpu_call(k->vcpu, NULL, work, k, true);
    k->asked = host_clock_ns();
    __atomic_store_n(&k->vcpu->stop, 1, __ATOMIC_SEQ_CST);
    vcpu_kick(k->vcpu);
    return NULL;
}

#define PROMPT_NS 1000000000u /* of a busy machine */

static void test_kick(void)
{
    struct x86_bare *b = under_kvm();
    struct host_thread thread;
    struct error err;
    if (!b)
        return;
    struct kicker k = {.vcpu = b->vcpu, .spinning = b->memory + XB_DATA};
    xb_long(b);
    b->s->gpr[RBX] = XB_DATA;
    XB_PUT(b, XB_CODE, 0xc6, 0x03, 0x01, 0xeb, 0xfe); /* mov byte [rbx], 1; jmp $ */
    if (!CHECK(host_thread_create(&thread, "kicker", kick_it, &k, &err)))
        return;
    xb_run(b, XB_CODE);
    uint64_t now = host_clock_ns();
    host_thread_join(&thread);
    CHECK_EQ(b->exit.reason, EXIT_KICKED);
    CHECK_EQ(b->s->rip, XB_CODE + 3);
    CHECK(k.work_done);
    CHECK(now - k.asked < PROMPT_NS);
    done(b);
}

static const struct test_case cases[] = {
    {"same_result", test_same_result},
    {"exception", test_exception},
    {"sse", test_sse},
    {"round_trip", test_round_trip},
    {"change_of_engine", test_change_of_engine},
    {"ports", test_ports},
    {"string_ports", test_string_ports},
    {"registers_of_devices", test_registers_of_devices},
    {"changes_of_the_map", test_changes_of_the_map},
    {"dirty_pages", test_dirty_pages},
    {"interrupt", test_interrupt},
    {"wake", test_wake},
    {"init_and_sipi", test_init_and_sipi},
    {"triple_fault", test_triple_fault},
    {"step", test_step},
    {"breakpoints", test_breakpoints},
    {"many_breakpoints", test_many_breakpoints},
    {"watchpoint", test_watchpoint},
    {"kick", test_kick},
};

TEST_SUITE(kvm_x86_64_test, "unit", cases);
