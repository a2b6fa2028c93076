/* Finding a control register by number, and whether the present mode may have it. */
#include "cpu/riscv64/csr.h"

#include <stdio.h>

static const struct riscv_csr_table *const tables[] = {
    &riscv_csrs_machine,
    &riscv_csrs_supervisor,
    &riscv_csrs_counters,
    &riscv_csrs_user,
};

static const struct riscv_csr *by_number[4096];

void riscv_csr_init(void)
{
    for (unsigned t = 0; t < ARRAY_LEN(tables); t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            const struct riscv_csr *csr = &tables[t]->rows[i];
            for (unsigned n = 0; n < csr->count; n++)
                by_number[csr->number + n] = csr;
        }
    }
}

static const struct riscv_csr *lookup(const struct riscv_model *model, unsigned number)
{
    const struct riscv_csr *csr = by_number[number & 4095];
    return csr && riscv_model_has(model, csr->ext) ? csr : NULL;
}

const struct riscv_csr *riscv_csr_find(struct riscv_core *c, unsigned number, bool write)
{
    const struct riscv_csr *csr = lookup(&c->model, number);
    /* Bits 9:8 are the lowest privilege, 11:10 = 3 a read-only register (Priv. 2.1). */
    if (!csr || c->s.privilege < (number >> 8 & 3) || (write && number >> 10 == 3))
        return NULL;
    if (csr->allowed && !csr->allowed(c, number - csr->number, write))
        return NULL;
    return csr;
}

static uint64_t *member(struct riscv_core *c, const struct riscv_csr *csr)
{
    return (uint64_t *)(void *)((char *)&c->s + csr->field);
}

uint64_t riscv_csr_read(struct riscv_core *c, const struct riscv_csr *csr, unsigned number)
{
    return csr->read ? csr->read(c, number - csr->number) : *member(c, csr);
}

void riscv_csr_write(struct riscv_core *c, const struct riscv_csr *csr, unsigned number, uint64_t value)
{
    if (csr->write)
        csr->write(c, number - csr->number, value);
    else if (!csr->read)
        *member(c, csr) = (*member(c, csr) & ~csr->mask) | (value & csr->mask);
}

uint64_t riscv_csr_modify_base(struct riscv_core *c, unsigned number, uint64_t read)
{
    const uint64_t seip = BIT(INT_SEI);
    return number == 0x344 ? (read & ~seip) | (c->s.mip & seip) : read;
}

bool riscv_csr_name(const struct riscv_model *model, unsigned number, char *text, size_t size)
{
    const struct riscv_csr *csr = lookup(model, number);
    if (!csr)
        return false;
    if (csr->count > 1)
        snprintf(text, size, "%s%u", csr->name, csr->first + (number - csr->number));
    else
        snprintf(text, size, "%s", csr->name);
    return true;
}

bool riscv_csr_debug_read(struct riscv_core *c, unsigned number, uint64_t *value)
{
    const struct riscv_csr *csr = lookup(&c->model, number);
    if (!csr)
        return false;
    *value = riscv_csr_read(c, csr, number);
    return true;
}

bool riscv_csr_debug_write(struct riscv_core *c, unsigned number, uint64_t value)
{
    const struct riscv_csr *csr = lookup(&c->model, number);
    if (!csr)
        return false;
    riscv_csr_write(c, csr, number, value);
    return true;
}
