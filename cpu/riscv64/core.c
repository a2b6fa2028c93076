/* A RISC-V core's life: creation, reset, its state table, its inputs, and the table cpu.h asks for. */
#include "cpu/riscv64/core.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/riscv64/blocks.h"
#include "cpu/riscv64/csr.h"
#include "cpu/riscv64/debug.h"
#include "cpu/riscv64/decode.h"
#include "cpu/riscv64/disassemble.h"

static const struct state_field state_fields[] = {
    STATE_ARRAY(struct riscv_state, x),
    STATE(struct riscv_state, pc),
    STATE_ARRAY(struct riscv_state, f),
    STATE(struct riscv_state, frm),
    STATE(struct riscv_state, fflags),
    STATE(struct riscv_state, privilege, .reset = PRIV_M),
    STATE(struct riscv_state, started, .reset = 1),
    STATE(struct riscv_state, mstatus),
    STATE(struct riscv_state, medeleg),
    STATE(struct riscv_state, mideleg),
    STATE(struct riscv_state, mie),
    STATE(struct riscv_state, mip),
    STATE(struct riscv_state, mtvec),
    STATE(struct riscv_state, mscratch),
    STATE(struct riscv_state, mepc),
    STATE(struct riscv_state, mcause),
    STATE(struct riscv_state, mtval),
    STATE(struct riscv_state, mcounteren),
    STATE(struct riscv_state, mcountinhibit),
    STATE(struct riscv_state, menvcfg),
    STATE(struct riscv_state, mseccfg),
    STATE_ARRAY(struct riscv_state, mstateen),
    STATE(struct riscv_state, stvec),
    STATE(struct riscv_state, sscratch),
    STATE(struct riscv_state, sepc),
    STATE(struct riscv_state, scause),
    STATE(struct riscv_state, stval),
    STATE(struct riscv_state, scounteren),
    STATE(struct riscv_state, senvcfg),
    STATE(struct riscv_state, satp),
    STATE(struct riscv_state, stimecmp, .reset = ~(uint64_t)0),
    STATE(struct riscv_state, mcycle),
    STATE(struct riscv_state, minstret),
    STATE(struct riscv_state, mcyclecfg),
    STATE(struct riscv_state, minstretcfg),
    STATE_ARRAY(struct riscv_state, mhpmcounter),
    STATE_ARRAY(struct riscv_state, mhpmevent),
    STATE_ARRAY(struct riscv_state, pmpcfg),
    STATE_ARRAY(struct riscv_state, pmpaddr),
    STATE(struct riscv_state, reservation_address, .reset = ~(uint64_t)0),
    STATE(struct riscv_state, reservation_value),
    STATE(struct riscv_state, reservation_width),
    STATE(struct riscv_state, waiting),
};

/* Values from outside may be anything: make them legal, then recompute what follows from them. */
static void restored(void *object)
{
    struct riscv_core *c = container_of(object, struct riscv_core, s);
    struct riscv_state *s = &c->s;
    s->x[0] = 0;
    s->privilege = s->privilege == PRIV_M ? PRIV_M : s->privilege & PRIV_S;
    if (bits_get(s->mstatus, MSTATUS_MPP_SHIFT, 2) == 2)
        s->mstatus &= ~MSTATUS_MPP;
    if (s->satp >> SATP_MODE_SHIFT > c->model.satp_modes || !riscv_format(s->satp))
        s->satp = 0;
    s->frm &= 7;
    s->fflags &= 31;
    s->mideleg &= BIT(INT_SSI) | BIT(INT_STI) | BIT(INT_SEI) | BIT(INT_LCOF);
    riscv_counters_select(c);
    riscv_pmp_changed(c);
    riscv_timer_arm(c);
}

static const struct state_table state = {
    .name = "riscv64",
    .version = 1,
    .fields = state_fields,
    .count = ARRAY_LEN(state_fields),
    .restored = restored,
};

static const struct state_table *state_of(struct vcpu *vcpu, void **object)
{
    *object = &riscv_core_of(vcpu)->s;
    return &state;
}

static void reset(struct vcpu *vcpu)
{
    struct riscv_core *c = riscv_core_of(vcpu);
    state_reset(&state, &c->s, true);
    /* What firmware that knows nothing of an extension expects: page-based memory types work, and accessed
     * bits are set by hardware where the model promises only that. */
    if (riscv_has(c, EXT_SVPBMT))
        c->s.menvcfg |= ENVCFG_PBMTE;
    if (riscv_has(c, EXT_SVADU) && !riscv_has(c, EXT_SVADE))
        c->s.menvcfg |= ENVCFG_ADUE;
    c->stopped.valid = false;
}

/* Runs with the machine lock, on another thread. */
static void timer_fire(void *opaque)
{
    struct riscv_core *c = opaque;
    if (riscv_timer_look(c))
        vcpu_kick(&c->vcpu);
}

static void destroy(struct vcpu *vcpu)
{
    struct riscv_core *c = riscv_core_of(vcpu);
    if (c->timer)
        clock_timer_destroy(c->timer);
    riscv_registers_free(c);
    vcpu_fini(vcpu);
    block_cache_destroy(c->blocks);
    free(c);
}

static struct vcpu *create(const struct cpu_config *config, struct error *err)
{
    struct riscv_model model;
    if (!riscv_model_parse(&model, config->model, err))
        return NULL;
    riscv_decode_init();
    riscv_csr_init();
    struct riscv_core *c = vcpu_alloc(sizeof(*c));
    c->model = model;
    c->hypercalls = config->hypercalls;
    c->semihosting = config->semihosting;
    c->blocks = block_cache_create(sizeof(struct riscv_insn), (void (*)(void))riscv_dropped, err);
    if (!c->blocks || !vcpu_init(&c->vcpu, &riscv64_ops, config, err)) {
        block_cache_destroy(c->blocks);
        free(c);
        return NULL;
    }
    block_cache_share(c->blocks, config->count);
    if (config->clock)
        c->timer = clock_timer_create(config->clock, timer_fire, c);
    riscv_mmu_init(c);
    reset(&c->vcpu);
    return &c->vcpu;
}

static void pc_set(struct vcpu *vcpu, uint64_t pc)
{
    riscv_core_of(vcpu)->s.pc = pc;
}

static uint64_t pc_get(struct vcpu *vcpu)
{
    return riscv_core_of(vcpu)->s.pc;
}

static void irq_set(struct vcpu *vcpu, unsigned line, bool level)
{
    struct riscv_core *c = riscv_core_of(vcpu);
    uint32_t bit = (uint32_t)1 << line;
    if (line == RISCV_LINE_SSI) {
        if (!level)
            return;
        riscv_mip_change(c, BIT(INT_SSI), 0);
    } else if (!level) {
        __atomic_fetch_and(&c->lines, ~bit, __ATOMIC_SEQ_CST);
        return;
    } else if (__atomic_fetch_or(&c->lines, bit, __ATOMIC_SEQ_CST) & bit) {
        return;
    }
    vcpu_kick(vcpu);
}

static bool has_work(struct vcpu *vcpu)
{
    struct riscv_core *c = riscv_core_of(vcpu);
    return c->s.started && (!c->s.waiting || (riscv_mip(c) & c->s.mie));
}

static struct translation translate(struct vcpu *vcpu, gva_t va, enum walk_access access)
{
    return riscv_translate(riscv_core_of(vcpu), va.a, access);
}

static void page_tables(struct vcpu *vcpu, void (*line)(void *opaque, const char *text), void *opaque)
{
    riscv_page_tables(riscv_core_of(vcpu), line, opaque);
}

static unsigned disassemble(struct vcpu *vcpu, uint64_t pc, const uint8_t *bytes, size_t len, char *text,
                            size_t size)
{
    return riscv_disassemble(&riscv_core_of(vcpu)->model, pc, bytes, len, text, size);
}

static void code_drop(struct vcpu *vcpu, gpa_t p, uint64_t len)
{
    block_drop(riscv_core_of(vcpu)->blocks, p.a, len);
}

/* Debug points have an effect on what the TLB may hit, so that goes as well. */
static void code_drop_all(struct vcpu *vcpu)
{
    struct riscv_core *c = riscv_core_of(vcpu);
    riscv_blocks_drop_all(c);
    tlb_flush_all(vcpu->tlb);
}

const struct cpu_ops riscv64_ops = {
    .arch = GUEST_RISCV64,
    .name = "riscv64",
    .gdb_arch = "riscv:rv64",
    .default_model = "virt",
    .model_name = riscv_model_name,
    .feature_name = riscv_extension_name,
    .irq_lines = RISCV_LINES,
    .create = create,
    .destroy = destroy,
    .state = state_of,
    .reset = reset,
    .pc_set = pc_set,
    .pc_get = pc_get,
    .irq_set = irq_set,
    .has_work = has_work,
    .interpret = riscv_interpret,
    .translate = translate,
    .registers = riscv_registers,
    .register_get = riscv_register_get,
    .register_set = riscv_register_set,
    .page_tables = page_tables,
    .disassemble = disassemble,
    .code_drop = code_drop,
    .code_drop_all = code_drop_all,
};

/* ---- what a board and its firmware ask for ---- */

struct riscv_state *riscv_state(struct vcpu *vcpu)
{
    return &riscv_core_of(vcpu)->s;
}

const struct riscv_model *riscv_model(struct vcpu *vcpu)
{
    return &riscv_core_of(vcpu)->model;
}

/* What machine-mode firmware would have set up before it enters a supervisor. */
static void supervisor_prepare(struct riscv_core *c)
{
    struct riscv_state *s = &c->s;
    s->medeleg = BIT(EXC_FETCH_MISALIGNED) | BIT(EXC_FETCH_ACCESS) | BIT(EXC_ILLEGAL) | BIT(EXC_BREAKPOINT) |
                 BIT(EXC_LOAD_MISALIGNED) | BIT(EXC_LOAD_ACCESS) | BIT(EXC_STORE_MISALIGNED) |
                 BIT(EXC_STORE_ACCESS) | BIT(EXC_ECALL_U) | BIT(EXC_FETCH_PAGE) | BIT(EXC_LOAD_PAGE) |
                 BIT(EXC_STORE_PAGE);
    s->mideleg = BIT(INT_SSI) | BIT(INT_STI) | BIT(INT_SEI);
    if (riscv_has(c, EXT_SSCOFPMF))
        s->mideleg |= BIT(INT_LCOF);
    s->mcounteren = 0xffffffff;
    if (riscv_has(c, EXT_SSTC))
        s->menvcfg |= ENVCFG_STCE;
    if (riscv_has(c, EXT_ZICBOM))
        s->menvcfg |= ENVCFG_CBIE | ENVCFG_CBCFE;
    if (riscv_has(c, EXT_ZICBOZ))
        s->menvcfg |= ENVCFG_CBZE;
    s->mstateen[0] = MSTATEEN_SE0 | MSTATEEN_ENVCFG;
    if (riscv_has(c, EXT_ZKR))
        s->mseccfg |= MSECCFG_SSEED;
    s->pmpcfg[0] = PMP_R | PMP_W | PMP_X | 3 << PMP_A_SHIFT; /* all of memory, NAPOT */
    s->pmpaddr[0] = PMP_ADDR_MASK;
}

void riscv_hart_start(struct vcpu *vcpu, uint64_t pc, uint64_t opaque)
{
    struct riscv_core *c = riscv_core_of(vcpu);
    reset(vcpu);
    supervisor_prepare(c);
    c->s.privilege = PRIV_S;
    c->s.pc = pc;
    c->s.x[10] = vcpu->index;
    c->s.x[11] = opaque;
    restored(&c->s);
}

void riscv_hart_stop(struct vcpu *vcpu)
{
    struct riscv_core *c = riscv_core_of(vcpu);
    c->s.started = 0;
    __atomic_store_n(&vcpu->limit, 0, __ATOMIC_SEQ_CST);
}

void riscv_hart_suspend(struct vcpu *vcpu)
{
    riscv_core_of(vcpu)->s.waiting = WAIT_SUSPENDED;
}

void riscv_hart_resume_at(struct vcpu *vcpu, uint64_t pc, uint64_t opaque)
{
    struct riscv_core *c = riscv_core_of(vcpu);
    c->s.satp = 0;
    c->s.mstatus &= ~(uint64_t)MSTATUS_SIE;
    c->s.pc = pc;
    c->s.x[10] = vcpu->index;
    c->s.x[11] = opaque;
    riscv_resync(c);
}

void riscv_timer_set(struct vcpu *vcpu, uint64_t deadline)
{
    struct riscv_core *c = riscv_core_of(vcpu);
    __atomic_store_n(&c->s.stimecmp, deadline, __ATOMIC_SEQ_CST);
    riscv_timer_arm(c);
}
