/*
 * What a BIOS tells systems that know nothing of ACPI, for a start without one: processors and interrupts by
 * the MultiProcessor Specification 1.4, and interrupts of PCI by the $PIR table (PCI IRQ Routing Table
 * Specification 1.0).
 */
#include <string.h>

#include "base/bits.h"
#include "machine/pc_start.h"

#define PRODUCT "TRIARCH PC (Q35)    " /* 4.2: 8 and 12 characters */

#define FLOATING_SIZE  16
#define HEADER_SIZE    44
#define PROCESSOR_SIZE 20
#define ENTRY_SIZE     16
#define TABLE_MAX      0x4000

/* 4.3. */
enum entry { ENTRY_PROCESSOR, ENTRY_BUS, ENTRY_IO_APIC, ENTRY_IO_INTERRUPT, ENTRY_LOCAL_INTERRUPT };
enum kind { KIND_INT, KIND_NMI, KIND_EXTERNAL = 3 };
enum bus_number { BUS_PCI, BUS_ISA };

#define CPU_ENABLED   1
#define CPU_BOOTSTRAP 2
#define CPU_FEATURES  0x381 /* table 4-6: FPU, machine checks, CMPXCHG8B, APIC */
#define APIC_VERSION  0x14
#define IOAPIC_USABLE 1
#define IO_APIC_ID    0
#define ALL_APICS     0xff
#define PROCESSORS    255 /* numbers are a byte, and the last is all of them */

/* 4.3.4: as the bus has it, or active high and level-triggered, which the SCI is. */
#define FLAGS_OF_BUS     0x0
#define FLAGS_LEVEL_HIGH 0xd

struct table {
    uint8_t bytes[TABLE_MAX];
    unsigned len, entries;
};

static void put(struct table *table, unsigned width, uint64_t value)
{
    le_store(table->bytes + table->len, width, value);
    table->len += width;
}

static void text_put(struct table *table, const char *text)
{
    size_t len = strlen(text);
    memcpy(table->bytes + table->len, text, len);
    table->len += (unsigned)len;
}

static void checksum_put(uint8_t *bytes, size_t len, size_t at)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < len; i++)
        sum += bytes[i];
    bytes[at] -= sum;
}

static void entry_begin(struct table *table, enum entry type)
{
    put(table, 1, type);
    table->entries++;
}

/* --- the MP configuration table --- */

/* The signature is what a processor has in EDX after a reset. */
static void processors_put(struct table *table, const struct pc_board *board)
{
    for (unsigned i = 0; i < board->run->vcpu_count && i < PROCESSORS; i++) {
        entry_begin(table, ENTRY_PROCESSOR);
        put(table, 1, i);
        put(table, 1, APIC_VERSION);
        put(table, 1, CPU_ENABLED | (i ? 0 : CPU_BOOTSTRAP));
        put(table, 4, (uint32_t)x86_state(board->run->vcpus[i])->gpr[RDX]);
        put(table, 4, CPU_FEATURES);
        put(table, 8, 0);
    }
}

static void buses_put(struct table *table)
{
    static const char *const names[] = {[BUS_PCI] = "PCI   ", [BUS_ISA] = "ISA   "};
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        entry_begin(table, ENTRY_BUS);
        put(table, 1, i);
        text_put(table, names[i]);
    }
}

static void io_apic_put(struct table *table)
{
    entry_begin(table, ENTRY_IO_APIC);
    put(table, 1, IO_APIC_ID);
    put(table, 1, APIC_VERSION);
    put(table, 1, IOAPIC_USABLE);
    put(table, 4, PC_IOAPIC);
}

static void interrupt_put(struct table *table, enum entry type, enum kind kind, unsigned flags,
                          enum bus_number bus, unsigned source, unsigned apic, unsigned pin)
{
    entry_begin(table, type);
    put(table, 1, kind);
    put(table, 2, flags);
    put(table, 1, bus);
    put(table, 1, source);
    put(table, 1, apic);
    put(table, 1, pin);
}

/* D.3: a source on PCI is a slot and its pin. */
static void pci_interrupts_put(struct table *table, const struct pc_board *board)
{
    for (unsigned devfn = 0; devfn < 256; devfn += 8) {
        unsigned pins = pc_pci_pins(board, devfn);
        for (unsigned pin = 1; pin <= 4; pin++) {
            if (pins >> pin & 1)
                interrupt_put(table, ENTRY_IO_INTERRUPT, KIND_INT, FLAGS_OF_BUS, BUS_PCI,
                              devfn / 2 | (pin - 1), IO_APIC_ID, PC_GSI_PIRQ + q35_pirq(devfn, pin));
        }
    }
}

static void isa_interrupts_put(struct table *table)
{
    for (unsigned irq = 0; irq < 16; irq++) {
        if (irq == 2) /* the cascade, whose pin the timer has */
            continue;
        interrupt_put(table, ENTRY_IO_INTERRUPT, KIND_INT, irq == PC_SCI ? FLAGS_LEVEL_HIGH : FLAGS_OF_BUS,
                      BUS_ISA, irq, IO_APIC_ID, irq == PC_IRQ_TIMER ? 2 : irq);
    }
}

static void configuration_make(struct table *table, const struct pc_board *board)
{
    *table = (struct table){.len = HEADER_SIZE};
    processors_put(table, board);
    buses_put(table);
    io_apic_put(table);
    pci_interrupts_put(table, board);
    isa_interrupts_put(table);
    interrupt_put(table, ENTRY_LOCAL_INTERRUPT, KIND_EXTERNAL, FLAGS_OF_BUS, BUS_ISA, 0, 0, 0);
    interrupt_put(table, ENTRY_LOCAL_INTERRUPT, KIND_NMI, FLAGS_OF_BUS, BUS_ISA, 0, ALL_APICS, 1);
    unsigned len = table->len;
    table->len = 0;
    text_put(table, "PCMP");
    put(table, 2, len);
    put(table, 1, 4);
    put(table, 1, 0);
    text_put(table, PRODUCT);
    put(table, 6, 0); /* no table of the maker's */
    put(table, 2, table->entries);
    put(table, 4, PC_LAPIC);
    table->len = len;
    checksum_put(table->bytes, len, 7);
}

/* 4.1: the floating pointer, and the table right behind it. */
static void mp_place(struct pc_board *board)
{
    struct ram *ram = board->run->machine.mem.ram;
    struct table table;
    uint8_t pointer[FLOATING_SIZE] = {'_', 'M', 'P', '_', [8] = 1, [9] = 4};
    configuration_make(&table, board);
    le32_store(pointer + 4, (uint32_t)PC_MP + FLOATING_SIZE);
    checksum_put(pointer, sizeof(pointer), 10);
    ram_write(ram, gpa(PC_MP), pointer, sizeof(pointer));
    ram_write(ram, gpa(PC_MP + FLOATING_SIZE), table.bytes, table.len);
}

/* --- $PIR --- */

#define PIR_HEADER     32
#define PIR_ROUTER     (31u << 3)
#define PIR_COMPATIBLE 0x29188086u /* the ICH9's LPC bridge */

/* A slot's pins: where each is routed, by the register for its line, and to which interrupts that can lead.
 */
static void pir_slot_put(struct table *table, unsigned devfn)
{
    put(table, 1, 0);
    put(table, 1, devfn);
    for (unsigned pin = 1; pin <= 4; pin++) {
        put(table, 1, ich9_pirq_register(q35_pirq(devfn, pin)));
        put(table, 2, PC_PIRQ_CHOICE);
    }
    put(table, 2, 0); /* on the board itself */
}

static void pir_place(struct pc_board *board)
{
    struct table table = {.len = PIR_HEADER};
    for (unsigned devfn = 0; devfn < 256; devfn += 8) {
        if (pc_pci_pins(board, devfn))
            pir_slot_put(&table, devfn);
    }
    unsigned len = table.len;
    table.len = 0;
    text_put(&table, "$PIR");
    put(&table, 2, 0x0100);
    put(&table, 2, len);
    put(&table, 1, 0);
    put(&table, 1, PIR_ROUTER);
    put(&table, 2, 0); /* no interrupt is PCI's alone */
    put(&table, 4, PIR_COMPATIBLE);
    checksum_put(table.bytes, len, 31);
    ram_write(board->run->machine.mem.ram, gpa(PC_PIR), table.bytes, len);
}

void pc_legacy_tables_place(struct pc_board *board)
{
    mp_place(board);
    pir_place(board);
}
