#include "machine/pc_start.h"

#include "base/bits.h"
#include "devices/display/vga.h"
#include "devices/storage/ide.h"

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
#define ACPI_ENABLED  0x80

#define COMMAND_IO_MEMORY 0x3

/* Registers of the local APIC (SDM vol. 3, table 11-1), and what they say in virtual wire mode: the APIC is
 * on, LINT0 is the 8259's, LINT1 NMI. */
#define APIC_SPURIOUS 0x0f0
#define APIC_LINT0    0x350
#define APIC_LINT1    0x360
#define APIC_ON       0x01ff
#define LINT_EXTERNAL 0x8700
#define LINT_NMI      0x8400

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

/* MP 1.4, 3.6.2.2: so a system that uses the 8259 pair alone needs to know of no APIC. */
static void virtual_wire_set(struct lapic *lapic)
{
    lapic_write(lapic, 0, APIC_SPURIOUS, APIC_ON);
    lapic_write(lapic, 0, APIC_LINT0, LINT_EXTERNAL);
    lapic_write(lapic, 0, APIC_LINT1, LINT_NMI);
}

unsigned pc_pirq_interrupt(unsigned pirq)
{
    static const uint8_t interrupts[ICH9_PIRQS] = {10, 10, 11, 11, 10, 10, 11, 11};
    return interrupts[pirq];
}

void pc_bios_interrupts_set(struct pc_board *board)
{
    enum { CASCADE = 2 };
    if (!board->pic)
        return;
    i8254_bios_set(board->pit);
    i8259_bios_set(board->pic,
                   1u << PC_IRQ_TIMER | 1u << PC_IRQ_KEYBOARD | 1u << CASCADE | 1u << PC_IRQ_MOUSE);
}

void pc_chipset_prepare(struct pc_board *board)
{
    struct pci_bus *bus = board->parts.pci;
    unsigned lpc = pci_devfn(LPC_SLOT, 0);
    q35_host_shadow_open(board->host);
    pci_bus_config_write(bus, 0, 0, HOST_PCIEXBAR + 4, 4, 0);
    pci_bus_config_write(bus, 0, 0, HOST_PCIEXBAR, 4, (uint32_t)PC_ECAM | 1);
    pci_bus_config_write(bus, 0, lpc, LPC_PMBASE, 4, PC_PM_BASE | 1);
    pci_bus_config_write(bus, 0, lpc, LPC_ACPI_CNTL, 1, ACPI_ENABLED);
    for (unsigned i = 0; i < ICH9_PIRQS; i++)
        pci_bus_config_write(bus, 0, lpc, ich9_pirq_register(i), 1, pc_pirq_interrupt(i));
    pci_bus_config_write(bus, 0, pci_devfn(PC_IDE_SLOT, PC_IDE_FUNCTION), IDE_TIMING, 4,
                         IDE_TIMING_DECODED | IDE_TIMING_DECODED << 16); /* where it is there */
    i8259_bios_set(board->pic, 0); /* all masked: a kernel may use the APICs alone */
    i8259_level_set(board->pic, PC_PIRQ_CHOICE | 1u << PC_SCI);
    i8237_cascade_open(board->dma);
    virtual_wire_set(board->lapic);
}
