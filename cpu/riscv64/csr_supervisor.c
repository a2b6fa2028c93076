/* Supervisor-level registers (Priv. 12.1): views of machine registers, and its own. */
#include "cpu/riscv64/csr.h"

#define SSTATUS_WRITABLE (MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_FS | MSTATUS_SUM | MSTATUS_MXR)
#define SSTATUS_VISIBLE  (SSTATUS_WRITABLE | MSTATUS_UBE | MSTATUS_VS | MSTATUS_XS | MSTATUS_UXL | MSTATUS_SD)

static uint64_t sstatus_read(struct riscv_core *c, unsigned n)
{
    (void)n;
    return riscv_mstatus_get(c) & SSTATUS_VISIBLE;
}

static void sstatus_write(struct riscv_core *c, unsigned n, uint64_t value)
{
    (void)n;
    riscv_mstatus_set(c, (c->s.mstatus & ~SSTATUS_WRITABLE) | (value & SSTATUS_WRITABLE));
}

/* sie and sip show what is delegated; the rest reads as zero and stays. */
static uint64_t sie_read(struct riscv_core *c, unsigned n)
{
    (void)n;
    return c->s.mie & c->s.mideleg;
}

static void sie_write(struct riscv_core *c, unsigned n, uint64_t value)
{
    (void)n;
    c->s.mie = (c->s.mie & ~c->s.mideleg) | (value & c->s.mideleg);
    riscv_resync(c);
}

static uint64_t sip_read(struct riscv_core *c, unsigned n)
{
    (void)n;
    riscv_timer_look(c);
    return riscv_mip(c) & c->s.mideleg;
}

static void sip_write(struct riscv_core *c, unsigned n, uint64_t value)
{
    (void)n;
    uint64_t mask = c->s.mideleg & (BIT(INT_SSI) | BIT(INT_LCOF));
    riscv_mip_change(c, value & mask, ~value & mask);
    riscv_resync(c);
}

static uint64_t stvec_read(struct riscv_core *c, unsigned n)
{
    (void)n;
    return c->s.stvec;
}

static void stvec_write(struct riscv_core *c, unsigned n, uint64_t value)
{
    (void)n;
    c->s.stvec = riscv_tvec_legal(c->s.stvec, value);
}

static uint64_t sepc_read(struct riscv_core *c, unsigned n)
{
    (void)n;
    return c->s.sepc;
}

static void sepc_write(struct riscv_core *c, unsigned n, uint64_t value)
{
    (void)n;
    c->s.sepc = riscv_epc_legal(c, value);
}

static bool senvcfg_allowed(struct riscv_core *c, unsigned n, bool write)
{
    (void)n, (void)write;
    return riscv_stateen_allows(c, 0, MSTATEEN_ENVCFG);
}

static uint64_t senvcfg_read(struct riscv_core *c, unsigned n)
{
    (void)n;
    return c->s.senvcfg;
}

static void senvcfg_write(struct riscv_core *c, unsigned n, uint64_t value)
{
    (void)n;
    c->s.senvcfg = riscv_envcfg_legal(c, c->s.senvcfg, value);
}

/* None of the state these control for U exists here. */
static bool sstateen_allowed(struct riscv_core *c, unsigned n, bool write)
{
    (void)write;
    return riscv_stateen_allows(c, n, MSTATEEN_SE0);
}

static uint64_t sstateen_read(struct riscv_core *c, unsigned n)
{
    (void)c, (void)n;
    return 0;
}

static void sstateen_write(struct riscv_core *c, unsigned n, uint64_t value)
{
    (void)c, (void)n, (void)value;
}

static bool satp_allowed(struct riscv_core *c, unsigned n, bool write)
{
    (void)n, (void)write;
    return c->s.privilege == PRIV_M || !(c->s.mstatus & MSTATUS_TVM);
}

static uint64_t satp_read(struct riscv_core *c, unsigned n)
{
    (void)n;
    return c->s.satp;
}

/* A write with a mode that isn't there has no effect at all (Priv. 12.1.11). */
static void satp_write(struct riscv_core *c, unsigned n, uint64_t value)
{
    (void)n;
    uint64_t mode = value >> SATP_MODE_SHIFT;
    if (mode != SATP_BARE && (mode < SATP_SV39 || mode > c->model.satp_modes))
        return;
    c->s.satp = value;
    riscv_resync(c);
}

/* clang-format off */
static const struct riscv_csr rows[] = {
    {.number = 0x100, .count = 1, .name = "sstatus", .ext = EXT_S, .read = sstatus_read, .write = sstatus_write},
    {.number = 0x104, .count = 1, .name = "sie",     .ext = EXT_S, .read = sie_read,     .write = sie_write},
    {.number = 0x105, .count = 1, .name = "stvec",   .ext = EXT_S, .read = stvec_read,   .write = stvec_write},
    {.number = 0x10a, .count = 1, .name = "senvcfg", .ext = EXT_S, .read = senvcfg_read, .write = senvcfg_write, .allowed = senvcfg_allowed},
    {.number = 0x10c, .count = 4, .name = "sstateen", .ext = EXT_SMSTATEEN, .read = sstateen_read, .write = sstateen_write, .allowed = sstateen_allowed},
    {.number = 0x141, .count = 1, .name = "sepc",    .ext = EXT_S, .read = sepc_read,    .write = sepc_write},
    {.number = 0x144, .count = 1, .name = "sip",     .ext = EXT_S, .read = sip_read,     .write = sip_write},
    {.number = 0x180, .count = 1, .name = "satp",    .ext = EXT_S, .read = satp_read,    .write = satp_write, .allowed = satp_allowed},

    CSR_FIELD(0x140, "sscratch", S, sscratch, ~(uint64_t)0),
    CSR_FIELD(0x142, "scause",   S, scause,   ~(uint64_t)0),
    CSR_FIELD(0x143, "stval",    S, stval,    ~(uint64_t)0),
};
/* clang-format on */

const struct riscv_csr_table riscv_csrs_supervisor = {rows, ARRAY_LEN(rows)};
