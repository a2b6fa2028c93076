/* Device accesses of a guest under KVM: they go to the machine's buses without moving the core's state. */
#include <string.h>

#include "accel/kvm/kvm_private.h"
#include "base/bits.h"

static bool is_width(unsigned len)
{
    return len == 1 || len == 2 || len == 4 || len == 8;
}

static void load(const struct physmem *mem, uint64_t address, uint8_t *data, unsigned len)
{
    uint64_t value;
    if (!physmem_load(mem, gpa(address), len, &value))
        value = ~(uint64_t)0;
    le_store(data, len, value);
}

/* The kernel cuts at pages and at 8 bytes, and so leaves odd lengths. */
void kvm_memory_access(struct kvm_vcpu *kv)
{
    const struct physmem *mem = kv->vcpu->mem;
    uint64_t address = kv->run->mmio.phys_addr;
    uint8_t *data = kv->run->mmio.data;
    unsigned len = kv->run->mmio.len, width = is_width(len) ? len : 1;
    vcpu_exit_count(kv->vcpu, EXIT_MMIO);
    for (unsigned at = 0; at < len && at < sizeof(kv->run->mmio.data); at += width) {
        if (kv->run->mmio.is_write)
            physmem_store(mem, gpa(address + at), width, le_load(data + at, width));
        else
            load(mem, address + at, data + at, width);
    }
    kv->io_pending = true;
}

void kvm_port_access(struct kvm_vcpu *kv)
{
    struct bus *ports = kv->vcpu->mem->pio;
    unsigned width = kv->run->io.size;
    uint16_t port = kv->run->io.port;
    uint8_t *data = (uint8_t *)kv->run + kv->run->io.data_offset;
    vcpu_exit_count(kv->vcpu, EXIT_PIO);
    for (uint32_t i = 0; i < kv->run->io.count; i++, data += width) {
        uint64_t value = ~(uint64_t)0;
        if (kv->run->io.direction == KVM_EXIT_IO_OUT) {
            bus_write(ports, port, le_load(data, width), width);
        } else {
            if (!bus_read(ports, port, width, &value))
                value = ~(uint64_t)0;
            le_store(data, width, value);
        }
    }
    kv->io_pending = true;
}
