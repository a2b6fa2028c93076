#include "machine/sbi/sbi.h"

#include <stdlib.h>

#include "base/bits.h"
#include "machine/sbi/sbi_private.h"

#define SBI_VERSION        (2u << 24) /* 2.0 */
#define SBI_IMPLEMENTATION 0x54524941 /* "TRIA": not among the registered ones */

/* Registers of the calling convention (SBI 2.0, 3). */
#define REG_A0 10
#define REG_A1 11
#define REG_A6 16
#define REG_A7 17

#define CSR_MVENDORID 0xf11

static sbi_handler sbi_base;

static const struct {
    uint32_t id;
    sbi_handler *handler;
} extensions[] = {
    {0x10, sbi_base},          {0x54494d45, sbi_time},    {0x735049, sbi_ipi},
    {0x52464e43, sbi_rfence},  {0x48534d, sbi_hsm},       {0x53525354, sbi_reset},
    {0x4442434e, sbi_console}, {0x53555350, sbi_suspend}, {0x504d55, sbi_pmu},
};

static sbi_handler *extension_find(uint64_t id)
{
    for (size_t i = 0; i < ARRAY_LEN(extensions); i++) {
        if (extensions[i].id == id)
            return extensions[i].handler;
    }
    return NULL;
}

static struct sbi_result sbi_base(struct sbi_args *call)
{
    switch (call->function) {
    case 0: return sbi_return(SBI_VERSION);
    case 1: return sbi_return(SBI_IMPLEMENTATION);
    case 2: return sbi_return(1);
    case 3: return sbi_return(call->a[0] <= SBI_LEGACY_LAST || extension_find(call->a[0]));
    case 4: /* mvendorid, marchid, mimpid */
    case 5:
    case 6: return sbi_return(sbi_csr_get(call->hart->vcpu, CSR_MVENDORID + (unsigned)call->function - 4));
    default: return sbi_fail(SBI_ERR_NOT_SUPPORTED);
    }
}

struct sbi_result sbi_each_hart(struct sbi_args *call, uint64_t mask, uint64_t base,
                                void (*fn)(struct sbi_args *call, struct sbi_hart *hart))
{
    struct sbi *sbi = call->sbi;
    bool all = base == UINT64_MAX;
    for (unsigned i = 0; !all && i < 64; i++) {
        if (mask >> i & 1 && (base >= sbi->hart_count || i >= sbi->hart_count - base))
            return sbi_fail(SBI_ERR_INVALID_PARAM);
    }
    for (unsigned i = 0; i < sbi->hart_count; i++) {
        if (all || (i >= base && i - base < 64 && mask >> (i - base) & 1))
            fn(call, &sbi->harts[i]);
    }
    return sbi_return(0);
}

void sbi_event_count(struct sbi_hart *hart, enum sbi_event event)
{
    __atomic_add_fetch(&hart->events[event], 1, __ATOMIC_RELAXED);
}

bool sbi_address_ok(const struct sbi *sbi, uint64_t address)
{
    return address % 2 == 0 && ram_at(sbi->config.run->machine.mem.ram, gpa(address), 2, RAM_READ);
}

#define ECALL_SIZE 4

void sbi_call_again(struct sbi_args *call)
{
    riscv_state(call->hart->vcpu)->pc -= ECALL_SIZE;
    call->replaced = true;
}

/* GDB numbers control and status registers from 65. */
#define GDB_CSR 65

uint64_t sbi_csr_get(struct vcpu *vcpu, unsigned csr)
{
    uint8_t bytes[8] = {0};
    vcpu->ops->register_get(vcpu, GDB_CSR + csr, bytes);
    return le64_load(bytes);
}

void sbi_csr_set(struct vcpu *vcpu, unsigned csr, uint64_t value)
{
    uint8_t bytes[8];
    le64_store(bytes, value);
    vcpu->ops->register_set(vcpu, GDB_CSR + csr, bytes);
}

void sbi_call(struct sbi *sbi, struct vcpu *vcpu)
{
    struct riscv_state *s = riscv_state(vcpu);
    struct sbi_args call = {.sbi = sbi, .hart = &sbi->harts[vcpu->index], .function = s->x[REG_A6]};
    for (unsigned i = 0; i < ARRAY_LEN(call.a); i++)
        call.a[i] = s->x[REG_A0 + i];
    uint64_t extension = s->x[REG_A7];
    if (extension <= SBI_LEGACY_LAST) {
        uint64_t value = sbi_legacy(&call, extension);
        if (!call.replaced)
            s->x[REG_A0] = value;
        return;
    }
    sbi_handler *handler = extension_find(extension);
    struct sbi_result result = handler ? handler(&call) : sbi_fail(SBI_ERR_NOT_SUPPORTED);
    if (call.replaced)
        return;
    s->x[REG_A0] = (uint64_t)result.error;
    s->x[REG_A1] = result.value;
}

struct sbi *sbi_create(const struct sbi_config *config)
{
    struct sbi *sbi = machine_alloc(sizeof(*sbi));
    sbi->config = *config;
    sbi->hart_count = config->run->vcpu_count;
    sbi->harts = machine_alloc(sbi->hart_count * sizeof(*sbi->harts));
    for (unsigned i = 0; i < sbi->hart_count; i++)
        sbi->harts[i].vcpu = config->run->vcpus[i];
    return sbi;
}

void sbi_destroy(struct sbi *sbi)
{
    if (!sbi)
        return;
    free(sbi->harts);
    free(sbi);
}
