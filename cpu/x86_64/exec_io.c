#include "base/trace.h"
#include "cpu/x86_64/debug.h"
#include "cpu/x86_64/io.h"
#include "cpu/x86_64/kinds.h"
#include "cpu/x86_64/mmu.h"

/* The I/O permission bitmap of a 32-bit or 64-bit TSS (SDM vol. 1, 19.5.2): always two bytes of it are read.
 */
static bool bitmap_allows(struct x86_core *c, uint16_t port, unsigned width)
{
    const struct x86_segment *tr = &c->s.seg[TR];
    if (!(tr->attributes & SEG_P) || !(tr->attributes & 8) || tr->limit < 103)
        return x86_fault_gp(c, 0);
    struct x86_loaded map = x86_system_read(c, tr->base + 102, 2);
    if (!map.ok)
        return false;
    uint64_t at = map.value + port / 8;
    if (at + 1 > tr->limit)
        return x86_fault_gp(c, 0);
    struct x86_loaded bits = x86_system_read(c, tr->base + at, 2);
    if (!bits.ok)
        return false;
    return !(bits.value >> (port & 7) & ((1u << width) - 1)) || x86_fault_gp(c, 0);
}

bool x86_port_allowed(struct x86_core *c, uint16_t port, unsigned width)
{
    bool free = !(c->s.cr0 & CR0_PE) || (!x86_v86(c) && c->s.cpl <= x86_iopl(c));
    return free || bitmap_allows(c, port, width);
}

/* Devices may change what the processor works with: A20, resets, its own interrupts. */
uint64_t x86_port_read(struct x86_core *c, uint16_t port, unsigned width)
{
    uint64_t value;
    x86_port_hit(c, port, width);
    vcpu_exit_count(&c->vcpu, EXIT_PIO);
    x86_resync(c);
    if (!c->vcpu.mem->pio || !bus_read(c->vcpu.mem->pio, port, width, &value))
        value = ~(uint64_t)0 >> (64 - 8 * width);
    if (trace_on(TRACE_IO))
        trace_line(TRACE_IO, (int)c->vcpu.index, "in %#x.%u %#llx", port, width, (unsigned long long)value);
    return value;
}

void x86_port_write(struct x86_core *c, uint16_t port, unsigned width, uint64_t value)
{
    x86_port_hit(c, port, width);
    vcpu_exit_count(&c->vcpu, EXIT_PIO);
    x86_resync(c);
    value &= ~(uint64_t)0 >> (64 - 8 * width);
    if (trace_on(TRACE_IO))
        trace_line(TRACE_IO, (int)c->vcpu.index, "out %#x.%u %#llx", port, width, (unsigned long long)value);
    if (c->vcpu.mem->pio)
        bus_write(c->vcpu.mem->pio, port, value, width);
}

static bool in(struct x86_core *c, const struct x86_insn *i, uint16_t port)
{
    unsigned width = 1u << i->opsize;
    if (!x86_port_allowed(c, port, width))
        return false;
    uint64_t value = x86_port_read(c, port, width);
    if (width == 1)
        x86_reg_set(c, RAX, 1, value);
    else
        x86_operand_reg_set(c, RAX, i->opsize, value);
    return true;
}

static bool out(struct x86_core *c, const struct x86_insn *i, uint16_t port)
{
    unsigned width = 1u << i->opsize;
    if (!x86_port_allowed(c, port, width))
        return false;
    x86_port_write(c, port, width, c->s.gpr[RAX]);
    return true;
}

X86_DO(in_i)
{
    return in(c, i, (uint16_t)i->imm);
}
X86_SYSTEM(in_i)

X86_DO(in_d)
{
    return in(c, i, (uint16_t)c->s.gpr[RDX]);
}
X86_SYSTEM(in_d)

X86_DO(out_i)
{
    return out(c, i, (uint16_t)i->imm);
}
X86_SYSTEM(out_i)

X86_DO(out_d)
{
    return out(c, i, (uint16_t)c->s.gpr[RDX]);
}
X86_SYSTEM(out_d)
