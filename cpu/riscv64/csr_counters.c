/* Counters and timers: machine registers, their user-level views, and who may look. */
#include "cpu/riscv64/csr.h"

/* Views are open to a mode when every mode above it has set the counter's bit (Priv. 3.1.11, 12.1.5). */
static bool counter_open(const struct riscv_core *c, unsigned n)
{
    if (c->s.privilege == PRIV_M)
        return true;
    uint64_t enabled = c->s.mcounteren;
    if (c->s.privilege == PRIV_U)
        enabled &= c->s.scounteren;
    return enabled >> n & 1;
}

static bool cycle_allowed(struct riscv_core *c, unsigned n, bool write)
{
    (void)n, (void)write;
    return counter_open(c, 0);
}

static bool time_allowed(struct riscv_core *c, unsigned n, bool write)
{
    (void)n, (void)write;
    return counter_open(c, 1);
}

static bool instret_allowed(struct riscv_core *c, unsigned n, bool write)
{
    (void)n, (void)write;
    return counter_open(c, 2);
}

static bool hpm_allowed(struct riscv_core *c, unsigned n, bool write)
{
    (void)write;
    return counter_open(c, n + 3);
}

/* The instruction that reads a counter is in icount, but has not retired. */
static uint64_t retired_before(const struct riscv_core *c)
{
    return c->running ? c->vcpu.icount - 1 : c->vcpu.icount;
}

static uint64_t cycle_read(struct riscv_core *c, unsigned n)
{
    (void)n;
    return riscv_counter_get(c, 0, retired_before(c));
}

static void cycle_write(struct riscv_core *c, unsigned n, uint64_t value)
{
    (void)n;
    riscv_counter_set(c, 0, value);
}

static uint64_t time_read(struct riscv_core *c, unsigned n)
{
    (void)n;
    return riscv_time(c->vcpu.clock);
}

static uint64_t instret_read(struct riscv_core *c, unsigned n)
{
    (void)n;
    return riscv_counter_get(c, 2, retired_before(c));
}

static void instret_write(struct riscv_core *c, unsigned n, uint64_t value)
{
    (void)n;
    riscv_counter_set(c, 2, value);
}

/* A new distance to overflow: have the outer loop ask for it. */
static void deadline_changed(struct riscv_core *c)
{
    __atomic_store_n(&c->vcpu.limit, 0, __ATOMIC_SEQ_CST);
}

static uint64_t hpm_read(struct riscv_core *c, unsigned n)
{
    return riscv_counter_get(c, n + 3, retired_before(c));
}

static void hpm_write(struct riscv_core *c, unsigned n, uint64_t value)
{
    riscv_counter_set(c, n + 3, value);
    deadline_changed(c);
}

static void counting_change(struct riscv_core *c, uint64_t *where, uint64_t value)
{
    bool running = c->running;
    if (running)
        riscv_counters_stop(c);
    *where = value;
    riscv_counters_select(c);
    if (running)
        riscv_counters_start(c);
    deadline_changed(c);
}

#define FILTERS (HPMEVENT_MINH | HPMEVENT_SINH | HPMEVENT_UINH)

static uint64_t hpmevent_read(struct riscv_core *c, unsigned n)
{
    return c->s.mhpmevent[n];
}

static void hpmevent_write(struct riscv_core *c, unsigned n, uint64_t value)
{
    uint64_t mask = HPMEVENT_SELECTOR;
    if (riscv_has(c, EXT_SSCOFPMF))
        mask |= HPMEVENT_OF | FILTERS;
    counting_change(c, &c->s.mhpmevent[n], value & mask);
}

static uint64_t mcyclecfg_read(struct riscv_core *c, unsigned n)
{
    (void)n;
    return c->s.mcyclecfg;
}

static void mcyclecfg_write(struct riscv_core *c, unsigned n, uint64_t value)
{
    (void)n;
    counting_change(c, &c->s.mcyclecfg, value & FILTERS);
}

static uint64_t minstretcfg_read(struct riscv_core *c, unsigned n)
{
    (void)n;
    return c->s.minstretcfg;
}

static void minstretcfg_write(struct riscv_core *c, unsigned n, uint64_t value)
{
    (void)n;
    counting_change(c, &c->s.minstretcfg, value & FILTERS);
}

static uint64_t mcountinhibit_read(struct riscv_core *c, unsigned n)
{
    (void)n;
    return c->s.mcountinhibit;
}

static void mcountinhibit_write(struct riscv_core *c, unsigned n, uint64_t value)
{
    (void)n;
    counting_change(c, &c->s.mcountinhibit, value & 0xfffffffd);
}

static uint64_t scountovf_read(struct riscv_core *c, unsigned n)
{
    (void)n;
    uint32_t overflowed = riscv_counters_overflowed(c);
    return c->s.privilege == PRIV_M ? overflowed : overflowed & c->s.mcounteren;
}

/* ---- stimecmp ---- */

/* Below M it takes both menvcfg.STCE and mcounteren.TM (Sstc 2). */
static bool stimecmp_allowed(struct riscv_core *c, unsigned n, bool write)
{
    (void)n, (void)write;
    return c->s.privilege == PRIV_M || ((c->s.menvcfg & ENVCFG_STCE) && (c->s.mcounteren & 2));
}

static uint64_t stimecmp_read(struct riscv_core *c, unsigned n)
{
    (void)n;
    return c->s.stimecmp;
}

static void stimecmp_write(struct riscv_core *c, unsigned n, uint64_t value)
{
    (void)n;
    __atomic_store_n(&c->s.stimecmp, value, __ATOMIC_SEQ_CST);
    riscv_timer_arm(c);
}

/* clang-format off */
static const struct riscv_csr rows[] = {
    {.number = 0xc00, .count = 1, .name = "cycle",   .ext = EXT_ZICNTR, .read = cycle_read,   .allowed = cycle_allowed},
    {.number = 0xc01, .count = 1, .name = "time",    .ext = EXT_ZICNTR, .read = time_read,    .allowed = time_allowed},
    {.number = 0xc02, .count = 1, .name = "instret", .ext = EXT_ZICNTR, .read = instret_read, .allowed = instret_allowed},
    {.number = 0xc03, .count = RISCV_HPM_COUNTERS, .first = 3, .name = "hpmcounter", .ext = EXT_ZIHPM, .read = hpm_read, .allowed = hpm_allowed},

    {.number = 0xb00, .count = 1, .name = "mcycle",   .ext = EXT_ZICNTR, .read = cycle_read, .write = cycle_write},
    {.number = 0xb02, .count = 1, .name = "minstret", .ext = EXT_ZICNTR, .read = instret_read, .write = instret_write},
    {.number = 0xb03, .count = RISCV_HPM_COUNTERS, .first = 3, .name = "mhpmcounter", .ext = EXT_ZIHPM, .read = hpm_read, .write = hpm_write},
    {.number = 0x320, .count = 1, .name = "mcountinhibit", .ext = EXT_ZICNTR, .read = mcountinhibit_read, .write = mcountinhibit_write},
    {.number = 0x321, .count = 1, .name = "mcyclecfg",   .ext = EXT_SMCNTRPMF, .read = mcyclecfg_read, .write = mcyclecfg_write},
    {.number = 0x322, .count = 1, .name = "minstretcfg", .ext = EXT_SMCNTRPMF, .read = minstretcfg_read, .write = minstretcfg_write},
    {.number = 0x323, .count = RISCV_HPM_COUNTERS, .first = 3, .name = "mhpmevent", .ext = EXT_ZIHPM, .read = hpmevent_read, .write = hpmevent_write},
    {.number = 0xda0, .count = 1, .name = "scountovf", .ext = EXT_SSCOFPMF, .read = scountovf_read},
    {.number = 0x14d, .count = 1, .name = "stimecmp",  .ext = EXT_SSTC, .read = stimecmp_read, .write = stimecmp_write, .allowed = stimecmp_allowed},

    CSR_FIELD(0x306, "mcounteren", ZICNTR, mcounteren, 0xffffffff),
    CSR_FIELD(0x106, "scounteren", ZICNTR, scounteren, 0xffffffff),
};
/* clang-format on */

const struct riscv_csr_table riscv_csrs_counters = {rows, ARRAY_LEN(rows)};
