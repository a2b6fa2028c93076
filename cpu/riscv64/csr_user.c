/* User-level registers: the floating-point status, and the entropy source. */
#include "cpu/riscv64/csr.h"

#include "host/random.h"

static bool fp_allowed(struct riscv_core *c, unsigned n, bool write)
{
    (void)n, (void)write;
    return c->s.mstatus & MSTATUS_FS;
}

static void fp_dirty(struct riscv_core *c)
{
    c->s.mstatus |= MSTATUS_FS;
}

static uint64_t fflags_read(struct riscv_core *c, unsigned n)
{
    (void)n;
    return c->fp.flags & FP_IEEE_FLAGS;
}

static void fflags_write(struct riscv_core *c, unsigned n, uint64_t value)
{
    (void)n;
    c->fp.flags = value & FP_IEEE_FLAGS;
    fp_dirty(c);
}

static uint64_t frm_read(struct riscv_core *c, unsigned n)
{
    (void)n;
    return c->s.frm;
}

static void frm_write(struct riscv_core *c, unsigned n, uint64_t value)
{
    (void)n;
    c->s.frm = value & 7;
    fp_dirty(c);
}

static uint64_t fcsr_read(struct riscv_core *c, unsigned n)
{
    return fflags_read(c, n) | (uint64_t)c->s.frm << 5;
}

static void fcsr_write(struct riscv_core *c, unsigned n, uint64_t value)
{
    fflags_write(c, n, value);
    frm_write(c, n, value >> 5);
}

/* seed must be accessed by an instruction that writes, and below M needs leave (Zkr 4.1). */
static bool seed_allowed(struct riscv_core *c, unsigned n, bool write)
{
    (void)n;
    if (c->s.privilege == PRIV_M)
        return write;
    return write && (c->s.mseccfg & (c->s.privilege == PRIV_S ? MSECCFG_SSEED : MSECCFG_USEED));
}

#define SEED_ES16 ((uint64_t)2 << 30) /* OPST: 16 bits of entropy are there */

static uint64_t seed_read(struct riscv_core *c, unsigned n)
{
    (void)c, (void)n;
    uint16_t entropy;
    host_random(&entropy, sizeof(entropy));
    return SEED_ES16 | entropy;
}

static void seed_write(struct riscv_core *c, unsigned n, uint64_t value)
{
    (void)c, (void)n, (void)value;
}

/* clang-format off */
static const struct riscv_csr rows[] = {
    {.number = 0x001, .count = 1, .name = "fflags", .ext = EXT_F, .read = fflags_read, .write = fflags_write, .allowed = fp_allowed},
    {.number = 0x002, .count = 1, .name = "frm",    .ext = EXT_F, .read = frm_read,    .write = frm_write,    .allowed = fp_allowed},
    {.number = 0x003, .count = 1, .name = "fcsr",   .ext = EXT_F, .read = fcsr_read,   .write = fcsr_write,   .allowed = fp_allowed},
    {.number = 0x015, .count = 1, .name = "seed",   .ext = EXT_ZKR, .read = seed_read, .write = seed_write,   .allowed = seed_allowed},
};
/* clang-format on */

const struct riscv_csr_table riscv_csrs_user = {rows, ARRAY_LEN(rows)};
