#include "machine/pc_start.h"

#include "base/bits.h"
#include "devices/display/vga.h"

/* The selectors of the Linux 64-bit protocol: __BOOT_CS and __BOOT_DS. */
#define SELECTOR_CODE 0x10
#define SELECTOR_DATA 0x18
#define GDT_ENTRIES   4

#define ATTRIBUTES_DATA   (SEG_P | SEG_S | SEG_WRITABLE | SEG_ACCESSED | SEG_DB | SEG_G)
#define ATTRIBUTES_CODE   (SEG_P | SEG_S | SEG_CODE | SEG_READABLE | SEG_ACCESSED | SEG_G)
#define ATTRIBUTES_CODE32 (ATTRIBUTES_CODE | SEG_DB)
#define ATTRIBUTES_CODE64 (ATTRIBUTES_CODE | SEG_L)

#define PAGE_TABLE_ENTRY 0x3u  /* present, writable */
#define PAGE_LARGE_ENTRY 0x83u /* and 2 MiB large */
#define DIRECTORIES      4

/* SDM vol. 3, 3.4.5: a descriptor of the whole address space. */
static uint64_t descriptor(uint16_t attributes)
{
    return 0xffffull | (uint64_t)attributes << 40 | (uint64_t)0xf << 48;
}

static void ram_put(struct pc_board *board, uint64_t address, uint64_t value)
{
    uint8_t bytes[8];
    le64_store(bytes, value);
    ram_write(board->run->machine.mem.ram, gpa(address), bytes, sizeof(bytes));
}

static void segments_set(struct pc_board *board, uint16_t code)
{
    struct vcpu *vcpu = board->run->vcpus[0];
    static const enum x86_segment_number data[] = {ES, SS, DS, FS, GS};
    ram_put(board, PC_START_GDT, 0);
    ram_put(board, PC_START_GDT + 8, 0);
    ram_put(board, PC_START_GDT + SELECTOR_CODE, descriptor(code));
    ram_put(board, PC_START_GDT + SELECTOR_DATA, descriptor(ATTRIBUTES_DATA));
    x86_state(vcpu)->gdtr = (struct x86_table){PC_START_GDT, 8 * GDT_ENTRIES - 1};
    x86_state(vcpu)->idtr = (struct x86_table){0, 0};
    x86_segment_set(vcpu, CS, SELECTOR_CODE, 0, UINT32_MAX, code);
    for (unsigned i = 0; i < ARRAY_LEN(data); i++)
        x86_segment_set(vcpu, data[i], SELECTOR_DATA, 0, UINT32_MAX, ATTRIBUTES_DATA);
}

static void pages_make(struct pc_board *board)
{
    uint64_t pml4 = PC_START_PAGES, pdpt = pml4 + PAGE_SIZE, first = pdpt + PAGE_SIZE;
    ram_fill(board->run->machine.mem.ram, gpa(pml4), 0, 2 * PAGE_SIZE);
    ram_put(board, pml4, pdpt | PAGE_TABLE_ENTRY);
    for (uint64_t i = 0; i < DIRECTORIES; i++)
        ram_put(board, pdpt + 8 * i, (first + i * PAGE_SIZE) | PAGE_TABLE_ENTRY);
    for (uint64_t i = 0; i < DIRECTORIES * 512; i++)
        ram_put(board, first + 8 * i, i * 2 * MIB | PAGE_LARGE_ENTRY);
}

void pc_start_long(struct pc_board *board, uint64_t entry, uint64_t rsi, uint64_t rbx)
{
    struct vcpu *vcpu = board->run->vcpus[0];
    struct x86_state *s = x86_state(vcpu);
    pages_make(board);
    s->cr3 = PC_START_PAGES;
    s->cr4 = CR4_PAE;
    s->efer = EFER_LME | EFER_LMA;
    s->cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_WP | CR0_PG;
    segments_set(board, ATTRIBUTES_CODE64);
    s->rip = entry;
    s->gpr[RSI] = rsi;
    s->gpr[RBX] = rbx;
    s->rflags = FLAG_ONE;
    x86_state_changed(vcpu);
}

void pc_start_protected(struct pc_board *board, uint32_t entry, uint32_t eax, uint32_t ebx)
{
    struct vcpu *vcpu = board->run->vcpus[0];
    struct x86_state *s = x86_state(vcpu);
    s->cr0 = CR0_PE | CR0_ET;
    segments_set(board, ATTRIBUTES_CODE32);
    s->rip = entry;
    s->gpr[RAX] = eax;
    s->gpr[RBX] = ebx;
    s->rflags = FLAG_ONE;
    x86_state_changed(vcpu);
}

/* --- the chipset and the screen --- */

/* Registers of the host bridge and of the LPC bridge (their files name the data sheets). */
#define HOST_PCIEXBAR 0x60
#define LPC_SLOT      31
#define LPC_PMBASE    0x40
#define LPC_ACPI_CNTL 0x44
#define LPC_PIRQ_LOW  0x60
#define LPC_PIRQ_HIGH 0x68
#define ACPI_ENABLED  0x80

#define PCI_COMMAND       0x04
#define PCI_BAR0          0x10
#define COMMAND_IO_MEMORY 0x3

#define MTRRS_ON_WRITE_BACK 0x806 /* SDM vol. 3, 11.11.2.1 */

bool pc_screen_set(struct pc_board *board, unsigned width, unsigned height)
{
    unsigned vga = pci_devfn(PC_VGA_SLOT, 0);
    if (!board->vga)
        return false;
    pci_bus_config_write(board->parts.pci, 0, vga, PCI_BAR0, 4, (uint32_t)PC_SCREEN);
    pci_bus_config_write(board->parts.pci, 0, vga, PCI_COMMAND, 2, COMMAND_IO_MEMORY);
    vga_linear_set(board->vga, width, height);
    return true;
}

void pc_processors_prepare(struct pc_board *board)
{
    for (unsigned i = 0; i < board->run->vcpu_count; i++)
        x86_state(board->run->vcpus[i])->mtrr_def_type = MTRRS_ON_WRITE_BACK;
}

/*
 * The interrupts of a BIOS: the 8259 pair with the vectors of the first PC and nothing unmasked but the
 * cascade and PCI's, and the first processor hearing it through LINT0 (virtual wire, MultiProcessor
 * Specification 1.4, 3.6.2.2). Real-mode programs use both as they find them.
 */
#define BIOS_VECTOR   0x08
#define BIOS_VECTOR_8 0x70
#define BIOS_MASKED   0xf3fb
#define APIC_SVR      0x0f0
#define APIC_LINT0    0x350
#define APIC_LINT1    0x360
#define SVR_ENABLED   0x1ff
#define LVT_EXTERNAL  0x700
#define LVT_NMI       0x400

static void interrupts_prepare(struct pc_board *board)
{
    i8259_start(board->pic, BIOS_VECTOR, BIOS_VECTOR_8, BIOS_MASKED);
    lapic_write(board->lapic, 0, APIC_SVR, SVR_ENABLED);
    lapic_write(board->lapic, 0, APIC_LINT0, LVT_EXTERNAL);
    lapic_write(board->lapic, 0, APIC_LINT1, LVT_NMI);
}

void pc_chipset_prepare(struct pc_board *board)
{
    /* Where interrupts of PCI go when an operating system uses the 8259 pair. */
    static const uint8_t pirqs[ICH9_PIRQS] = {10, 10, 11, 11, 10, 10, 11, 11};
    struct pci_bus *bus = board->parts.pci;
    unsigned lpc = pci_devfn(LPC_SLOT, 0);
    q35_host_shadow_open(board->host);
    pci_bus_config_write(bus, 0, 0, HOST_PCIEXBAR + 4, 4, 0);
    pci_bus_config_write(bus, 0, 0, HOST_PCIEXBAR, 4, (uint32_t)PC_ECAM | 1);
    pci_bus_config_write(bus, 0, lpc, LPC_PMBASE, 4, PC_PM_BASE | 1);
    pci_bus_config_write(bus, 0, lpc, LPC_ACPI_CNTL, 1, ACPI_ENABLED);
    for (unsigned i = 0; i < ICH9_PIRQS; i++)
        pci_bus_config_write(bus, 0, lpc, i < 4 ? LPC_PIRQ_LOW + i : LPC_PIRQ_HIGH + i - 4, 1, pirqs[i]);
    i8237_cascade_open(board->dma);
    interrupts_prepare(board);
}
