/* The x86-64 core as cpu.h and boards see it: creation, reset, its state table, and what comes from outside.
 */
#include <stdlib.h>

#include "base/bits.h"
#include "cpu/x86_64/blocks.h"
#include "cpu/x86_64/control.h"
#include "cpu/x86_64/debug.h"
#include "cpu/x86_64/decode.h"
#include "cpu/x86_64/fuse.h"
#include "cpu/x86_64/mmu.h"
#include "cpu/x86_64/run.h"
#include "cpu/x86_64/xstate.h"

/* ---- the state table: as after power-on (SDM vol. 3, table 10-1) ---- */

#define PAT_RESET 0x0007040600070406u
#define CR0_RESET (CR0_CD | CR0_NW | CR0_ET)

#define FIELD(member, ...)       STATE(struct x86_state, member, __VA_ARGS__)
#define ARRAY(member, ...)       STATE_ARRAY(struct x86_state, member, __VA_ARGS__)
#define EACH(array, member, ...) STATE_EACH(struct x86_state, array, member, __VA_ARGS__)

static const struct state_field state_fields[] = {
    ARRAY(gpr),
    FIELD(rip, .reset = 0xfff0),
    FIELD(rflags, .reset = FLAG_ONE),
    EACH(seg, base),
    EACH(seg, limit, .reset = 0xffff),
    EACH(seg, selector),
    EACH(seg, attributes, .reset = SEG_P | SEG_S | SEG_WRITABLE | SEG_ACCESSED),
    FIELD(gdtr.base),
    FIELD(gdtr.limit, .reset = 0xffff),
    FIELD(idtr.base),
    FIELD(idtr.limit, .reset = 0xffff),
    FIELD(cr0, .reset = CR0_RESET),
    FIELD(cr2),
    FIELD(cr3),
    FIELD(cr4),
    ARRAY(dr),
    ARRAY(pdpte),
    FIELD(efer),
    FIELD(xcr0, .reset = XCR0_X87),
    FIELD(xss),
    FIELD(cpl),
    EACH(st, mant),
    EACH(st, se),
    FIELD(fcw, .reset = 0x40),
    FIELD(fsw),
    FIELD(ftw, .reset = 0x5555),
    FIELD(fop),
    FIELD(fcs),
    FIELD(fds),
    FIELD(fip),
    FIELD(fdp),
    {.name = "vector", .offset = offsetof(struct x86_state, vector), .stride = 8, .count = 64, .width = 8},
    FIELD(mxcsr, .reset = MXCSR_RESET),
    FIELD(pkru),
    FIELD(star),
    FIELD(lstar),
    FIELD(cstar),
    FIELD(sfmask),
    FIELD(kernel_gs_base),
    FIELD(sysenter_cs),
    FIELD(sysenter_esp),
    FIELD(sysenter_eip),
    FIELD(tsc_offset),
    FIELD(tsc_adjust),
    FIELD(tsc_aux),
    FIELD(kvm_system_time),
    FIELD(kvm_wall_clock),
    FIELD(pat, .reset = PAT_RESET),
    FIELD(misc_enable, .reset = 1),
    FIELD(spec_ctrl),
    FIELD(debugctl),
    FIELD(mtrr_def_type),
    ARRAY(mtrr_fixed),
    ARRAY(mtrr_base),
    ARRAY(mtrr_mask),
    FIELD(mcg_status),
    FIELD(mcg_ctl),
    ARRAY(mc_ctl),
    ARRAY(mc_status),
    ARRAY(mc_addr),
    ARRAY(mc_misc),
    ARRAY(pmc),
    ARRAY(perf_event_select),
    ARRAY(fixed_pmc),
    FIELD(fixed_ctr_ctrl),
    FIELD(perf_global_ctrl),
    FIELD(perf_global_status),
    FIELD(smbase, .reset = 0x30000),
    FIELD(activity),
    FIELD(shadow),
    FIELD(in_smm),
    FIELD(nmi_blocked),
    FIELD(nmi_pending),
    FIELD(smi_pending),
    FIELD(init_pending),
    FIELD(sipi_pending),
    FIELD(sipi_vector),
    FIELD(ferr),
    FIELD(ignne),
    FIELD(debug_pending),
    FIELD(debug_held),
};

/* Whatever was saved, the state is one that can be run. */
static void restored(void *object)
{
    struct x86_core *c = container_of(object, struct x86_core, s);
    struct x86_state *s = &c->s;
    s->gpr[X86_ZERO] = 0;
    s->rflags = (s->rflags & FLAGS_ALL) | FLAG_ONE;
    s->cpl &= 3;
    s->cr0 |= CR0_ET;
    s->xcr0 = (s->xcr0 & x86_xcr0_valid(c)) | XCR0_X87;
    s->mxcsr &= MXCSR_MASK;
    c->lazy.how = LAZY_FLAGS;
    x86_flush_all(c);
}

static const struct state_table state = {
    .name = "x86_64",
    .version = 1,
    .fields = state_fields,
    .count = ARRAY_LEN(state_fields),
    .restored = restored,
};

static const struct state_table *state_of(struct vcpu *vcpu, void **object)
{
    *object = &x86_core_of(vcpu)->s;
    return &state;
}

/* ---- reset and INIT ---- */

/* What a table of equal values for all elements can't say. */
static void reset_finish(struct x86_core *c)
{
    struct x86_state *s = &c->s;
    s->seg[CS].selector = 0xf000;
    s->seg[CS].base = 0xffff0000;
    s->seg[LDTR].attributes = SEG_P | TYPE_LDT;
    s->seg[TR].attributes = SEG_P | TYPE_TSS_BUSY;
    s->dr[6] = DR6_FIXED;
    s->dr[7] = DR7_FIXED;
    s->gpr[RDX] = X86_SIGNATURE;
    s->activity = c->bootstrap ? ACTIVITY_RUNNING : ACTIVITY_WAIT_FOR_SIPI;
    c->stopped.valid = false;
    c->lazy.how = LAZY_FLAGS;
    x86_flush_all(c);
}

static void reset(struct vcpu *vcpu)
{
    struct x86_core *c = x86_core_of(vcpu);
    state_reset(&state, &c->s, true);
    __atomic_store_n(&c->events, 0, __ATOMIC_SEQ_CST);
    /* The time-stamp counter starts at 0. */
    c->s.tsc_offset = 0 - x86_ticks(c);
    reset_finish(c);
}

/* INIT leaves the FPU, the vector registers, the MSRs and the cache bits of CR0 as they are. */
void x86_init_reset(struct x86_core *c)
{
    struct x86_state kept = c->s, *s = &c->s;
    state_reset(&state, s, true);
    memcpy(s->st, kept.st, sizeof(s->st));
    memcpy(s->vector, kept.vector, sizeof(s->vector));
    s->fcw = kept.fcw, s->fsw = kept.fsw, s->ftw = kept.ftw, s->fop = kept.fop;
    s->fcs = kept.fcs, s->fds = kept.fds, s->fip = kept.fip, s->fdp = kept.fdp;
    s->mxcsr = kept.mxcsr;
    s->xcr0 = kept.xcr0;
    s->xss = kept.xss;
    memcpy(&s->star, &kept.star, offsetof(struct x86_state, smbase) - offsetof(struct x86_state, star));
    s->kernel_gs_base = kept.kernel_gs_base;
    s->smbase = kept.smbase;
    s->cr0 = (CR0_RESET & ~(CR0_CD | CR0_NW)) | (kept.cr0 & (CR0_CD | CR0_NW));
    s->sipi_pending = kept.sipi_pending;
    s->sipi_vector = kept.sipi_vector;
    reset_finish(c);
    x86_resync(c);
}

void x86_sipi_start(struct x86_core *c, uint8_t vector)
{
    c->s.seg[CS].selector = (uint16_t)(vector << 8);
    c->s.seg[CS].base = (uint64_t)vector << 12;
    c->s.rip = 0;
    c->s.activity = ACTIVITY_RUNNING;
    x86_resync(c);
}

/* ---- struct cpu_ops ---- */

static void destroy(struct vcpu *vcpu)
{
    struct x86_core *c = x86_core_of(vcpu);
    vcpu_fini(vcpu);
    block_cache_destroy(c->blocks);
    free(c);
}

static struct vcpu *create(const struct cpu_config *config, struct error *err)
{
    struct x86_model model;
    if (!x86_model_parse(&model, config->model, err))
        return NULL;
    x86_decode_init();
    x86_fuse_init();
    struct x86_core *c = vcpu_alloc(sizeof(*c));
    c->model = model;
    c->bootstrap = config->index == 0;
    c->apic_id = config->index;
    c->cores = c->threads = 1;
    c->tsc_hz = X86_TSC_HZ;
    c->blocks = block_cache_create(sizeof(struct x86_insn), (void (*)(void))x86_dropped, err);
    if (!c->blocks || !vcpu_init(&c->vcpu, &x86_64_ops, config, err)) {
        block_cache_destroy(c->blocks);
        free(c);
        return NULL;
    }
    x86_mmu_init(c);
    reset(&c->vcpu);
    return &c->vcpu;
}

static void pc_set(struct vcpu *vcpu, uint64_t pc)
{
    x86_core_of(vcpu)->s.rip = pc;
}

static uint64_t pc_get(struct vcpu *vcpu)
{
    return x86_core_of(vcpu)->s.rip;
}

static void event_signal(struct x86_core *c, enum x86_event event)
{
    __atomic_fetch_or(&c->events, 1u << event, __ATOMIC_SEQ_CST);
    vcpu_kick(&c->vcpu);
}

/* One edge behind another is not lost: see nmi_collect(). */
static void nmi_signal(struct x86_core *c)
{
    if (__atomic_fetch_or(&c->events, 1u << EVENT_NMI, __ATOMIC_SEQ_CST) & (1u << EVENT_NMI))
        __atomic_fetch_or(&c->events, 1u << EVENT_NMI_AGAIN, __ATOMIC_SEQ_CST);
    vcpu_kick(&c->vcpu);
}

static void irq_set(struct vcpu *vcpu, unsigned line, bool level)
{
    struct x86_core *c = x86_core_of(vcpu);
    uint32_t bit = 1u << line;
    if (!level) {
        __atomic_fetch_and(&c->lines, ~bit, __ATOMIC_SEQ_CST);
        return;
    }
    if (__atomic_fetch_or(&c->lines, bit, __ATOMIC_SEQ_CST) & bit)
        return;
    if (line == X86_LINE_INTR)
        vcpu_kick(vcpu);
    else if (line == X86_LINE_NMI)
        nmi_signal(c);
    else
        event_signal(c, EVENT_SMI);
}

static struct translation translate(struct vcpu *vcpu, gva_t va, enum walk_access access)
{
    return x86_translate(x86_core_of(vcpu), va.a, access);
}

static void page_tables(struct vcpu *vcpu, void (*line)(void *opaque, const char *text), void *opaque)
{
    x86_page_tables(x86_core_of(vcpu), line, opaque);
}

/* A write to decoded code takes effect with the next instruction, be it the very next one in the block. */
static void code_drop(struct vcpu *vcpu, gpa_t p, uint64_t len)
{
    struct x86_core *c = x86_core_of(vcpu);
    block_drop(c->blocks, p.a, len);
    c->leave_after = true;
}

/* Debug points have an effect on what the TLB may hit, so that goes as well. */
static void code_drop_all(struct vcpu *vcpu)
{
    struct x86_core *c = x86_core_of(vcpu);
    x86_blocks_drop_all(c);
    x86_flush_all(c);
}

const struct cpu_ops x86_64_ops = {
    .arch = GUEST_X86_64,
    .name = "x86_64",
    .gdb_arch = "i386:x86-64",
    .default_model = "x86-64-v3",
    .model_name = x86_model_name,
    .feature_name = x86_feature_name,
    .irq_lines = X86_LINES,
    .create = create,
    .destroy = destroy,
    .state = state_of,
    .reset = reset,
    .pc_set = pc_set,
    .pc_get = pc_get,
    .irq_set = irq_set,
    .has_work = x86_has_work,
    .interpret = x86_interpret,
    .translate = translate,
    .registers = x86_registers,
    .register_get = x86_register_get,
    .register_set = x86_register_set,
    .page_tables = page_tables,
    .disassemble = x86_disassemble,
    .code_drop = code_drop,
    .code_drop_all = code_drop_all,
};

/* ---- what a board asks for ---- */

void x86_hooks_set(struct vcpu *vcpu, const struct x86_hooks *hooks)
{
    x86_core_of(vcpu)->hooks = *hooks;
}

struct x86_state *x86_state(struct vcpu *vcpu)
{
    return &x86_core_of(vcpu)->s;
}

const struct x86_model *x86_model(struct vcpu *vcpu)
{
    return &x86_core_of(vcpu)->model;
}

/* A SIPI from before is none of those that follow an INIT: a processor that sleeps has not looked at it yet,
 * and would start by it at once. */
void x86_init_signal(struct vcpu *vcpu)
{
    struct x86_core *c = x86_core_of(vcpu);
    __atomic_and_fetch(&c->events, ~(1u << EVENT_SIPI), __ATOMIC_SEQ_CST);
    event_signal(c, EVENT_INIT);
}

void x86_sipi_signal(struct vcpu *vcpu, uint8_t vector)
{
    struct x86_core *c = x86_core_of(vcpu);
    __atomic_store_n(&c->sipi_vector, vector, __ATOMIC_SEQ_CST);
    event_signal(c, EVENT_SIPI);
}

void x86_bootstrap_set(struct vcpu *vcpu, bool bootstrap)
{
    x86_core_of(vcpu)->bootstrap = bootstrap;
}

void x86_ignne_set(struct vcpu *vcpu)
{
    struct x86_state *s = &x86_core_of(vcpu)->s;
    s->ignne = s->ferr;
}

static void a20_apply(struct vcpu *vcpu, void *arg)
{
    struct x86_core *c = x86_core_of(vcpu);
    (void)arg;
    bool open = __atomic_load_n(&c->a20_open, __ATOMIC_SEQ_CST);
    c->physical_mask = open ? ~(uint64_t)0 : ~BIT(20);
    x86_flush_all(c);
}

void x86_a20_set(struct vcpu *vcpu, bool open)
{
    struct x86_core *c = x86_core_of(vcpu);
    if (__atomic_exchange_n(&c->a20_open, open, __ATOMIC_SEQ_CST) != open)
        vcpu_call(vcpu, vcpu_self(), a20_apply, NULL, false);
}

void x86_topology_set(struct vcpu *vcpu, uint32_t apic_id, unsigned cores, unsigned threads)
{
    struct x86_core *c = x86_core_of(vcpu);
    c->apic_id = apic_id;
    c->cores = cores;
    c->threads = threads;
}

uint64_t x86_tsc(struct vcpu *vcpu)
{
    struct x86_core *c = x86_core_of(vcpu);
    return x86_ticks(c) + c->s.tsc_offset;
}

uint64_t x86_tsc_hz(struct vcpu *vcpu)
{
    return x86_core_of(vcpu)->tsc_hz;
}

uint64_t x86_tsc_time(struct vcpu *vcpu, uint64_t tsc)
{
    struct x86_core *c = x86_core_of(vcpu);
    uint64_t now = x86_ticks(c), target = tsc - c->s.tsc_offset;
    /* In the past, or so far ahead that the difference looks like it. */
    if ((int64_t)(target - now) <= 0)
        target = now;
    return clock_scale(target, 1000000000, c->tsc_hz);
}

void x86_segment_set(struct vcpu *vcpu, enum x86_segment_number number, uint16_t selector, uint64_t base,
                     uint32_t limit, uint16_t attributes)
{
    struct x86_core *c = x86_core_of(vcpu);
    c->s.seg[number] =
        (struct x86_segment){.base = base, .limit = limit, .selector = selector, .attributes = attributes};
    if (number == CS)
        c->s.cpl = c->s.cr0 & CR0_PE ? selector & 3 : 0;
}

void x86_state_changed(struct vcpu *vcpu)
{
    struct x86_core *c = x86_core_of(vcpu);
    c->lazy.how = LAZY_FLAGS;
    x86_flush_all(c);
}
