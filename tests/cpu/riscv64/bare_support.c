#include "tests/cpu/riscv64/bare.h"

#include <stdlib.h>

#include "tests/cpu/bare_memory.h"

static uint64_t device_read(void *opaque, uint64_t offset, unsigned width)
{
    const struct bare *bare = opaque;
    (void)width;
    return bare->device + offset;
}

static void device_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct bare *bare = opaque;
    (void)width;
    bare->stored = value;
    bare->stored_at = offset;
}

struct bare *bare_create(const char *model)
{
    struct bare *bare = calloc(1, sizeof(*bare));
    struct error err = {0};
    const struct bus_region device = {.name = "device",
                                      .base = BARE_DEVICE,
                                      .size = PAGE_SIZE,
                                      .min_width = 1,
                                      .max_width = 8,
                                      .read = device_read,
                                      .write = device_write,
                                      .opaque = bare};
    bare->block = bare_memory_make(&bare->mem, BARE_RAM, BARE_RAM_SIZE, &device);
    bare->ram = bare->mem.ram;
    bare->bus = bare->mem.mmio;
    bare->clock = clock_create(&(struct clock_config){0});
    const struct cpu_config config = {
        .model = model ? model : "max", .mem = &bare->mem, .clock = bare->clock, .debug = &bare->debug};
    bare->vcpu = riscv64_ops.create(&config, &err);
    if (!bare->vcpu) {
        FAIL("no hart: %s", err.text);
        abort();
    }
    bare->vcpu->engine = &interpreter_engine;
    bare->s = riscv_state(bare->vcpu);
    bare->s->mtvec = BARE_TRAP;
    bare->s->stvec = BARE_STRAP;
    bare_csr_set(bare, CSR_PMPADDR0, ~(uint64_t)0);
    bare_csr_set(bare, CSR_PMPCFG0, 0x1f);
    return bare;
}

void bare_destroy(struct bare *bare)
{
    riscv64_ops.destroy(bare->vcpu);
    clock_destroy(bare->clock);
    bare_memory_free(&bare->mem);
    free(bare);
}

void bare_put(struct bare *bare, uint64_t address, const uint32_t *words, size_t count)
{
    bare_words_put(&bare->mem, address, words, count);
}

void bare_put16(struct bare *bare, uint64_t address, uint16_t half)
{
    uint8_t bytes[2];
    le16_store(bytes, half);
    CHECK(ram_write(bare->ram, gpa(address), bytes, 2));
}

uint64_t bare_load(struct bare *bare, uint64_t address)
{
    return bare_memory_load(&bare->mem, address);
}

void bare_store(struct bare *bare, uint64_t address, uint64_t value)
{
    bare_memory_store(&bare->mem, address, value);
}

static void points_set(struct bare *bare)
{
    const uint64_t stops[] = {BARE_TRAP, BARE_STRAP, bare->end};
    bare->debug.any_break = !bare->plain;
    bare->debug.count = ARRAY_LEN(stops);
    for (unsigned i = 0; i < ARRAY_LEN(stops); i++) {
        bare->debug.points[i].address = stops[i];
        bare->debug.points[i].len = 2;
        bare->debug.points[i].access = WALK_FETCH;
    }
    riscv64_ops.code_drop_all(bare->vcpu);
}

void bare_run(struct bare *bare, uint64_t pc)
{
    points_set(bare);
    riscv64_ops.pc_set(bare->vcpu, pc);
    bare->s->waiting = 0;
    vcpu_run(bare->vcpu, &bare->exit);
}

void bare_mode(struct bare *bare, enum riscv_privilege p)
{
    bare->s->privilege = (uint8_t)p;
}

/* Run one instruction in M mode somewhere else, and put everything back but what it was for. */
static uint64_t csr_swap(struct bare *bare, uint32_t insn, uint64_t in)
{
    const uint64_t scratch = BARE_RAM + BARE_RAM_SIZE - 64;
    uint64_t pc = bare->s->pc, a0_old = bare->s->x[a0], mstatus = bare->s->mstatus, end = bare->end;
    uint8_t privilege = bare->s->privilege;
    bool plain = bare->plain;
    BARE_PUT(bare, scratch, insn);
    bare->end = scratch + 4;
    bare->plain = false;
    bare->s->privilege = PRIV_M;
    bool status = (insn >> 20) == CSR_MSTATUS || (insn >> 20) == CSR_SSTATUS;
    bare->s->mstatus &= ~(MSTATUS_MPRV | (status ? 0 : MSTATUS_MIE));
    bare->s->x[a0] = in;
    bare_run(bare, scratch);
    uint64_t out = bare->s->x[a0];
    CHECK_EQ(bare->s->pc, scratch + 4);
    if (!status)
        bare->s->mstatus = mstatus;
    bare->end = end;
    bare->plain = plain;
    bare->s->privilege = privilege;
    bare->s->x[a0] = a0_old;
    bare->s->pc = pc;
    bare->s->waiting = 0;
    return out;
}

uint64_t bare_csr(struct bare *bare, unsigned csr)
{
    return csr_swap(bare, CSRRS(a0, csr, zero), 0);
}

void bare_csr_set(struct bare *bare, unsigned csr, uint64_t value)
{
    csr_swap(bare, CSRRW(zero, csr, a0), value);
}
