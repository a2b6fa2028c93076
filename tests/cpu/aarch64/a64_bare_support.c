#include "tests/cpu/aarch64/a64_bare.h"

#include <stdlib.h>

#include "tests/cpu/bare_memory.h"

static uint64_t device_read(void *opaque, uint64_t offset, unsigned width)
{
    (void)opaque, (void)width;
    return 0x1122334400000000 + offset;
}

static void device_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    (void)opaque, (void)offset, (void)value, (void)width;
}

static void output_set(void *opaque, unsigned number, bool level)
{
    struct a64_bare *bare = opaque;
    bare->outputs[number] = level;
    bare->output_icount = bare->vcpu->icount;
}

static bool gic_read(void *opaque, uint32_t sysreg, uint64_t *value)
{
    (void)opaque;
    *value = sysreg;
    return true;
}

static bool gic_write(void *opaque, uint32_t sysreg, uint64_t value)
{
    struct a64_bare *bare = opaque;
    bare->icc[0] = sysreg;
    bare->icc[1] = value;
    return true;
}

struct a64_bare *a64_create(const char *model)
{
    return a64_create_with(model, false);
}

static void memory_make(struct a64_bare *bare)
{
    const struct bus_region device = {.name = "device",
                                      .base = A64_DEVICE,
                                      .size = PAGE_SIZE,
                                      .min_width = 1,
                                      .max_width = 8,
                                      .read = device_read,
                                      .write = device_write,
                                      .opaque = bare};
    bare_memory_make(&bare->mem, A64_RAM, A64_RAM_SIZE, &device);
    bare->ram = bare->mem.ram;
    bare->bus = bare->mem.mmio;
}

struct a64_bare *a64_create_with(const char *model, bool hypercalls)
{
    struct a64_bare *bare = calloc(1, sizeof(*bare));
    struct error err = {0};
    memory_make(bare);
    host_mutex_init(&bare->lock);
    bare->clock = clock_create(&(struct clock_config){0});
    const struct cpu_config config = {.model = model,
                                      .mem = &bare->mem,
                                      .clock = bare->clock,
                                      .debug = &bare->debug,
                                      .hypercalls = hypercalls};
    bare->vcpu = aarch64_ops.create(&config, &err);
    if (!bare->vcpu) {
        FAIL("no core: %s", err.text);
        abort();
    }
    struct aarch64_board board = {.lock = &bare->lock,
                                  .gic = {.read = gic_read, .write = gic_write, .opaque = bare},
                                  .timer_hz = 1000000000};
    for (unsigned n = 0; n < AARCH64_OUTPUTS; n++)
        board.outputs[n] = (struct irq_line){.set = output_set, .opaque = bare, .number = n};
    aarch64_connect(bare->vcpu, &board);
    bare->vcpu->engine = &interpreter_engine;
    bare->s = aarch64_state(bare->vcpu);
    bare->s->vbar_el1 = A64_VECTORS;
    bare->s->x[REG_SP] = A64_RAM + 0x80000;
    return bare;
}

void a64_destroy(struct a64_bare *bare)
{
    aarch64_ops.destroy(bare->vcpu);
    clock_destroy(bare->clock);
    bare_memory_free(&bare->mem);
    host_mutex_destroy(&bare->lock);
    free(bare);
}

void a64_put(struct a64_bare *bare, uint64_t address, const uint32_t *words, size_t count)
{
    bare_words_put(&bare->mem, address, words, count);
}

uint64_t a64_load(struct a64_bare *bare, uint64_t address)
{
    return bare_memory_load(&bare->mem, address);
}

void a64_store(struct a64_bare *bare, uint64_t address, uint64_t value)
{
    bare_memory_store(&bare->mem, address, value);
}

static void points_set(struct a64_bare *bare)
{
    bare->debug.any_break = true;
    bare->debug.count = 0;
    for (unsigned n = 0; n <= 16; n++) {
        uint64_t at = n < 16 ? bare->s->vbar_el1 + 0x80 * n : bare->end;
        bare->debug.points[bare->debug.count].address = at;
        bare->debug.points[bare->debug.count].len = 4;
        bare->debug.points[bare->debug.count++].access = WALK_FETCH;
    }
    aarch64_ops.code_drop_all(bare->vcpu);
}

void a64_run(struct a64_bare *bare, uint64_t pc)
{
    points_set(bare);
    bare->s->waiting = 0;
    aarch64_ops.pc_set(bare->vcpu, pc);
    vcpu_run(bare->vcpu, &bare->exit);
}

void a64_enter(struct a64_bare *bare, unsigned el)
{
    uint8_t cpsr[4];
    le32_store(cpsr, el ? PSTATE_EL1H : PSTATE_EL0T);
    uint64_t sp = bare->s->x[REG_SP];
    CHECK(aarch64_ops.register_set(bare->vcpu, 33, cpsr));
    bare->s->x[REG_SP] = sp;
}

/* Three levels: 39 bits, blocks of 1 GiB, but RAM's first gigabyte as 2 MiB blocks with a table for the
 * first. */
void a64_mmu_on(struct a64_bare *bare)
{
    uint64_t l1 = A64_TABLES, l2 = A64_TABLES + 0x1000, l3 = A64_TABLES + 0x2000;
    for (uint64_t n = 0; n < 4; n++)
        a64_store(bare, l1 + 8 * n, n << 30 | 0x701 | A64_DEVICE_ATTR | A64_USER | A64_PXN | A64_UXN);
    a64_store(bare, l1 + 8, l2 | 3);
    for (uint64_t n = 0; n < 512; n++)
        a64_store(bare, l2 + 8 * n, (A64_RAM + (n << 21)) | 0x701);
    a64_store(bare, l2, l3 | 3);
    for (uint64_t n = 0; n < 512; n++) {
        uint64_t va = A64_RAM + (n << 12);
        bool data = va >= A64_DATA && va < A64_VECTORS;
        a64_store(bare, l3 + 8 * n, va | A64_PAGE | A64_USER | (data ? 0 : A64_RO));
    }
    bare->s->ttbr0_el1 = l1;
    bare->s->tcr_el1 = 25 | 25 << 16 | (uint64_t)5 << 32 | (uint64_t)1 << 23; /* EPD1 */
    bare->s->mair_el1 = 0x4400ff; /* Normal write-back, Device-nGnRnE, Normal non-cacheable */
    a64_sysreg_set(bare, SCTLR_EL1, bare->s->sctlr_el1 | SCTLR_M);
}

uint64_t a64_page_get(struct a64_bare *bare, uint64_t va)
{
    return a64_load(bare, A64_TABLES + 0x2000 + (va - A64_RAM) / PAGE_SIZE * 8);
}

void a64_page_set(struct a64_bare *bare, uint64_t va, uint64_t descriptor)
{
    a64_store(bare, A64_TABLES + 0x2000 + (va - A64_RAM) / PAGE_SIZE * 8, descriptor);
}

void a64_check_exception(struct a64_bare *bare, unsigned vector, unsigned ec, uint32_t iss, uint64_t elr)
{
    CHECK_EQ(bare->s->pc, A64_VECTORS + vector);
    CHECK_EQ(bare->s->esr_el1 >> 26, ec);
    CHECK_EQ(bare->s->esr_el1 & 0x3ffffff, ESR_IL | iss);
    CHECK_EQ(bare->s->elr_el1, elr);
}

/* One instruction at EL1 somewhere else; everything but what it was for is put back. */
static uint64_t sysreg_swap(struct a64_bare *bare, uint32_t insn, uint64_t in)
{
    uint64_t pc = bare->s->pc, x0 = bare->s->x[0], end = bare->end, icount = bare->vcpu->icount;
    uint32_t pstate = bare->s->pstate;
    A64_PUT(bare, A64_CODE + 0x8000, insn);
    bare->end = A64_CODE + 0x8004;
    a64_enter(bare, 1);
    bare->s->pstate |= PSTATE_DAIF;
    bare->s->x[0] = in;
    a64_run(bare, A64_CODE + 0x8000);
    uint64_t out = bare->s->x[0];
    CHECK_EQ(bare->s->pc, A64_CODE + 0x8004);
    bare->end = end;
    a64_enter(bare, pstate >> 2 & 3);
    bare->s->pstate = pstate;
    bare->s->x[0] = x0;
    bare->s->pc = pc;
    bare->vcpu->icount = icount;
    return out;
}

uint64_t a64_sysreg(struct a64_bare *bare, uint32_t number)
{
    return sysreg_swap(bare, MRS(0, number), 0);
}

void a64_sysreg_set(struct a64_bare *bare, uint32_t number, uint64_t value)
{
    sysreg_swap(bare, MSR(number, 0), value);
}
