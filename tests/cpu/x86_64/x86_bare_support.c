#include "tests/cpu/x86_64/x86_bare.h"

#include <stdlib.h>

#include "base/bits.h"
#include "tests/cpu/bare_memory.h"

#define DATA_ATTRIBUTES (SEG_P | SEG_S | SEG_WRITABLE | SEG_ACCESSED)
#define CODE_ATTRIBUTES (SEG_P | SEG_S | SEG_CODE | SEG_READABLE | SEG_ACCESSED)
#define DPL3            (3 << SEG_DPL_SHIFT)

static uint64_t device_read(void *opaque, uint64_t offset, unsigned width)
{
    (void)opaque, (void)width;
    return 0x1122334455667700 + offset;
}

static void device_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct x86_bare *b = opaque;
    (void)width;
    b->stored = value;
    b->stored_at = offset;
}

static uint64_t port_read(void *opaque, uint64_t offset, unsigned width)
{
    (void)opaque, (void)width;
    return 0xa5a50000 + offset;
}

static void port_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct x86_bare *b = opaque;
    (void)width;
    b->port_stored = value;
    b->port_at = offset;
}

static int acknowledge(void *opaque)
{
    struct x86_bare *b = opaque;
    int vector = b->interrupt;
    b->interrupt = -1;
    x86_64_ops.irq_set(b->vcpu, X86_LINE_INTR, false);
    return vector;
}

struct x86_bare *xb_create(const char *model)
{
    struct error err = {0};
    struct x86_bare *b = calloc(1, sizeof(*b));
    b->pio = bus_create("pio", NULL);
    struct bus_region device = {.name = "device",
                                .base = XB_DEVICE,
                                .size = 4096,
                                .read = device_read,
                                .write = device_write,
                                .opaque = b};
    struct bus_region ports = {.name = "ports",
                               .base = 0x100,
                               .size = 0x100,
                               .max_width = 4,
                               .read = port_read,
                               .write = port_write,
                               .opaque = b};
    b->block = bare_memory_make(&b->mem, 0, XB_RAM_SIZE, &device);
    b->memory = ram_block_host(b->block);
    b->ram = b->mem.ram;
    b->mmio = b->mem.mmio;
    b->mem.pio = b->pio;
    bus_add(b->pio, &ports, NULL, &err);
    b->clock = clock_create(&(struct clock_config){0});
    struct cpu_config config = {
        .model = model ? model : "max", .mem = &b->mem, .clock = b->clock, .debug = &b->debug};
    b->vcpu = x86_64_ops.create(&config, &err);
    if (!b->vcpu) {
        FAIL("no CPU: %s", err.text);
        abort();
    }
    b->vcpu->engine = &interpreter_engine;
    b->s = x86_state(b->vcpu);
    b->interrupt = -1;
    x86_hooks_set(b->vcpu, &(struct x86_hooks){.opaque = b, .interrupt_acknowledge = acknowledge});
    for (unsigned vector = 0; vector < 256; vector++)
        XB_PUT(b, XB_HANDLERS + 16 * vector, 0xf4);
    return b;
}

void xb_destroy(struct x86_bare *b)
{
    x86_64_ops.destroy(b->vcpu);
    clock_destroy(b->clock);
    bus_destroy(b->pio);
    bare_memory_free(&b->mem);
    free(b);
}

void xb_put(struct x86_bare *b, uint64_t address, const uint8_t *bytes, size_t count)
{
    ram_write(b->ram, gpa(address), bytes, count);
}

uint64_t xb_load(struct x86_bare *b, uint64_t address, unsigned width)
{
    return le_load(b->memory + address, width);
}

void xb_store(struct x86_bare *b, uint64_t address, unsigned width, uint64_t value)
{
    uint8_t bytes[8];
    le_store(bytes, width, value);
    xb_put(b, address, bytes, width);
}

void xb_descriptor(struct x86_bare *b, uint16_t selector, uint32_t base, uint32_t limit, uint16_t attributes)
{
    uint64_t at = XB_GDT + (selector & ~7u);
    xb_store(b, at, 4, (limit & 0xffff) | base << 16);
    xb_store(b, at + 4, 4,
             (base >> 16 & 0xff) | (uint32_t)attributes << 8 | (limit & 0xf0000) | (base & 0xff000000));
}

void xb_gate(struct x86_bare *b, bool idt, unsigned selector, uint16_t target, uint32_t offset,
             uint8_t access, uint8_t parameters)
{
    uint64_t at = idt ? XB_IDT + 8 * selector : XB_GDT + (selector & ~7u);
    xb_store(b, at, 4, (offset & 0xffff) | (uint32_t)target << 16);
    xb_store(b, at + 4, 4, parameters | (uint32_t)access << 8 | (offset & 0xffff0000));
}

static void segment(struct x86_bare *b, unsigned number, uint16_t selector, uint32_t limit,
                    uint16_t attributes)
{
    x86_segment_set(b->vcpu, number, selector, 0, limit, attributes);
}

void xb_real(struct x86_bare *b)
{
    for (unsigned n = ES; n <= GS; n++)
        segment(b, n, 0, 0xffff, DATA_ATTRIBUTES);
    b->s->idtr = (struct x86_table){.base = 0, .limit = 0x3ff};
    b->s->gpr[RSP] = 0x9000;
    b->s->cr0 = CR0_ET | CR0_NE;
    for (unsigned vector = 0; vector < 256; vector++)
        xb_store(b, 4 * vector, 4, XB_HANDLERS + 16 * vector);
    x86_state_changed(b->vcpu);
}

static void gdt_fill(struct x86_bare *b)
{
    xb_descriptor(b, XB_CODE32, 0, 0xfffff, CODE_ATTRIBUTES | SEG_G | SEG_DB);
    xb_descriptor(b, XB_DATA32, 0, 0xfffff, DATA_ATTRIBUTES | SEG_G | SEG_DB);
    xb_descriptor(b, XB_CODE64, 0, 0xfffff, CODE_ATTRIBUTES | SEG_G | SEG_L);
    xb_descriptor(b, XB_USER32, 0, 0xfffff, CODE_ATTRIBUTES | DPL3 | SEG_G | SEG_DB);
    xb_descriptor(b, XB_USERDATA, 0, 0xfffff, DATA_ATTRIBUTES | DPL3 | SEG_G | SEG_DB);
    xb_descriptor(b, XB_USER64, 0, 0xfffff, CODE_ATTRIBUTES | DPL3 | SEG_G | SEG_L);
    xb_descriptor(b, XB_TSS_SELECTOR, XB_TSS, 0xfff, SEG_P | TYPE_TSS_BUSY);
    b->s->gdtr = (struct x86_table){.base = XB_GDT, .limit = 0xfff};
    b->s->seg[TR] = (struct x86_segment){
        .base = XB_TSS, .limit = 0xfff, .selector = XB_TSS_SELECTOR, .attributes = SEG_P | TYPE_TSS_BUSY};
    b->s->seg[LDTR] = (struct x86_segment){0};
    xb_store(b, XB_TSS + 102, 2, 0xffff);
}

static void data_segments(struct x86_bare *b, uint16_t selector, uint16_t dpl)
{
    for (unsigned n = ES; n <= GS; n++) {
        if (n != CS)
            segment(b, n, selector, 0xffffffff, DATA_ATTRIBUTES | SEG_G | SEG_DB | dpl);
    }
}

void xb_protected(struct x86_bare *b)
{
    gdt_fill(b);
    b->s->cr0 = CR0_PE | CR0_ET | CR0_NE;
    segment(b, CS, XB_CODE32, 0xffffffff, CODE_ATTRIBUTES | SEG_G | SEG_DB);
    data_segments(b, XB_DATA32, 0);
    b->s->gpr[RSP] = XB_STACK0;
    b->s->idtr = (struct x86_table){.base = XB_IDT, .limit = 0x7ff};
    for (unsigned vector = 0; vector < 256; vector++)
        xb_gate(b, true, vector, XB_CODE32, (uint32_t)(XB_HANDLERS + 16 * vector), 0x8e, 0);
    xb_store(b, XB_TSS + 4, 4, XB_STACK0);
    xb_store(b, XB_TSS + 8, 2, XB_DATA32);
    x86_state_changed(b->vcpu);
}

void xb_long(struct x86_bare *b)
{
    gdt_fill(b);
    b->s->cr0 = CR0_PE | CR0_PG | CR0_ET | CR0_NE | CR0_WP;
    b->s->cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    b->s->efer = EFER_LME | EFER_LMA | EFER_SCE | EFER_NXE;
    b->s->cr3 = XB_PAGES;
    segment(b, CS, XB_CODE64, 0xffffffff, CODE_ATTRIBUTES | SEG_G | SEG_L);
    data_segments(b, XB_DATA32, 0);
    b->s->gpr[RSP] = XB_STACK0;
    b->s->idtr = (struct x86_table){.base = XB_IDT, .limit = 0xfff};
    for (unsigned vector = 0; vector < 256; vector++) {
        xb_gate(b, true, 2 * vector, XB_CODE64, (uint32_t)(XB_HANDLERS + 16 * vector), 0x8e, 0);
        xb_store(b, XB_IDT + 16 * vector + 8, 8, 0);
    }
    xb_store(b, XB_TSS + 4, 8, XB_STACK0);
    xb_store(b, XB_PAGES, 8, (XB_PAGES + 0x1000) | 7);
    xb_store(b, XB_PAGES + 0x1000, 8, (XB_PAGES + 0x2000) | 7);
    for (uint64_t n = 0; n < 512; n++)
        xb_store(b, XB_PAGES + 0x2000 + 8 * n, 8, n << 21 | 0x87);
    x86_state_changed(b->vcpu);
}

void xb_user(struct x86_bare *b)
{
    bool lm = b->s->efer & EFER_LMA;
    segment(b, CS, lm ? XB_USER64 : XB_USER32, 0xffffffff,
            (uint16_t)(CODE_ATTRIBUTES | DPL3 | SEG_G | (lm ? SEG_L : SEG_DB)));
    data_segments(b, XB_USERDATA, DPL3);
    b->s->gpr[RSP] = XB_STACK3;
    x86_state_changed(b->vcpu);
}

int xb_run(struct x86_bare *b, uint64_t rip)
{
    b->s->rip = rip;
    b->s->activity = ACTIVITY_RUNNING;
    b->vcpu->slice_end = b->vcpu->icount + 1000000;
    vcpu_run(b->vcpu, &b->exit);
    if (b->exit.reason != EXIT_HALT)
        return -2;
    uint64_t at = b->s->seg[CS].base + b->s->rip - 1 - XB_HANDLERS;
    return at < 16 * 256 && at % 16 == 0 ? (int)(at / 16) : -1;
}

void xb_step(struct x86_bare *b, unsigned count)
{
    b->vcpu->slice_end = b->vcpu->icount + count;
    vcpu_run(b->vcpu, &b->exit);
}

uint64_t xb_frame(struct x86_bare *b, unsigned index)
{
    bool lm = b->s->efer & EFER_LMA, real = !(b->s->cr0 & CR0_PE);
    unsigned width = lm ? 8 : real ? 2 : 4;
    return xb_load(b, b->s->seg[SS].base + b->s->gpr[RSP] + index * width, width);
}
