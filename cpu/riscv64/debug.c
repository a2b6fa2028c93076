/* Registers as a debugger numbers them, breakpoints, and the trace of instructions. */
#include "cpu/riscv64/debug.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/trace.h"
#include "cpu/riscv64/blocks.h"
#include "cpu/riscv64/csr.h"
#include "cpu/riscv64/disassemble.h"

/* GDB's numbers: x0..x31, pc, f0..f31, the CSRs from 65 on, and the privilege. */
enum {
    GDB_PC = 32,
    GDB_F = 33,
    GDB_CSR = 65,
    GDB_PRIV = GDB_CSR + 4096,
};

#define CSR_NAME_SIZE 16

struct riscv_register_table {
    size_t count;
    struct debug_register rows[GDB_CSR + 256];
    char names[256][CSR_NAME_SIZE];
};

static void row_add(struct riscv_register_table *table, struct debug_register row)
{
    if (table->count < ARRAY_LEN(table->rows))
        table->rows[table->count++] = row;
}

static void csrs_add(struct riscv_core *c, struct riscv_register_table *table)
{
    unsigned names = 0;
    for (unsigned number = 0; number < 4096 && names < ARRAY_LEN(table->names); number++) {
        char *name = table->names[names];
        if (!riscv_csr_name(&c->model, number, name, CSR_NAME_SIZE))
            continue;
        names++;
        bool fp = number >= 1 && number <= 3;
        row_add(table, (struct debug_register){
                           .name = name,
                           .type = "int",
                           .bits = 64,
                           .number = (uint16_t)(GDB_CSR + number),
                           .group = fp ? "float" : "csr",
                           .feature = fp ? "org.gnu.gdb.riscv.fpu" : "org.gnu.gdb.riscv.csr",
                       });
    }
}

static struct riscv_register_table *table_build(struct riscv_core *c)
{
    struct riscv_register_table *table = calloc(1, sizeof(*table));
    if (!table)
        abort();
    for (uint16_t n = 0; n < 32; n++) {
        const char *type = n == 1 ? "code_ptr" : n >= 2 && n <= 4 ? "data_ptr" : "int";
        row_add(table, (struct debug_register){.name = riscv_x_names[n],
                                               .type = type,
                                               .bits = 64,
                                               .number = n,
                                               .group = "general",
                                               .feature = "org.gnu.gdb.riscv.cpu"});
    }
    row_add(table, (struct debug_register){.name = "pc",
                                           .type = "code_ptr",
                                           .bits = 64,
                                           .number = GDB_PC,
                                           .group = "general",
                                           .feature = "org.gnu.gdb.riscv.cpu"});
    for (uint16_t n = 0; n < 32 && riscv_has(c, EXT_F); n++) {
        row_add(table, (struct debug_register){.name = riscv_f_names[n],
                                               .type = riscv_has(c, EXT_D) ? "ieee_double" : "int",
                                               .bits = 64,
                                               .number = (uint16_t)(GDB_F + n),
                                               .group = "float",
                                               .feature = "org.gnu.gdb.riscv.fpu"});
    }
    csrs_add(c, table);
    row_add(table, (struct debug_register){.name = "priv",
                                           .type = "int",
                                           .bits = 64,
                                           .number = GDB_PRIV,
                                           .group = "system",
                                           .feature = "org.gnu.gdb.riscv.virtual"});
    return table;
}

const struct debug_register *riscv_registers(struct vcpu *vcpu, size_t *count)
{
    struct riscv_core *c = riscv_core_of(vcpu);
    if (!c->registers)
        c->registers = table_build(c);
    *count = c->registers->count;
    return c->registers->rows;
}

void riscv_registers_free(struct riscv_core *c)
{
    free(c->registers);
    c->registers = NULL;
}

/* A register that is a plain variable, or NULL. */
static uint64_t *variable(struct riscv_core *c, unsigned number)
{
    if (number < 32)
        return &c->s.x[number];
    if (number == GDB_PC)
        return &c->s.pc;
    if (number >= GDB_F && number < GDB_F + 32 && riscv_has(c, EXT_F))
        return &c->s.f[number - GDB_F];
    return NULL;
}

bool riscv_register_get(struct vcpu *vcpu, unsigned number, uint8_t *out)
{
    struct riscv_core *c = riscv_core_of(vcpu);
    const uint64_t *plain = variable(c, number);
    uint64_t value;
    if (plain)
        value = *plain;
    else if (number == GDB_PRIV)
        value = c->s.privilege;
    else if (number < GDB_CSR || !riscv_csr_debug_read(c, number - GDB_CSR, &value))
        return false;
    le64_store(out, value);
    return true;
}

bool riscv_register_set(struct vcpu *vcpu, unsigned number, const uint8_t *in)
{
    struct riscv_core *c = riscv_core_of(vcpu);
    uint64_t value = le64_load(in), *plain = variable(c, number);
    if (number == 0)
        return true;
    if (plain) {
        *plain = number == GDB_PC ? riscv_epc_legal(c, value) : value;
        return true;
    }
    if (number == GDB_PRIV) {
        if (value != PRIV_U && value != PRIV_S && value != PRIV_M)
            return false;
        riscv_privilege_set(c, (enum riscv_privilege)value);
        return true;
    }
    return number >= GDB_CSR && riscv_csr_debug_write(c, number - GDB_CSR, value);
}

/* ---- breakpoints ---- */

static bool breakpoint_at(const struct riscv_core *c, uint64_t pc)
{
    const struct debug_points *debug = c->vcpu.debug;
    for (unsigned n = 0; n < debug->count; n++) {
        if (debug->points[n].access == WALK_FETCH && debug->points[n].address == pc)
            return true;
    }
    return false;
}

const struct riscv_insn *riscv_break_check(struct riscv_core *c, const struct riscv_insn *i,
                                           struct tlb_bank *bank, uint64_t pc)
{
    uint64_t here = pc + 2 * (uint64_t)i->offset;
    if (!breakpoint_at(c, here))
        TAIL return next(c, i, bank, pc);
    *c->exit = (struct vcpu_exit){.reason = EXIT_DEBUG, .debug = {.address = here, .access = WALK_FETCH}};
    c->fault = (struct riscv_fault){FAULT_STOP, here};
    TAIL return riscv_raise(c, i, bank, pc);
}

/* ---- the trace of instructions ---- */

static size_t code_read(struct riscv_core *c, uint64_t pc, uint8_t bytes[4])
{
    size_t len = 0;
    for (; len < 4; len += 2) {
        struct riscv_code code = riscv_fetch(c, pc + len, len == 0);
        if (!code.host)
            break;
        le16_store(bytes + len, (uint16_t)host_load(code.host, 2));
        if (len == 0 && (bytes[0] & 3) != 3)
            return 2;
    }
    return len;
}

void riscv_trace_before(struct riscv_core *c)
{
    uint8_t bytes[4] = {0};
    char text[80] = "?", raw[12] = "";
    size_t len = code_read(c, c->s.pc, bytes);
    riscv_disassemble(&c->model, c->s.pc, bytes, len, text, sizeof(text));
    if (len)
        snprintf(raw, sizeof(raw), len == 4 ? "%08" PRIx32 : "%04" PRIx32,
                 len == 4 ? le32_load(bytes) : le16_load(bytes));
    trace_line(TRACE_INSN, (int)c->vcpu.index, "%c %016" PRIx64 " %-8s  %s", "US?M"[c->s.privilege],
               c -> s.pc, raw, text);
    memcpy(c->trace_x, c->s.x, sizeof(c->trace_x));
    memcpy(c->trace_f, c->s.f, sizeof(c->trace_f));
}

void riscv_trace_after(struct riscv_core *c)
{
    char text[512];
    int used = 0;
    for (unsigned n = 1; n < 32; n++) {
        if (c->s.x[n] != c->trace_x[n] && used < (int)sizeof(text) - 32)
            used += snprintf(text + used, sizeof(text) - (size_t)used, " %s=%" PRIx64, riscv_x_names[n],
                             c->s.x[n]);
    }
    for (unsigned n = 0; n < 32; n++) {
        if (c->s.f[n] != c->trace_f[n] && used < (int)sizeof(text) - 32)
            used += snprintf(text + used, sizeof(text) - (size_t)used, " %s=%" PRIx64, riscv_f_names[n],
                             c->s.f[n]);
    }
    if (used)
        trace_line(TRACE_INSN, (int)c->vcpu.index, "   %s", text);
}
