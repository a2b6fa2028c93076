#include "devices/misc/ich9_lpc.h"

#include <stdlib.h>

#include "base/bits.h"
#include "devices/misc/ich9_internal.h"

/* ICH9 data sheet, 13.1: the configuration space of device 31, function 0. */
#define LPC_VENDOR   0x8086
#define LPC_DEVICE   0x2918
#define LPC_CLASS    0x060100
#define LPC_REVISION 2

#define PMBASE    0x40
#define ACPI_CNTL 0x44
#define GPIOBASE  0x48
#define GPIO_CNTL 0x4c
#define PIRQ_LOW  0x60 /* A to D */
#define SIRQ_CNTL 0x64
#define PIRQ_HIGH 0x68 /* E to H */
#define LPC_DEC   0x80 /* decode ranges up to 0x93 */
#define GEN_PMCON 0xa0
#define BIOS_CNTL 0xdc
#define RCBA      0xf0

#define GEN_PMCON_WRITABLE 0x00ff0fffu
#define SMI_LOCK           0x10u

#define PM_SIZE   128u
#define RCBA_SIZE 0x4000u

#define ACPI_CNTL_ENABLE 0x80u
#define PIRQ_DISABLED    0x80u
#define RCBA_ENABLE      0x1u

/* 10.1.42 to 10.1.48: how the pins of devices 31 to 25 are routed; two a word. */
#define D31IR      0x3140
#define D25IR      0x3150
#define IR_DEFAULT 0x3210u

#define PORT_92_RESET 0x01u
#define PORT_92_A20   0x02u

#define SCI_DEFAULT 9

unsigned ich9_pirq_register(unsigned n)
{
    return n < 4 ? PIRQ_LOW + n : PIRQ_HIGH + n - 4;
}

/* 13.1.3: which interrupt the SCI is. */
static unsigned sci_number(const struct ich9_lpc *lpc)
{
    static const uint8_t numbers[8] = {9, 10, 11, SCI_DEFAULT, 20, 21, 22, 23};
    return numbers[pci_config_get(&lpc->pci, ACPI_CNTL, 1) & 7];
}

static void lines_drive(const struct irq_line *lines, uint32_t wanted, uint32_t driven)
{
    for (uint32_t changed = wanted ^ driven; changed; changed &= changed - 1) {
        unsigned n = (unsigned)__builtin_ctz(changed);
        irq_line_set(&lines[n], wanted >> n & 1);
    }
}

/* Several sources may be on one line: it is up while any of them is. */
static void routes_update(struct ich9_lpc *lpc)
{
    uint32_t pic = lpc->isa_levels, gsi = 0;
    for (unsigned i = 0; i < GSI_SOURCES; i++)
        gsi |= lpc->gsi_levels[i];
    for (unsigned i = 0; i < ICH9_PIRQS; i++) {
        uint32_t route = pci_config_get(&lpc->pci, ich9_pirq_register(i), 1);
        if (lpc->pirq_levels >> i & 1 && !(route & PIRQ_DISABLED))
            pic |= 1u << (route & 0xf);
    }
    unsigned sci = sci_number(lpc);
    if (lpc->sci) {
        gsi |= (uint32_t)1 << sci;
        pic |= sci < 16 ? 1u << sci : 0;
    }
    uint32_t was_pic = lpc->pic_driven, was_gsi = lpc->gsi_driven;
    lpc->pic_driven = (uint16_t)pic;
    lpc->gsi_driven = gsi;
    lines_drive(lpc->config.pic, pic, was_pic);
    lines_drive(lpc->config.ioapic, gsi, was_gsi);
}

void ich9_sci_set(struct ich9_lpc *lpc, bool level)
{
    if (level == lpc->sci)
        return;
    lpc->sci = level;
    routes_update(lpc);
}

static uint32_t bit_with(uint32_t bits, unsigned n, bool level)
{
    return level ? bits | (uint32_t)1 << n : bits & ~((uint32_t)1 << n);
}

static void isa_set(void *opaque, unsigned n, bool level)
{
    struct ich9_lpc *lpc = opaque;
    uint32_t *gsi = &lpc->gsi_levels[GSI_SOURCE_ISA];
    lpc->isa_levels = (uint16_t)bit_with(lpc->isa_levels, n, level);
    *gsi = bit_with(*gsi, n == 0 ? 2 : n, level);
    routes_update(lpc);
}

static void pirq_set(void *opaque, unsigned n, bool level)
{
    struct ich9_lpc *lpc = opaque;
    lpc->pirq_levels = (uint8_t)bit_with(lpc->pirq_levels, n, level);
    lpc->gsi_levels[GSI_SOURCE_PIRQ] = (uint32_t)lpc->pirq_levels << 16;
    routes_update(lpc);
}

static void gsi_set(void *opaque, unsigned n, bool level)
{
    struct ich9_lpc *lpc = opaque;
    uint32_t *gsi = &lpc->gsi_levels[GSI_SOURCE_OTHER];
    *gsi = bit_with(*gsi, n, level);
    routes_update(lpc);
}

struct irq_line ich9_isa_line(struct ich9_lpc *lpc, unsigned n)
{
    return (struct irq_line){isa_set, lpc, n};
}

struct irq_line ich9_pirq_line(struct ich9_lpc *lpc, unsigned n)
{
    return (struct irq_line){pirq_set, lpc, n};
}

struct irq_line ich9_gsi_line(struct ich9_lpc *lpc, unsigned n)
{
    return (struct irq_line){gsi_set, lpc, n};
}

struct irq_line ich9_rtc_line(struct ich9_lpc *lpc)
{
    return (struct irq_line){ich9_pm_rtc_set, lpc, 0};
}

struct irq_line ich9_gpe_line(struct ich9_lpc *lpc, unsigned n)
{
    return (struct irq_line){ich9_pm_gpe_set, lpc, n};
}

/* 13.7.2: the gate is the OR of port 0x92's bit and the keyboard controller's. */
static void a20_update(struct ich9_lpc *lpc)
{
    irq_line_set(&lpc->config.a20, lpc->keyboard_a20 || lpc->port_92 & PORT_92_A20);
}

static void keyboard_a20_set(void *opaque, unsigned n, bool level)
{
    struct ich9_lpc *lpc = opaque;
    (void)n;
    lpc->keyboard_a20 = level;
    a20_update(lpc);
}

struct irq_line ich9_a20_line(struct ich9_lpc *lpc)
{
    return (struct irq_line){keyboard_a20_set, lpc, 0};
}

static uint64_t port_92_read(void *opaque, uint64_t offset, unsigned width)
{
    const struct ich9_lpc *lpc = opaque;
    (void)offset, (void)width;
    return lpc->port_92;
}

static void port_92_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct ich9_lpc *lpc = opaque;
    struct machine *machine = lpc->machine;
    (void)offset, (void)width;
    bool reset = value & ~(uint64_t)lpc->port_92 & PORT_92_RESET;
    lpc->port_92 = (uint8_t)value;
    a20_update(lpc);
    if (reset)
        machine->request(machine, MACHINE_RESET, 0);
}

static uint64_t apm_read(void *opaque, uint64_t offset, unsigned width)
{
    const struct ich9_lpc *lpc = opaque;
    (void)width;
    return offset ? lpc->apm_status : lpc->apm_control;
}

/*
 * A write of the control port asks firmware in system-management mode for a service. Switching ACPI on and
 * off is done here, so that it works with firmware that has no code there.
 */
static void apm_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct ich9_lpc *lpc = opaque;
    (void)width;
    if (offset) {
        lpc->apm_status = (uint8_t)value;
        return;
    }
    lpc->apm_control = (uint8_t)value;
    if (value == ICH9_ACPI_ENABLE || value == ICH9_ACPI_DISABLE)
        ich9_pm_acpi_set(&lpc->pm, value == ICH9_ACPI_ENABLE);
    ich9_pm_apm_smi(&lpc->pm);
}

/* The chipset registers' values are kept as what differs from these. */
static uint32_t chipset_default(unsigned offset)
{
    if (offset < D31IR || offset > D25IR)
        return 0;
    return IR_DEFAULT | (offset == D31IR + 4 ? IR_DEFAULT << 16 : 0);
}

static uint64_t chipset_read(void *opaque, uint64_t offset, unsigned width)
{
    const struct ich9_lpc *lpc = opaque;
    (void)width;
    unsigned at = (unsigned)offset & ~3u;
    return (lpc->chipset[at / 4] ^ chipset_default(at)) >> 8 * (offset & 3);
}

/* Nothing here does what the registers say; firmware reads back what it set up. */
static void chipset_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct ich9_lpc *lpc = opaque;
    unsigned at = (unsigned)offset & ~3u;
    uint32_t *reg = &lpc->chipset[at / 4], normal = chipset_default(at);
    *reg = (uint32_t)bits_set(*reg ^ normal, 8 * (offset & 3), 8 * width, value) ^ normal;
}

/* Move a region to where a base register says, or take it away. */
static void region_show(struct bus *bus, const struct bus_region *region, bool show, bool *shown,
                        uint64_t *base, unsigned *id)
{
    if (show == *shown && (!show || region->base == *base))
        return;
    if (*shown)
        bus_remove(bus, *id);
    *shown = show && bus_add(bus, region, id, NULL);
    *base = region->base;
    if (show && !*shown)
        log_guest("ICH9: %s at %#llx overlaps something else", region->name,
                  (unsigned long long)region->base);
}

static void regions_update(struct ich9_lpc *lpc)
{
    bool pm = pci_config_get(&lpc->pci, ACPI_CNTL, 1) & ACPI_CNTL_ENABLE;
    uint32_t rcba = pci_config_get(&lpc->pci, RCBA, 4);
    struct bus_region pm_region = {.name = "ich9-pm",
                                   .base = pci_config_get(&lpc->pci, PMBASE, 4) & 0xff80,
                                   .size = PM_SIZE,
                                   .max_width = 4,
                                   .read = ich9_pm_read,
                                   .write = ich9_pm_write,
                                   .opaque = &lpc->pm};
    struct bus_region rcba_region = {.name = "ich9-rcba",
                                     .base = rcba & ~(RCBA_SIZE - 1),
                                     .size = RCBA_SIZE,
                                     .max_width = 4,
                                     .read = chipset_read,
                                     .write = chipset_write,
                                     .opaque = lpc};
    region_show(lpc->machine->mem.pio, &pm_region, pm && pm_region.base, &lpc->pm_shown, &lpc->pm_base,
                &lpc->pm_id);
    region_show(lpc->machine->mem.mmio, &rcba_region, rcba & RCBA_ENABLE, &lpc->rcba_shown, &lpc->rcba_base,
                &lpc->rcba_id);
}

/* 13.8.1.1: until the next reset the lock stays, and with it SMI_EN's global bit. */
static void smi_lock_update(struct ich9_lpc *lpc)
{
    lpc->pm.smi_locked = pci_config_get(&lpc->pci, GEN_PMCON, 1) & SMI_LOCK;
    lpc->pci.writable[GEN_PMCON] = (uint8_t)(GEN_PMCON_WRITABLE & ~(lpc->pm.smi_locked ? SMI_LOCK : 0));
}

static void config_written(void *opaque, unsigned offset, unsigned width)
{
    struct ich9_lpc *lpc = opaque;
    (void)offset, (void)width;
    smi_lock_update(lpc);
    regions_update(lpc);
    routes_update(lpc);
}

static void config_define(struct pci_function *pci)
{
    pci_config_define(pci, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER,
                      PCI_COMMAND_PARITY | PCI_COMMAND_SERR);
    pci_config_define(pci, PMBASE, 4, 1, 0xff80);
    pci_config_define(pci, ACPI_CNTL, 1, 0, 0x87);
    pci_config_define(pci, GPIOBASE, 4, 1, 0xff80);
    pci_config_define(pci, GPIO_CNTL, 1, 0, 0x11);
    for (unsigned i = 0; i < ICH9_PIRQS; i++)
        pci_config_define(pci, ich9_pirq_register(i), 1, PIRQ_DISABLED, 0x8f);
    pci_config_define(pci, SIRQ_CNTL, 1, 0x10, 0xc3);
    for (unsigned i = 0; i < 20; i += 4)
        pci_config_define(pci, LPC_DEC + i, 4, 0, i ? 0x00fcfffd : 0x3f0f1377);
    pci_config_define(pci, GEN_PMCON, 4, 0, GEN_PMCON_WRITABLE);
    pci_config_define(pci, GEN_PMCON + 4, 2, 0, 0xffff);
    pci_config_define(pci, BIOS_CNTL, 1, 0, 0x1f);
    pci_config_define(pci, RCBA, 4, 0, ~(RCBA_SIZE - 1) | RCBA_ENABLE);
}

static void restored(void *object)
{
    struct ich9_lpc *lpc = object;
    smi_lock_update(lpc);
    regions_update(lpc);
    routes_update(lpc);
    a20_update(lpc);
    ich9_pm_update(&lpc->pm);
}

static const struct state_field fields[] = {
    STATE_ARRAY(struct ich9_lpc, gsi_levels, .keep = true),
    STATE(struct ich9_lpc, isa_levels, .keep = true),
    STATE(struct ich9_lpc, pirq_levels, .keep = true),
    STATE(struct ich9_lpc, port_92),
    STATE(struct ich9_lpc, apm_control),
    STATE(struct ich9_lpc, apm_status),
    STATE(struct ich9_lpc, keyboard_a20, .reset = 1),
    STATE_ARRAY(struct ich9_lpc, chipset),
    STATE(struct ich9_lpc, pm.seen, .keep = true),
    STATE(struct ich9_lpc, pm.pm1_sts),
    STATE(struct ich9_lpc, pm.pm1_en),
    STATE(struct ich9_lpc, pm.pm1_cnt),
    STATE(struct ich9_lpc, pm.gpe0_sts),
    STATE(struct ich9_lpc, pm.gpe0_en),
    STATE(struct ich9_lpc, pm.smi_en),
    STATE(struct ich9_lpc, pm.smi_sts),
    STATE_ARRAY(struct ich9_lpc, pm.tco),
    STATE(struct ich9_lpc, pm.gpe_lines, .keep = true),
    STATE(struct ich9_lpc, pm.asleep),
    STATE(struct ich9_lpc, pm.woken, .keep = true),
};
static const struct state_table table = {"ich9-lpc", 1, fields, ARRAY_LEN(fields), restored};

static bool ports_add(struct ich9_lpc *lpc, struct error *err)
{
    struct bus_region port_92 = {.name = "port-92",
                                 .base = 0x92,
                                 .size = 1,
                                 .read = port_92_read,
                                 .write = port_92_write,
                                 .opaque = lpc};
    struct bus_region apm = {.name = "apm",
                             .base = 0xb2,
                             .size = 2,
                             .max_width = 1,
                             .read = apm_read,
                             .write = apm_write,
                             .opaque = lpc};
    unsigned id;
    return bus_add(lpc->machine->mem.pio, &port_92, &id, err) &&
           bus_add(lpc->machine->mem.pio, &apm, &id, err);
}

static void lpc_destroy(void *object)
{
    struct ich9_lpc *lpc = object;
    pci_function_fini(&lpc->pci);
    clock_timer_destroy(lpc->pm.timer);
    free(lpc);
}

struct ich9_lpc *ich9_lpc_create(struct machine *machine, const struct ich9_lpc_config *config,
                                 struct error *err)
{
    struct ich9_lpc *lpc = machine_alloc(sizeof(*lpc));
    lpc->machine = machine;
    lpc->config = *config;
    lpc->pm.lpc = lpc;
    struct pci_config pci = {.name = "ich9-lpc-config",
                             .devfn = pci_devfn(31, 0),
                             .vendor = LPC_VENDOR,
                             .device = LPC_DEVICE,
                             .class_code = LPC_CLASS,
                             .revision = LPC_REVISION,
                             .config_written = config_written,
                             .opaque = lpc};
    if (!pci_function_init(&lpc->pci, machine, config->bus, &pci, err)) {
        free(lpc);
        return NULL;
    }
    config_define(&lpc->pci);
    lpc->pm.timer = clock_timer_create(machine->clock, ich9_pm_timer_fired, &lpc->pm);
    machine_device_add(machine, "ich9-lpc", &table, lpc, lpc_destroy);
    return ports_add(lpc, err) ? lpc : NULL;
}
