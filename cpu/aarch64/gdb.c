/* Registers as a debugger numbers them: GDB's org.gnu.gdb.aarch64.core and .fpu, and the system registers. */
#include <stdio.h>
#include <stdlib.h>

#include "base/bits.h"
#include "cpu/aarch64/debug.h"
#include "cpu/aarch64/exception.h"
#include "cpu/aarch64/sysreg.h"

enum {
    GDB_SP = 31,
    GDB_PC = 32,
    GDB_CPSR = 33,
    GDB_V = 34,
    GDB_FPSR = 66,
    GDB_FPCR = 67,
    GDB_SYSTEM = 100, /* + index in the table of system registers */
};

struct aarch64_register_table {
    size_t count;
    char names[2][31][4]; /* x0..x30, v0..v30 */
    struct debug_register rows[];
};

static void row_add(struct aarch64_register_table *table, const char *name, const char *type, uint16_t bits,
                    unsigned number)
{
    bool fp = number >= GDB_V && number <= GDB_FPCR, system = number >= GDB_SYSTEM;
    table->rows[table->count++] = (struct debug_register){
        .name = name,
        .type = type,
        .bits = bits,
        .number = (uint16_t)number,
        .group = system ? "system"
                 : fp   ? "float"
                        : "general",
        .feature = system ? "org.triarch.aarch64.system"
                   : fp   ? "org.gnu.gdb.aarch64.fpu"
                          : "org.gnu.gdb.aarch64.core",
    };
}

/* Those a debugger may look at without consequences: readable, and no reading of devices or of randomness. */
static bool shown(struct aarch64_core *c, int index)
{
    const struct aarch64_sysreg *r = aarch64_sysreg(index);
    unsigned op0 = r->number >> 14;
    bool named = strncmp(r->name, "ICC_", 4) != 0 && strncmp(r->name, "RNDR", 4) != 0 &&
                 strncmp(r->name, "ID_RES0", 7) != 0;
    return op0 >= 2 && (r->access & R1) && named && r->trap != TRAP_FP &&
           aarch64_sysreg_find(c, r->number) == index;
}

static struct aarch64_register_table *table_build(struct aarch64_core *c)
{
    struct aarch64_register_table *table =
        calloc(1, sizeof(*table) + (GDB_SYSTEM + aarch64_sysreg_count()) * sizeof(table->rows[0]));
    if (!table)
        abort();
    for (unsigned n = 0; n < 31; n++) {
        snprintf(table->names[0][n], sizeof(table->names[0][n]), "x%u", n);
        snprintf(table->names[1][n], sizeof(table->names[1][n]), "v%u", n);
        row_add(table, table->names[0][n], "int", 64, n);
    }
    row_add(table, "sp", "data_ptr", 64, GDB_SP);
    row_add(table, "pc", "code_ptr", 64, GDB_PC);
    row_add(table, "cpsr", "int", 32, GDB_CPSR);
    for (unsigned n = 0; n < 32 && aarch64_has(c, FEAT_FP); n++)
        row_add(table, n < 31 ? table->names[1][n] : "v31", "uint128", 128, GDB_V + n);
    if (aarch64_has(c, FEAT_FP)) {
        row_add(table, "fpsr", "int", 32, GDB_FPSR);
        row_add(table, "fpcr", "int", 32, GDB_FPCR);
    }
    for (int index = 0; index < (int)aarch64_sysreg_count(); index++) {
        if (shown(c, index))
            row_add(table, aarch64_sysreg(index)->name, "int", 64, GDB_SYSTEM + (unsigned)index);
    }
    return table;
}

const struct debug_register *aarch64_registers(struct vcpu *vcpu, size_t *count)
{
    struct aarch64_core *c = aarch64_core_of(vcpu);
    if (!c->registers)
        c->registers = table_build(c);
    *count = c->registers->count;
    return c->registers->rows;
}

void aarch64_registers_free(struct aarch64_core *c)
{
    free(c->registers);
    c->registers = NULL;
}

/* A register that is a plain 64-bit variable, or NULL. */
static uint64_t *variable(struct aarch64_core *c, unsigned number)
{
    if (number < 31)
        return &c->s.x[number];
    if (number == GDB_SP)
        return &c->s.x[REG_SP];
    return number == GDB_PC ? &c->s.pc : NULL;
}

static const struct aarch64_sysreg *system_register(struct aarch64_core *c, unsigned number)
{
    if (number < GDB_SYSTEM || number - GDB_SYSTEM >= aarch64_sysreg_count())
        return NULL;
    return shown(c, (int)(number - GDB_SYSTEM)) ? aarch64_sysreg((int)(number - GDB_SYSTEM)) : NULL;
}

bool aarch64_register_get(struct vcpu *vcpu, unsigned number, uint8_t *out)
{
    struct aarch64_core *c = aarch64_core_of(vcpu);
    const uint64_t *plain = variable(c, number);
    if (plain) {
        le64_store(out, *plain);
    } else if (number == GDB_CPSR) {
        le32_store(out, aarch64_pstate(c));
    } else if (number >= GDB_V && number < GDB_V + 32) {
        le64_store(out, c->s.v[number - GDB_V].d[0]);
        le64_store(out + 8, c->s.v[number - GDB_V].d[1]);
    } else if (number == GDB_FPSR) {
        le32_store(out, (uint32_t)a64_read_fpsr(c, NULL));
    } else if (number == GDB_FPCR) {
        le32_store(out, (uint32_t)a64_read_fpcr(c, NULL));
    } else {
        const struct aarch64_sysreg *r = system_register(c, number);
        if (!r)
            return false;
        le64_store(out, aarch64_sysreg_read(c, r));
    }
    return true;
}

bool aarch64_register_set(struct vcpu *vcpu, unsigned number, const uint8_t *in)
{
    struct aarch64_core *c = aarch64_core_of(vcpu);
    uint64_t *plain = variable(c, number);
    aarch64_resync(c);
    if (plain) {
        *plain = le64_load(in);
    } else if (number == GDB_CPSR) {
        aarch64_pstate_set(c, le32_load(in));
    } else if (number >= GDB_V && number < GDB_V + 32) {
        c->s.v[number - GDB_V].d[0] = le64_load(in);
        c->s.v[number - GDB_V].d[1] = le64_load(in + 8);
    } else if (number == GDB_FPSR) {
        return a64_write_fpsr(c, NULL, le32_load(in));
    } else if (number == GDB_FPCR) {
        return a64_write_fpcr(c, NULL, le32_load(in));
    } else {
        /* Only registers that are no more than their value. */
        const struct aarch64_sysreg *r = system_register(c, number);
        return r && !r->write && !r->read && (r->access & W1) && aarch64_sysreg_write(c, r, le64_load(in));
    }
    return true;
}
