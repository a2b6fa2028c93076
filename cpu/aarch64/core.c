/* An aarch64 core's life: creation, reset, its state table, its inputs, and the table cpu.h asks for. */
#include "cpu/aarch64/core.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "cpu/aarch64/blocks.h"
#include "cpu/aarch64/debug.h"
#include "cpu/aarch64/decode.h"
#include "cpu/aarch64/disassemble.h"
#include "cpu/aarch64/exception.h"
#include "cpu/aarch64/mmu.h"
#include "cpu/aarch64/timer.h"

#define S(member, ...) STATE(struct aarch64_state, member, __VA_ARGS__)
#define A(member, ...) STATE_ARRAY(struct aarch64_state, member, __VA_ARGS__)

/* An array of arrays, as one of 64-bit numbers. */
#define FLAT(member)                                                                                         \
    {                                                                                                        \
        .name = #member, .offset = offsetof(struct aarch64_state, member),                                   \
        .count = sizeof(((struct aarch64_state *)0)->member) / 8, .width = 8, .stride = 8                    \
    }

/* clang-format off */
static const struct state_field state_fields[] = {
    A(x), S(pc), S(flag_n), S(flag_z, .reset = 1), S(flag_c), S(flag_v), S(btype), S(started, .reset = 1),
    S(pstate, .reset = PSTATE_EL1H | PSTATE_DAIF),
    FLAT(v), S(fpcr), S(fpsr), A(sp_el),
    S(monitor_address, .reset = ~(uint64_t)0), A(monitor_value), S(monitor_size), S(event), S(waiting), S(wait_end),
    S(event_since),
    S(elr_el1), S(spsr_el1), S(esr_el1), S(far_el1), S(par_el1), S(vbar_el1), S(afsr0_el1), S(afsr1_el1),
    S(sctlr_el1), S(actlr_el1), S(cpacr_el1), S(csselr_el1),
    S(ttbr0_el1), S(ttbr1_el1), S(tcr_el1), S(mair_el1), S(amair_el1), S(contextidr_el1),
    S(tpidr_el0), S(tpidrro_el0), S(tpidr_el1), S(disr_el1), FLAT(pauth_keys),
    S(cntfrq_el0), S(cntkctl_el1), S(cntp_ctl_el0), S(cntp_cval_el0), S(cntv_ctl_el0), S(cntv_cval_el0),
    S(mdscr_el1), S(mdccint_el1), S(oslar, .reset = 1), S(osdlr_el1), S(dbgclaim), S(osdtrrx_el1), S(osdtrtx_el1),
    S(oseccr_el1), A(dbgbvr), A(dbgbcr), A(dbgwvr), A(dbgwcr),
    S(pmcr_el0), S(pmcntenset_el0), S(pmintenset_el1), S(pmovsset_el0), S(pmselr_el0), S(pmuserenr_el0),
    S(pmccfiltr_el0), S(pmccntr_el0), A(pmevcntr_el0), A(pmevtyper_el0),
};
/* clang-format on */

/* Values from outside may be anything: make those legal that decide about more than a register's value, then
 * recompute what follows from them. The stack pointer in use is in x[REG_SP] in a save, too. */
static void restored(void *object)
{
    struct aarch64_core *c = container_of(object, struct aarch64_core, s);
    struct aarch64_state *s = &c->s;
    s->x[REG_ZERO] = 0;
    s->flag_c &= 1;
    s->flag_v &= 1;
    s->btype &= 3;
    s->event &= 1;
    s->waiting = s->waiting > WAITING_EVENT ? WAITING_NOT : s->waiting;
    if (aarch64_el(c) > 1)
        s->pstate = (s->pstate & ~(uint32_t)0x1f) | PSTATE_EL1H;
    s->csselr_el1 &= 0xf;
    s->pmselr_el0 &= 31;
    uint64_t counters = BIT(31) | (BIT(c->model.event_counters) - 1);
    s->pmcntenset_el0 &= counters;
    s->pmintenset_el1 &= counters;
    s->pmovsset_el0 &= counters;
    memset(c->guards, 0, sizeof(c->guards));
    aarch64_timers_restored(c);
    aarch64_flush_all(c);
}

static const struct state_table state = {
    .name = "aarch64",
    .version = 1,
    .fields = state_fields,
    .count = ARRAY_LEN(state_fields),
    .restored = restored,
};

static const struct state_table *state_of(struct vcpu *vcpu, void **object)
{
    *object = &aarch64_core_of(vcpu)->s;
    return &state;
}

static void reset(struct vcpu *vcpu)
{
    struct aarch64_core *c = aarch64_core_of(vcpu);
    state_reset(&state, &c->s, true);
    c->s.sctlr_el1 = aarch64_sctlr_reset(c);
    c->s.cntfrq_el0 = c->timer_hz;
    c->stopped.valid = false;
    aarch64_resync(c);
}

static void destroy(struct vcpu *vcpu)
{
    struct aarch64_core *c = aarch64_core_of(vcpu);
    aarch64_timers_destroy(c);
    aarch64_registers_free(c);
    vcpu_fini(vcpu);
    a64_decoder_destroy(c->decoder);
    block_cache_destroy(c->blocks);
    free(c);
}

static struct vcpu *create(const struct cpu_config *config, struct error *err)
{
    struct aarch64_model model;
    if (!aarch64_model_parse(&model, config->model, err))
        return NULL;
    struct aarch64_core *c = vcpu_alloc(sizeof(*c));
    c->model = model;
    c->hypercalls = config->hypercalls;
    c->blocks = block_cache_create(sizeof(struct a64_insn), (void (*)(void))a64_dropped, err);
    if (!c->blocks || !vcpu_init(&c->vcpu, &aarch64_ops, config, err)) {
        block_cache_destroy(c->blocks);
        free(c);
        return NULL;
    }
    block_cache_share(c->blocks, config->count);
    c->decoder = a64_decoder_create(&c->model);
    c->bitmasks = a64_decoder_bitmasks(c->decoder);
    c->board.mpidr = config->index;
    c->timer_hz = aarch64_timer_hz(&c->vcpu);
    aarch64_timers_create(c);
    aarch64_mmu_init(c);
    reset(&c->vcpu);
    return &c->vcpu;
}

static void pc_set(struct vcpu *vcpu, uint64_t pc)
{
    aarch64_core_of(vcpu)->s.pc = pc;
}

static uint64_t pc_get(struct vcpu *vcpu)
{
    return aarch64_core_of(vcpu)->s.pc;
}

static void irq_set(struct vcpu *vcpu, unsigned line, bool level)
{
    struct aarch64_core *c = aarch64_core_of(vcpu);
    uint32_t bit = (uint32_t)1 << line;
    if (!level) {
        /* An SError stays pending until it is taken. */
        if (line != AARCH64_LINE_SERROR)
            __atomic_fetch_and(&c->lines, ~bit, __ATOMIC_SEQ_CST);
    } else if (!(__atomic_fetch_or(&c->lines, bit, __ATOMIC_SEQ_CST) & bit)) {
        vcpu_kick(vcpu);
    }
}

/* An interrupt that is masked ends a WFI all the same (D1.6.2), but no WFE. */
static bool has_work(struct vcpu *vcpu)
{
    struct aarch64_core *c = aarch64_core_of(vcpu);
    if (!c->s.started)
        return false;
    switch (c->s.waiting) {
    case WAITING_NOT: return true;
    case WAITING_INTERRUPT: return aarch64_lines(c) || aarch64_wait_over(c);
    default: return aarch64_event(c) || aarch64_interrupt_pending(c) || aarch64_wait_over(c);
    }
}

static unsigned disassemble(struct vcpu *vcpu, uint64_t pc, const uint8_t *bytes, size_t len, char *text,
                            size_t size)
{
    return aarch64_disassemble(aarch64_core_of(vcpu)->decoder, pc, bytes, len, text, size);
}

static void code_drop(struct vcpu *vcpu, gpa_t p, uint64_t len)
{
    block_drop(aarch64_core_of(vcpu)->blocks, p.a, len);
}

/* Debug points have an effect on what the TLB may hit, so that goes as well. */
static void code_drop_all(struct vcpu *vcpu)
{
    struct aarch64_core *c = aarch64_core_of(vcpu);
    aarch64_blocks_drop_all(c);
    aarch64_flush_all(c);
}

const struct cpu_ops aarch64_ops = {
    .arch = GUEST_AARCH64,
    .name = "aarch64",
    .gdb_arch = "aarch64",
    .default_model = "max",
    .model_name = aarch64_model_name,
    .feature_name = aarch64_feature_name,
    .irq_lines = AARCH64_LINES,
    .create = create,
    .destroy = destroy,
    .state = state_of,
    .reset = reset,
    .pc_set = pc_set,
    .pc_get = pc_get,
    .irq_set = irq_set,
    .has_work = has_work,
    .interpret = aarch64_interpret,
    .translate = aarch64_translate,
    .registers = aarch64_registers,
    .register_get = aarch64_register_get,
    .register_set = aarch64_register_set,
    .page_tables = aarch64_page_tables,
    .disassemble = disassemble,
    .code_drop = code_drop,
    .code_drop_all = code_drop_all,
};

/* ---- what a board and its firmware ask for ---- */

void aarch64_connect(struct vcpu *vcpu, const struct aarch64_board *board)
{
    struct aarch64_core *c = aarch64_core_of(vcpu);
    c->board = *board;
    c->s.cntfrq_el0 = c->timer_hz = aarch64_timer_hz(vcpu);
    aarch64_blocks_drop_all(c);
}

struct aarch64_state *aarch64_state(struct vcpu *vcpu)
{
    return &aarch64_core_of(vcpu)->s;
}

const struct aarch64_model *aarch64_model(struct vcpu *vcpu)
{
    return &aarch64_core_of(vcpu)->model;
}

struct aarch64_call aarch64_call(struct vcpu *vcpu)
{
    return aarch64_core_of(vcpu)->call;
}

void aarch64_start(struct vcpu *vcpu, uint64_t pc, uint64_t context)
{
    struct aarch64_core *c = aarch64_core_of(vcpu);
    reset(vcpu);
    c->s.pc = pc;
    c->s.x[0] = context;
}

void aarch64_stop(struct vcpu *vcpu)
{
    struct aarch64_core *c = aarch64_core_of(vcpu);
    c->s.started = 0;
    __atomic_store_n(&vcpu->limit, 0, __ATOMIC_SEQ_CST);
}
