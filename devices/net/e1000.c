#include "devices/net/e1000.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bits.h"
#include "devices/net/e1000_internal.h"

#define E1000_VENDOR           0x8086
#define E1000_DEVICE           0x100e
#define E1000_CLASS            0x020000
#define E1000_REVISION         3
#define E1000_SUBSYSTEM_VENDOR 0x8086
#define E1000_SUBSYSTEM        0x001e

#define BAR_MEMORY      0
#define BAR_MEMORY_SIZE 0x20000u
#define BAR_PORTS       1
#define BAR_PORTS_SIZE  0x40u

#define ITR_UNIT_NS 256u

/* What registers without side effects keep; the ranges are in order. Others read as zero. */
static const struct {
    uint16_t first, last;
    uint32_t mask;
} kept[] = {
    {CTRL, CTRL, 0xf9fffeff},
    {0x0018, 0x0018, UINT32_MAX}, /* CTRL_EXT */
    {0x0028, 0x0030, UINT32_MAX}, /* flow control addresses, type */
    {VET, VET, 0xffff},
    {ITR, ITR, 0xffff},
    {RCTL, RCTL, 0x07ffffff},
    {0x0170, 0x0170, UINT32_MAX}, /* FCTTV */
    {TCTL, TCTL, UINT32_MAX},
    {0x0410, 0x0410, UINT32_MAX}, /* TIPG */
    {0x0458, 0x0458, 0xffff},     /* AIT */
    {0x0e00, 0x0e00, UINT32_MAX}, /* LEDCTL */
    {0x1000, 0x1000, 0xffff},     /* PBA */
    {0x2160, 0x2168, UINT32_MAX}, /* flow control thresholds */
    {RDBAL, RDBAL, 0xfffffff0},
    {RDBAH, RDBAH, UINT32_MAX},
    {RDLEN, RDLEN, 0xfff80},
    {RDH, RDH, 0xffff},
    {0x2820, 0x282c, UINT32_MAX}, /* RDTR, RXDCTL, RADV */
    {0x2c00, 0x2c00, UINT32_MAX}, /* RSRPD */
    {TDBAL, TDBAL, 0xfffffff0},
    {TDBAH, TDBAH, UINT32_MAX},
    {TDLEN, TDLEN, 0xfff80},
    {TDH, TDH, 0xffff},
    {0x3820, 0x3830, UINT32_MAX}, /* TIDV, TXDCTL, TADV, TSPMT */
    {RXCSUM, RXCSUM, 0x7ff},
    {MTA, RAL + 0x7c, UINT32_MAX},
    {VFTA, VFTA + 0x1fc, UINT32_MAX},
    {0x5800, 0x5838, UINT32_MAX}, /* wake-up, management */
};

static uint32_t kept_mask(unsigned offset)
{
    for (unsigned i = 0; i < ARRAY_LEN(kept); i++) {
        if (offset >= kept[i].first && offset <= kept[i].last)
            return kept[i].mask;
    }
    return 0;
}

/* 13.4.18: after an interrupt the next one waits for ITR's interval. */
static void interrupt_update(struct e1000 *nic)
{
    uint64_t now = clock_now(nic->machine->clock), interval = *e1000_reg(nic, ITR) * (uint64_t)ITR_UNIT_NS;
    bool wanted = nic->icr & nic->ims;
    if (wanted && !nic->asserted) {
        if (now < nic->quiet_until) {
            clock_timer_set(nic->timer, nic->quiet_until);
            return;
        }
        nic->quiet_until = now + interval;
    }
    nic->asserted = wanted;
    pci_intx_set(&nic->pci, wanted);
}

static void timer_fired(void *opaque)
{
    interrupt_update(opaque);
}

void e1000_interrupt(struct e1000 *nic, uint32_t reasons)
{
    nic->icr |= reasons & INT_ALL;
    interrupt_update(nic);
}

void e1000_count(struct e1000 *nic, unsigned offset, uint32_t by)
{
    uint32_t *counter = e1000_reg(nic, offset);
    *counter = *counter + by < *counter ? UINT32_MAX : *counter + by;
}

static void octets_count(struct e1000 *nic, unsigned offset, size_t len)
{
    uint32_t *low = e1000_reg(nic, offset), *high = e1000_reg(nic, offset + 4);
    uint64_t sum = (*low | (uint64_t)*high << 32) + len;
    *low = (uint32_t)sum;
    *high = (uint32_t)(sum >> 32);
}

void e1000_count_frame(struct e1000 *nic, const uint8_t *frame, size_t len, bool received)
{
    static const uint16_t sizes[] = {64, 127, 255, 511, 1023};
    size_t wire = (len < 60 ? 60 : len) + 4;
    unsigned size = 0;
    while (size < ARRAY_LEN(sizes) && wire > sizes[size])
        size++;
    e1000_count(nic, (received ? PRC64 : PTC64) + 4 * size, 1);
    e1000_count(nic, received ? TPR : TPT, 1);
    e1000_count(nic, received ? GPRC : GPTC, 1);
    octets_count(nic, received ? TORL : TOTL, wire);
    octets_count(nic, received ? GORCL : GOTCL, wire);
    bool broadcast = le32_load(frame) == 0xffffffff && le16_load(frame + 4) == 0xffff;
    if (broadcast)
        e1000_count(nic, received ? BPRC : BPTC, 1);
    else if (frame[0] & 1)
        e1000_count(nic, received ? MPRC : MPTC, 1);
}

/* Counters are cleared when they are read; of a wide one the low half stays until the high half is. */
static uint32_t statistic_read(struct e1000 *nic, unsigned offset)
{
    static const uint16_t wide[] = {GORCL, GOTCL, TORL, TOTL};
    uint32_t value = *e1000_reg(nic, offset);
    for (unsigned i = 0; i < ARRAY_LEN(wide); i++) {
        if (offset == wide[i])
            return value;
        if (offset == wide[i] + 4u)
            *e1000_reg(nic, wide[i]) = 0;
    }
    *e1000_reg(nic, offset) = 0;
    return value;
}

static uint32_t icr_read(struct e1000 *nic)
{
    uint32_t value = nic->icr;
    nic->icr = 0;
    interrupt_update(nic);
    return value;
}

static uint32_t register_read(struct e1000 *nic, unsigned offset)
{
    if (offset >= REGISTERS_END)
        return 0;
    if (offset >= STATISTICS && offset < STATISTICS_END)
        return statistic_read(nic, offset);
    switch (offset) {
    case EECD: return e1000_eecd_read(nic);
    case EERD: return e1000_eerd_read(nic);
    case ICR: return icr_read(nic);
    case ICS: return nic->icr;
    case IMS: return nic->ims;
    case IMC: return 0;
    default: return *e1000_reg(nic, offset);
    }
}

/* 14.1 and table 13-2: the state after a reset; the addresses come from the EEPROM. */
static void controller_reset(struct e1000 *nic)
{
    memset(nic->registers, 0, sizeof(nic->registers));
    nic->icr = nic->ims = 0;
    nic->gathering = nic->segmenting = nic->broken = false;
    nic->gathered = nic->segments = 0;
    nic->quiet_until = 0;
    *e1000_reg(nic, CTRL) = 0x00140240; /* link up, 1000 Mb/s, full duplex */
    *e1000_reg(nic, STATUS) = STATUS_FULL_DUPLEX | STATUS_1000 | (nic->port ? STATUS_LINK : 0);
    *e1000_reg(nic, 0x0e00) = 0x07061302;
    *e1000_reg(nic, 0x1000) = 0x00100030;
    *e1000_reg(nic, VET) = 0x8100;
    *e1000_reg(nic, RXCSUM) = 0x300;
    *e1000_reg(nic, MDIC) = 1u << 28;
    *e1000_reg(nic, RAL) = le32_load(nic->mac);
    *e1000_reg(nic, RAL + 4) = le16_load(nic->mac + 4) | 0x80000000;
    e1000_phy_reset(nic);
    interrupt_update(nic);
}

static void ctrl_write(struct e1000 *nic, uint32_t value)
{
    if (value & CTRL_RST) {
        controller_reset(nic);
        return;
    }
    if (value & CTRL_PHY_RST)
        e1000_phy_reset(nic);
    *e1000_reg(nic, CTRL) = value & 0x79ffffff;
}

static void register_write(struct e1000 *nic, unsigned offset, uint32_t value)
{
    switch (offset) {
    case CTRL: ctrl_write(nic, value); break;
    case EECD: e1000_eecd_write(nic, value); break;
    case EERD: *e1000_reg(nic, EERD) = value; break;
    case MDIC: e1000_mdic_write(nic, value); break;
    case ICR: nic->icr &= ~value; break;
    case ICS: nic->icr |= value & INT_ALL; break;
    case IMS: nic->ims |= value & INT_ALL; break;
    case IMC: nic->ims &= ~value; break;
    case RCTL:
        *e1000_reg(nic, RCTL) = value & kept_mask(RCTL);
        net_receive_ready(nic->port);
        break;
    case RDT:
        *e1000_reg(nic, RDT) = value & 0xffff;
        net_receive_ready(nic->port);
        break;
    case TCTL:
        *e1000_reg(nic, TCTL) = value;
        e1000_transmit(nic);
        break;
    case TDT:
        *e1000_reg(nic, TDT) = value & 0xffff;
        e1000_transmit(nic);
        break;
    default:
        if (offset < REGISTERS_END && kept_mask(offset))
            *e1000_reg(nic, offset) = value & kept_mask(offset);
    }
    interrupt_update(nic);
}

static uint64_t memory_read(void *opaque, uint64_t offset, unsigned width)
{
    (void)width;
    return register_read(opaque, (unsigned)offset);
}

static void memory_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    (void)width;
    register_write(opaque, (unsigned)offset, (uint32_t)value);
}

/* 13.3: IOADDR names the register that IODATA is. */
static uint64_t port_read(void *opaque, uint64_t offset, unsigned width)
{
    struct e1000 *nic = opaque;
    (void)width;
    if (offset == 0)
        return nic->io_address;
    return offset == 4 ? register_read(nic, nic->io_address & ~3u) : 0;
}

static void port_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct e1000 *nic = opaque;
    (void)width;
    if (offset == 0)
        nic->io_address = (uint32_t)value & (BAR_MEMORY_SIZE - 1);
    else if (offset == 4)
        register_write(nic, nic->io_address & ~3u, (uint32_t)value);
}

/* A packet half gathered may not reach further than its buffer. */
static void restored(void *object)
{
    struct e1000 *nic = object;
    if (!*e1000_reg(nic, VET)) /* a reset: a loaded state has been through one */
        controller_reset(nic);
    nic->gathering = nic->segmenting = nic->broken = false;
    nic->gathered = nic->segments = 0;
    interrupt_update(nic);
}

static const struct state_field fields[] = {
    STATE_ARRAY(struct e1000, registers),
    STATE_ARRAY(struct e1000, phy),
    STATE(struct e1000, icr),
    STATE(struct e1000, ims),
    STATE(struct e1000, quiet_until),
    STATE(struct e1000, io_address),
    STATE(struct e1000, eeprom_in),
    STATE(struct e1000, eeprom_out),
    STATE(struct e1000, eeprom_bits),
    STATE(struct e1000, eeprom_left),
    STATE(struct e1000, eeprom_reading),
    STATE(struct e1000, context.ip_start),
    STATE(struct e1000, context.ip_offset),
    STATE(struct e1000, context.tcp_start),
    STATE(struct e1000, context.tcp_offset),
    STATE(struct e1000, context.header),
    STATE(struct e1000, context.command),
    STATE(struct e1000, context.ip_end),
    STATE(struct e1000, context.tcp_end),
    STATE(struct e1000, context.mss),
    STATE(struct e1000, context.payload),
};
static const struct state_table table = {"e1000", 1, fields, ARRAY_LEN(fields), restored};

static void e1000_destroy(void *object)
{
    struct e1000 *nic = object;
    net_close(nic->port);
    pci_function_fini(&nic->pci);
    clock_timer_destroy(nic->timer);
    free(nic);
}

static void bars_define(struct e1000 *nic, struct ram_block *rom)
{
    const struct bus_region memory = {.name = "e1000",
                                      .size = BAR_MEMORY_SIZE,
                                      .min_width = 4,
                                      .max_width = 4,
                                      .read = memory_read,
                                      .write = memory_write,
                                      .opaque = nic};
    const struct bus_region ports = {.name = "e1000",
                                     .size = BAR_PORTS_SIZE,
                                     .min_width = 4,
                                     .max_width = 4,
                                     .read = port_read,
                                     .write = port_write,
                                     .opaque = nic};
    pci_bar_add(&nic->pci, BAR_MEMORY, BAR_MEMORY_SIZE, 0);
    pci_bar_region(&nic->pci, BAR_MEMORY, &memory);
    pci_bar_add(&nic->pci, BAR_PORTS, BAR_PORTS_SIZE, PCI_BAR_IO);
    pci_bar_region(&nic->pci, BAR_PORTS, &ports);
    if (rom)
        pci_rom_add(&nic->pci, rom);
}

struct e1000 *e1000_create(struct machine *machine, const struct e1000_config *config, struct error *err)
{
    struct e1000 *nic = machine_alloc(sizeof(*nic));
    snprintf(nic->config_name, sizeof(nic->config_name), "%s-config", config->name);
    struct pci_config pci = {.name = nic->config_name,
                             .devfn = config->devfn,
                             .vendor = E1000_VENDOR,
                             .device = E1000_DEVICE,
                             .subsystem_vendor = E1000_SUBSYSTEM_VENDOR,
                             .subsystem = E1000_SUBSYSTEM,
                             .class_code = E1000_CLASS,
                             .revision = E1000_REVISION,
                             .interrupt_pin = 1};
    nic->machine = machine;
    nic->port = config->port;
    memcpy(nic->mac, config->mac, sizeof(nic->mac));
    if (!pci_function_init(&nic->pci, machine, config->bus, &pci, err)) {
        net_close(nic->port);
        free(nic);
        return NULL;
    }
    bars_define(nic, config->rom);
    nic->timer = clock_timer_create(machine->clock, timer_fired, nic);
    machine_device_add(machine, config->name, &table, nic, e1000_destroy);
    net_attach(nic->port, &(struct net_handlers){.receive = e1000_receive, .opaque = nic});
    return nic;
}
