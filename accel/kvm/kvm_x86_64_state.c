/*
 * The x86-64 state between our struct and KVM. What was given or taken last is remembered, and only what differs
 * from it is given again: a core that slept and was woken by an interrupt has a few registers changed.
 *
 * An event that KVM had accepted and not delivered when the guest was left has no place in the struct: it is
 * delivered by the core's own code, and the struct is as it is at the handler's first instruction.
 */
#include <stdlib.h>
#include <string.h>

#include "accel/kvm/kvm_x86_64.h"
#include "base/bits.h"
#include "cpu/x86_64/control.h"
#include "cpu/x86_64/flags.h"
#include "cpu/x86_64/mmu.h"
#include "cpu/x86_64/run.h"
#include "cpu/x86_64/xstate.h"

/* ---- general registers ---- */

/* KVM's order of gpr[]. */
static __u64 *gpr_of(struct kvm_regs *r, unsigned n)
{
    __u64 *const places[16] = {&r->rax, &r->rcx, &r->rdx, &r->rbx, &r->rsp, &r->rbp, &r->rsi, &r->rdi,
                               &r->r8,  &r->r9,  &r->r10, &r->r11, &r->r12, &r->r13, &r->r14, &r->r15};
    return places[n];
}

static int regs_load(struct kvm_vcpu *kv, const struct x86_state *s)
{
    struct kvm_regs regs = {.rip = s->rip, .rflags = s->rflags};
    for (unsigned n = 0; n < 16; n++)
        *gpr_of(&regs, n) = s->gpr[n];
    return host_kvm_ioctl(kv->fd, KVM_SET_REGS, &regs);
}

static int regs_save(struct kvm_vcpu *kv, struct x86_state *s)
{
    struct kvm_regs regs;
    int result = host_kvm_ioctl(kv->fd, KVM_GET_REGS, &regs);
    for (unsigned n = 0; n < 16; n++)
        s->gpr[n] = *gpr_of(&regs, n);
    s->rip = regs.rip;
    s->rflags = (regs.rflags & FLAGS_ALL) | FLAG_ONE;
    return result;
}

/* ---- segments and control registers ---- */

static struct kvm_segment *segment_of(struct kvm_sregs *sregs, unsigned n)
{
    struct kvm_segment *const places[X86_SEGMENTS] = {
        [ES] = &sregs->es, [CS] = &sregs->cs, [SS] = &sregs->ss,    [DS] = &sregs->ds,
        [FS] = &sregs->fs, [GS] = &sregs->gs, [LDTR] = &sregs->ldt, [TR] = &sregs->tr};
    return places[n];
}

static struct kvm_segment segment_given(const struct x86_segment *s)
{
    uint16_t a = s->attributes;
    return (struct kvm_segment){.base = s->base,
                                .limit = s->limit,
                                .selector = s->selector,
                                .type = a & 15,
                                .s = a >> 4 & 1,
                                .dpl = a >> 5 & 3,
                                .present = a >> 7 & 1,
                                .avl = a >> 12 & 1,
                                .l = a >> 13 & 1,
                                .db = a >> 14 & 1,
                                .g = a >> 15 & 1,
                                .unusable = !(a & SEG_P)};
}

static struct x86_segment segment_taken(const struct kvm_segment *s)
{
    unsigned a = s->type | s->s << 4 | s->dpl << 5 | s->present << 7 | s->avl << 12 | s->l << 13 | s->db << 14 |
                 (unsigned)s->g << 15;
    return (struct x86_segment){.base = s->base,
                                .limit = s->limit,
                                .selector = s->selector,
                                .attributes = s->unusable ? 0 : (uint16_t)a};
}

static int sregs_load(struct kvm_vcpu *kv, const struct x86_state *s)
{
    struct kvm_x86 *kx = kvm_x86_of(kv);
    struct kvm_sregs sregs = {.cr0 = s->cr0, .cr2 = s->cr2, .cr3 = s->cr3, .cr4 = s->cr4, .efer = s->efer};
    for (unsigned n = 0; n < X86_SEGMENTS; n++)
        *segment_of(&sregs, n) = segment_given(&s->seg[n]);
    sregs.ss.dpl = s->cpl; /* where KVM has the privilege level */
    sregs.gdt = (struct kvm_dtable){.base = s->gdtr.base, .limit = s->gdtr.limit};
    sregs.idt = (struct kvm_dtable){.base = s->idtr.base, .limit = s->idtr.limit};
    sregs.cr8 = kx->cr8;
    sregs.apic_base = kx->apic_base;
    return host_kvm_ioctl(kv->fd, KVM_SET_SREGS, &sregs);
}

static int sregs_save(struct kvm_vcpu *kv, struct x86_state *s)
{
    struct kvm_sregs sregs;
    int result = host_kvm_ioctl(kv->fd, KVM_GET_SREGS, &sregs);
    if (result < 0)
        return result;
    for (unsigned n = 0; n < X86_SEGMENTS; n++)
        s->seg[n] = segment_taken(segment_of(&sregs, n));
    s->gdtr = (struct x86_table){.base = sregs.gdt.base, .limit = sregs.gdt.limit};
    s->idtr = (struct x86_table){.base = sregs.idt.base, .limit = sregs.idt.limit};
    s->cr0 = sregs.cr0 | CR0_ET;
    s->cr2 = sregs.cr2;
    s->cr3 = sregs.cr3;
    s->cr4 = sregs.cr4;
    s->efer = sregs.efer;
    s->cpl = s->rflags & FLAG_VM ? 3 : s->cr0 & CR0_PE ? sregs.ss.dpl & 3 : 0;
    return result;
}

/* ---- x87 and vectors: the FXSAVE image with its 64-bit pointers, and the XSAVE area behind it ---- */

#define AREA_SIZE 4096

static void area_fill(struct kvm_vcpu *kv, const struct x86_state *s, uint8_t *area)
{
    uint32_t pkru = kvm_x86_vm_of(kv)->pkru_offset;
    uint64_t components = XCR0_X87 | XCR0_SSE | x86_xcr0_valid(kvm_x86_of(kv)->core);
    le16_store(area, s->fcw);
    le16_store(area + 2, s->fsw);
    area[4] = x86_ftw_abridge(s->ftw);
    le16_store(area + 6, s->fop);
    le64_store(area + 8, s->fip);
    le64_store(area + 16, s->fdp);
    le32_store(area + 24, s->mxcsr);
    for (unsigned n = 0; n < 8; n++) { /* by place on the stack */
        const struct x86_st *st = &s->st[(n + (s->fsw >> 11)) & 7];
        le64_store(area + 32 + 16 * n, st->mant);
        le16_store(area + 40 + 16 * n, st->se);
    }
    for (unsigned n = 0; n < 16; n++) {
        memcpy(area + 160 + 16 * n, s->vector[n].q, 16);
        if (components & XCR0_AVX)
            memcpy(area + XSAVE_AVX_OFFSET + 16 * n, &s->vector[n].q[2], 16);
    }
    if (components & XCR0_PKRU && pkru)
        le32_store(area + pkru, s->pkru);
    le64_store(area + XSAVE_HEADER, components);
}

static int area_load(struct kvm_vcpu *kv, const struct x86_state *s)
{
    struct kvm_xsave xsave = {{0}};
    _Static_assert(sizeof(xsave.region) == AREA_SIZE, "the area that these calls know");
    area_fill(kv, s, (uint8_t *)xsave.region);
    return host_kvm_ioctl(kv->fd, KVM_SET_XSAVE, &xsave);
}

static void x87_take(struct x86_core *c, const uint8_t *area)
{
    struct x86_state *s = &c->s;
    s->fcw = le16_load(area);
    s->fsw = le16_load(area + 2);
    s->fop = le16_load(area + 6);
    s->fip = le64_load(area + 8);
    s->fdp = le64_load(area + 16);
    for (unsigned n = 0; n < 8; n++) {
        struct x86_st *st = &s->st[(n + (s->fsw >> 11)) & 7];
        st->mant = le64_load(area + 32 + 16 * n);
        st->se = le16_load(area + 40 + 16 * n);
    }
    s->ftw = x86_ftw_expand(c, area[4]);
}

/* A component that is not in the header's bitmap is in its initial state. */
static int area_save(struct kvm_vcpu *kv, struct x86_state *s)
{
    struct x86_core *c = kvm_x86_of(kv)->core;
    uint32_t pkru = kvm_x86_vm_of(kv)->pkru_offset;
    struct kvm_xsave xsave;
    int result = host_kvm_ioctl(kv->fd, KVM_GET_XSAVE, &xsave);
    if (result < 0)
        return result;
    const uint8_t *area = (const uint8_t *)xsave.region;
    uint64_t components = le64_load(area + XSAVE_HEADER);
    if (components & XCR0_X87) {
        x87_take(c, area);
    } else {
        memset(s->st, 0, sizeof(s->st));
        x86_x87_reset(s);
    }
    for (unsigned n = 0; n < 16; n++) {
        memset(&s->vector[n], 0, sizeof(s->vector[n]));
        if (components & XCR0_SSE)
            memcpy(s->vector[n].q, area + 160 + 16 * n, 16);
        if (components & XCR0_AVX)
            memcpy(&s->vector[n].q[2], area + XSAVE_AVX_OFFSET + 16 * n, 16);
    }
    s->mxcsr = le32_load(area + 24) & MXCSR_MASK;
    s->pkru = components & XCR0_PKRU && pkru ? le32_load(area + pkru) : 0;
    return result;
}

static int xcr0_load(struct kvm_vcpu *kv, const struct x86_state *s)
{
    struct kvm_xcrs xcrs = {.nr_xcrs = 1, .xcrs[0] = {.xcr = 0, .value = s->xcr0}};
    return x86_has(kvm_x86_of(kv)->core, FEAT_XSAVE) ? host_kvm_ioctl(kv->fd, KVM_SET_XCRS, &xcrs) : 0;
}

static int xcr0_save(struct kvm_vcpu *kv, struct x86_state *s)
{
    struct kvm_xcrs xcrs;
    if (!x86_has(kvm_x86_of(kv)->core, FEAT_XSAVE))
        return 0;
    int result = host_kvm_ioctl(kv->fd, KVM_GET_XCRS, &xcrs);
    if (result >= 0 && xcrs.nr_xcrs)
        s->xcr0 = xcrs.xcrs[0].value;
    return result;
}

/* ---- MSRs ---- */

struct msr_place {
    uint32_t number;
    uint16_t offset, width;
};

#define MSR(n, field)                                                                                        \
    {                                                                                                        \
        n, offsetof(struct x86_state, field), sizeof(((struct x86_state *)0)->field)                         \
    }
#define MSR_TSC 0x10
#define MTRR(n) MSR(0x200 + 2 * (n), mtrr_base[n]), MSR(0x201 + 2 * (n), mtrr_mask[n])
#define BANK(n)                                                                                              \
    MSR(0x400 + 4 * (n), mc_ctl[n]), MSR(0x401 + 4 * (n), mc_status[n]), MSR(0x402 + 4 * (n), mc_addr[n]),   \
        MSR(0x403 + 4 * (n), mc_misc[n])

/* Those that other parts of KVM's state hold (EFER, the bases of FS and GS) are not here. */
static const struct msr_place msr_table[] = {
    MSR(MSR_TSC, tsc_offset),
    MSR(0x03b, tsc_adjust),
    MSR(0x048, spec_ctrl),
    MSR(0x174, sysenter_cs),
    MSR(0x175, sysenter_esp),
    MSR(0x176, sysenter_eip),
    MSR(0x17a, mcg_status),
    MSR(0x17b, mcg_ctl),
    MSR(0x1a0, misc_enable),
    MSR(0x1d9, debugctl),
    MTRR(0),
    MTRR(1),
    MTRR(2),
    MTRR(3),
    MTRR(4),
    MTRR(5),
    MTRR(6),
    MTRR(7),
    MSR(0x250, mtrr_fixed[0]),
    MSR(0x258, mtrr_fixed[1]),
    MSR(0x259, mtrr_fixed[2]),
    MSR(0x268, mtrr_fixed[3]),
    MSR(0x269, mtrr_fixed[4]),
    MSR(0x26a, mtrr_fixed[5]),
    MSR(0x26b, mtrr_fixed[6]),
    MSR(0x26c, mtrr_fixed[7]),
    MSR(0x26d, mtrr_fixed[8]),
    MSR(0x26e, mtrr_fixed[9]),
    MSR(0x26f, mtrr_fixed[10]),
    MSR(0x277, pat),
    MSR(0x2ff, mtrr_def_type),
    BANK(0),
    BANK(1),
    BANK(2),
    BANK(3),
    BANK(4),
    BANK(5),
    BANK(6),
    BANK(7),
    BANK(8),
    BANK(9),
    MSR(0xda0, xss),
    MSR(0xc0000081, star),
    MSR(0xc0000082, lstar),
    MSR(0xc0000083, cstar),
    MSR(0xc0000084, sfmask),
    MSR(0xc0000102, kernel_gs_base),
    MSR(0xc0000103, tsc_aux),
};

struct msr_buffer {
    struct kvm_msrs header;
    struct kvm_msr_entry entries[ARRAY_LEN(msr_table)];
};

static uint64_t place_get(const struct x86_state *s, const struct msr_place *place)
{
    return le_load((const uint8_t *)s + place->offset, place->width);
}

/* The TSC moves on by itself: what is kept is how far it is from the clock. */
static uint64_t msr_given(const struct x86_core *c, const struct msr_place *place)
{
    uint64_t value = place_get(&c->s, place);
    return place->number == MSR_TSC ? value + x86_ticks(c) : value;
}

static void msr_take(struct x86_core *c, const struct msr_place *place, uint64_t value)
{
    if (place->number == MSR_TSC)
        value -= x86_ticks(c);
    le_store((uint8_t *)&c->s + place->offset, place->width, value);
}

/* Which of the table this KVM has for this model: it stops at the first it does not know. */
static void msrs_find(struct kvm_vcpu *kv)
{
    struct kvm_x86_vm *vm = kvm_x86_vm_of(kv);
    struct msr_buffer buffer;
    unsigned next = 0;
    vm->msrs = calloc(ARRAY_LEN(msr_table), sizeof(*vm->msrs));
    if (!vm->msrs)
        abort();
    while (next < ARRAY_LEN(msr_table)) {
        unsigned asked = (unsigned)ARRAY_LEN(msr_table) - next;
        buffer.header = (struct kvm_msrs){.nmsrs = asked};
        for (unsigned i = 0; i < asked; i++)
            buffer.entries[i] = (struct kvm_msr_entry){.index = msr_table[next + i].number};
        int got = host_kvm_ioctl(kv->fd, KVM_GET_MSRS, &buffer);
        for (int i = 0; i < got; i++)
            vm->msrs[vm->msr_count++] = (uint16_t)next++;
        next++;
    }
    vm->msrs_known = true;
}

/* A value that this KVM refuses is left out: what it has is what the guest can see. */
static int msrs_load(struct kvm_vcpu *kv, bool all)
{
    struct kvm_x86 *kx = kvm_x86_of(kv);
    const struct kvm_x86_vm *vm = kvm_x86_vm_of(kv);
    struct msr_buffer buffer;
    unsigned count = 0;
    for (unsigned i = 0; i < vm->msr_count; i++) {
        const struct msr_place *place = &msr_table[vm->msrs[i]];
        if (all || place_get(&kx->core->s, place) != place_get(&kx->known, place))
            buffer.entries[count++] =
                (struct kvm_msr_entry){.index = place->number, .data = msr_given(kx->core, place)};
    }
    for (unsigned done = 0; done < count;) {
        buffer.header = (struct kvm_msrs){.nmsrs = count - done};
        int result = host_kvm_ioctl(kv->fd, KVM_SET_MSRS, &buffer);
        if (result < 0)
            return result;
        done += (unsigned)result + 1;
        if (done < count)
            memmove(buffer.entries, buffer.entries + result + 1, (count - done) * sizeof(buffer.entries[0]));
    }
    return 0;
}

static int msrs_save(struct kvm_vcpu *kv)
{
    struct x86_core *c = kvm_x86_of(kv)->core;
    const struct kvm_x86_vm *vm = kvm_x86_vm_of(kv);
    struct msr_buffer buffer;
    buffer.header = (struct kvm_msrs){.nmsrs = vm->msr_count};
    for (unsigned i = 0; i < vm->msr_count; i++)
        buffer.entries[i] = (struct kvm_msr_entry){.index = msr_table[vm->msrs[i]].number};
    int got = host_kvm_ioctl(kv->fd, KVM_GET_MSRS, &buffer);
    for (int i = 0; i < got; i++)
        msr_take(c, &msr_table[vm->msrs[i]], buffer.entries[i].data);
    return got;
}

/* ---- debug registers and events ---- */

static int debug_load(struct kvm_vcpu *kv, const struct x86_state *s)
{
    struct kvm_debugregs regs = {.dr6 = s->dr[6], .dr7 = s->dr[7]};
    for (unsigned n = 0; n < 4; n++)
        regs.db[n] = s->dr[n];
    return host_kvm_ioctl(kv->fd, KVM_SET_DEBUGREGS, &regs);
}

static int debug_save(struct kvm_vcpu *kv, struct x86_state *s)
{
    struct kvm_debugregs regs;
    int result = host_kvm_ioctl(kv->fd, KVM_GET_DEBUGREGS, &regs);
    for (unsigned n = 0; n < 4; n++)
        s->dr[n] = regs.db[n];
    s->dr[6] = regs.dr6;
    s->dr[7] = regs.dr7;
    return result;
}

/* A waiting NMI is given with KVM_NMI, other events that wait are the core's (kvm_arch_prepare). */
static int events_load(struct kvm_vcpu *kv, const struct x86_state *s)
{
    struct kvm_vcpu_events events = {.flags = KVM_VCPUEVENT_VALID_NMI_PENDING};
    if (kvm_x86_vm_of(kv)->shadow) {
        events.flags |= KVM_VCPUEVENT_VALID_SHADOW;
        events.interrupt.shadow = s->shadow == SHADOW_STI      ? KVM_X86_SHADOW_INT_STI
                                  : s->shadow == SHADOW_MOV_SS ? KVM_X86_SHADOW_INT_MOV_SS
                                                               : 0;
    }
    events.nmi.masked = s->nmi_blocked;
    return host_kvm_ioctl(kv->fd, KVM_SET_VCPU_EVENTS, &events);
}

/* The core takes over an event in the middle of being delivered. */
static void event_deliver(struct x86_core *c, const struct kvm_vcpu_events *events)
{
    struct vcpu_exit unused;
    c->exit = &unused;
    c->leaving = false;
    x86_state_changed(&c->vcpu);
    x86_context(c);
    if (events->exception.injected) {
        c->fault = (struct x86_fault){.vector = events->exception.nr,
                                      .has_code = events->exception.has_error_code,
                                      .code = events->exception.error_code,
                                      .address = c->s.cr2};
        x86_exception(c);
    } else if (events->nmi.injected) {
        c->s.nmi_blocked = 1;
        x86_interrupt(c, EXC_NMI);
    } else {
        x86_interrupt(c, events->interrupt.nr);
    }
    x86_flags_settle(c);
}

static int events_save(struct kvm_vcpu *kv, struct x86_state *s)
{
    struct kvm_vcpu_events events = {0};
    int result = host_kvm_ioctl(kv->fd, KVM_GET_VCPU_EVENTS, &events);
    if (result < 0)
        return result;
    s->shadow = events.interrupt.shadow & KVM_X86_SHADOW_INT_MOV_SS ? SHADOW_MOV_SS
                : events.interrupt.shadow                           ? SHADOW_STI
                                                                    : SHADOW_NONE;
    s->nmi_blocked = events.nmi.masked;
    s->nmi_pending |= events.nmi.pending != 0;
    kvm_x86_of(kv)->known.shadow = s->shadow;
    kvm_x86_of(kv)->known.nmi_blocked = s->nmi_blocked;
    if (events.exception.injected || events.nmi.injected || events.interrupt.injected) {
        event_deliver(kvm_x86_of(kv)->core, &events);
        kvm_x86_of(kv)->loaded = false; /* KVM is to forget it: give it everything next time */
    }
    return result;
}

/* ---- the whole ---- */

#define BETWEEN(a, b) (offsetof(struct x86_state, b) - offsetof(struct x86_state, a))

/* Whether the members from a up to b are not what KVM has. */
static bool differs(const struct kvm_x86 *kx, size_t from, size_t len)
{
    return memcmp((const uint8_t *)&kx->core->s + from, (const uint8_t *)&kx->known + from, len) != 0;
}

#define DIFFERS(a, b) (all || differs(kx, offsetof(struct x86_state, a), BETWEEN(a, b)))

static int part(int result, const char *name, const char **what)
{
    if (result < 0)
        *what = name;
    return result;
}

int kvm_arch_load(struct kvm_vcpu *kv, const char **what)
{
    struct kvm_x86 *kx = kvm_x86_of(kv);
    const struct x86_state *s = &kx->core->s;
    const struct x86_hooks *hooks = &kx->core->hooks;
    bool all = !kx->loaded;
    int result = 0;
    if (hooks->apic_base_get)
        kx->apic_base = hooks->apic_base_get(hooks->opaque);
    kx->cr8 = hooks->tpr_get ? hooks->tpr_get(hooks->opaque) : 0;
    if (!kvm_x86_vm_of(kv)->msrs_known)
        msrs_find(kv);
    if (DIFFERS(seg, dr) || DIFFERS(pdpte, xcr0) || s->cpl != kx->known.cpl)
        result = part(sregs_load(kv, s), "segments and control registers", what);
    if (result >= 0 && DIFFERS(gpr, seg))
        result = part(regs_load(kv, s), "general registers", what);
    if (result >= 0 && DIFFERS(xcr0, xss))
        result = part(xcr0_load(kv, s), "XCR0", what);
    if (result >= 0 && DIFFERS(st, star))
        result = part(area_load(kv, s), "floating-point and vector registers", what);
    if (result >= 0)
        result = part(msrs_load(kv, all), "model-specific registers", what);
    if (result >= 0 && DIFFERS(dr, pdpte))
        result = part(debug_load(kv, s), "debug registers", what);
    if (result >= 0 && (DIFFERS(shadow, in_smm) || DIFFERS(nmi_blocked, nmi_pending)))
        result = part(events_load(kv, s), "interrupt state", what);
    kx->known = *s;
    kx->loaded = result >= 0;
    kx->interruptible = s->rflags & FLAG_IF && s->shadow == SHADOW_NONE;
    return result;
}

int kvm_arch_save(struct kvm_vcpu *kv, const char **what)
{
    struct kvm_x86 *kx = kvm_x86_of(kv);
    struct x86_state *s = &kx->core->s;
    int result = part(regs_save(kv, s), "general registers", what);
    if (result >= 0)
        result = part(sregs_save(kv, s), "segments and control registers", what);
    if (result >= 0)
        result = part(area_save(kv, s), "floating-point and vector registers", what);
    if (result >= 0)
        result = part(xcr0_save(kv, s), "XCR0", what);
    if (result >= 0)
        result = part(msrs_save(kv), "model-specific registers", what);
    if (result >= 0)
        result = part(debug_save(kv, s), "debug registers", what);
    if (result < 0)
        return result;
    kx->core->lazy.how = LAZY_FLAGS;
    if (s->cr0 & CR0_PG && s->cr4 & CR4_PAE && !(s->efer & EFER_LMA))
        x86_pdptes_load(kx->core, s->cr3);
    kx->known = *s;
    return part(events_save(kv, s), "interrupt state", what);
}
