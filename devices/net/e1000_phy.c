/* The EEPROM (5.6, 13.4.3) with its contents, and the PHY (8, 13.4.5). */
#include "base/bits.h"
#include "devices/net/e1000_internal.h"

/* EECD: a Microwire bus by hand. */
#define EECD_SK   0x01u
#define EECD_CS   0x02u
#define EECD_DI   0x04u
#define EECD_DO   0x08u
#define EECD_REQ  0x40u
#define EECD_GNT  0x80u
#define EECD_PRES 0x100u

#define EERD_START 0x01u
#define EERD_DONE  0x10u

/* Start bit, two of operation, six of address. */
#define COMMAND_BITS  9
#define COMMAND_READ  6u
#define EEPROM_SUM    0xbabau
#define EEPROM_SUM_AT 0x3f

#define MDIC_WRITE (1u << 26)
#define MDIC_READ  (2u << 26)
#define MDIC_READY (1u << 28)
#define MDIC_INT   (1u << 29)
#define MDIC_ERROR (1u << 30)
#define PHY_NUMBER 1u

enum { PHY_CONTROL = 0, PHY_STATUS = 1 };
#define PHY_CONTROL_RESET   0x8000u
#define PHY_CONTROL_RESTART 0x0200u

static uint16_t word_at(const struct e1000 *nic, unsigned address)
{
    switch (address) {
    case 0:
    case 1:
    case 2: return le16_load(nic->mac + 2 * address);
    case 0x0a: return 0x4408; /* initialisation control 1 */
    case 0x0b: return nic->pci.config.subsystem;
    case 0x0c: return nic->pci.config.subsystem_vendor;
    case 0x0d: return nic->pci.config.device;
    case 0x0e: return nic->pci.config.vendor;
    case 0x0f: return 0x3040; /* initialisation control 2 */
    default: return 0;
    }
}

/* All words together are BABAh. */
static uint16_t eeprom_word(const struct e1000 *nic, unsigned address)
{
    uint16_t sum = EEPROM_SUM;
    if (address != EEPROM_SUM_AT)
        return word_at(nic, address);
    for (unsigned i = 0; i < EEPROM_SUM_AT; i++)
        sum = (uint16_t)(sum - word_at(nic, i));
    return sum;
}

uint32_t e1000_eerd_read(struct e1000 *nic)
{
    uint32_t asked = *e1000_reg(nic, EERD);
    unsigned address = asked >> 8 & 0xff;
    if (!(asked & EERD_START))
        return asked;
    uint16_t word = address < E1000_EEPROM_WORDS ? eeprom_word(nic, address) : 0xffff;
    return (uint32_t)word << 16 | address << 8 | EERD_DONE;
}

uint32_t e1000_eecd_read(const struct e1000 *nic)
{
    uint32_t value = nic->registers[EECD / 4];
    bool out = !nic->eeprom_reading || nic->eeprom_out >> 16 & 1;
    return value | EECD_PRES | (value & EECD_REQ ? EECD_GNT : 0) | (out ? EECD_DO : 0);
}

/* A bit on the rising edge of the clock: of the command, or the word's next. */
static void eeprom_clock(struct e1000 *nic, bool bit)
{
    if (nic->eeprom_reading) {
        if (nic->eeprom_left == 0) { /* the next word follows by itself */
            nic->eeprom_in = (nic->eeprom_in + 1) & (E1000_EEPROM_WORDS - 1);
            nic->eeprom_out = (uint32_t)eeprom_word(nic, nic->eeprom_in) << 1;
            nic->eeprom_left = 16;
        } else {
            nic->eeprom_out <<= 1;
        }
        nic->eeprom_left--;
        return;
    }
    if (nic->eeprom_bits == 0 && !bit) /* until the start bit comes */
        return;
    nic->eeprom_in = (uint16_t)(nic->eeprom_in << 1 | bit);
    if (++nic->eeprom_bits < COMMAND_BITS)
        return;
    nic->eeprom_bits = 0;
    nic->eeprom_reading = nic->eeprom_in >> 6 == COMMAND_READ;
    nic->eeprom_in &= E1000_EEPROM_WORDS - 1;
    /* A zero, in bit 16, comes first, then the word. */
    nic->eeprom_out = nic->eeprom_reading ? eeprom_word(nic, nic->eeprom_in) : 0;
    nic->eeprom_left = 16;
}

void e1000_eecd_write(struct e1000 *nic, uint32_t value)
{
    uint32_t old = *e1000_reg(nic, EECD);
    *e1000_reg(nic, EECD) = value & (EECD_SK | EECD_CS | EECD_DI | EECD_REQ);
    if (!(value & EECD_CS)) {
        nic->eeprom_bits = nic->eeprom_left = 0;
        nic->eeprom_in = nic->eeprom_out = 0;
        nic->eeprom_reading = false;
    } else if (value & ~old & EECD_SK) {
        eeprom_clock(nic, value & EECD_DI);
    }
}

void e1000_phy_reset(struct e1000 *nic)
{
    static const uint16_t initial[E1000_PHY_REGISTERS] = {
        [0] = 0x1140,                                /* full duplex, autonegotiation, 1000 Mb/s */
        [1] = 0x7949,                                /* what it can */
        [2] = 0x0141,                                /* the M88E1000 */
        [3] = 0x0c20,  [4] = 0x0de1,  [5] = 0xcde1,  /* the partner: everything */
        [6] = 0x000f,  [9] = 0x0e00,  [10] = 0x3c00, /* the partner does 1000 Mb/s */
        [15] = 0x3000, [16] = 0x0360, [17] = 0xa808, /* 1000 Mb/s, full duplex, resolved */
        [20] = 0x0d60,
    };
    memcpy(nic->phy, initial, sizeof(initial));
}

static uint16_t phy_read(const struct e1000 *nic, unsigned reg)
{
    bool link = nic->registers[STATUS / 4] & STATUS_LINK;
    switch (reg) {
    case PHY_STATUS: return nic->phy[reg] | (link ? 0x0024 : 0); /* link, negotiated */
    case 17: return nic->phy[reg] | (link ? 0x0400 : 0);
    default: return nic->phy[reg];
    }
}

static void phy_write(struct e1000 *nic, unsigned reg, uint16_t value)
{
    static const uint16_t readonly = 1u << 1 | 1u << 2 | 1u << 3 | 1u << 5 | 1u << 6 | 1u << 10 | 1u << 15;
    if (reg == PHY_CONTROL) {
        if (value & PHY_CONTROL_RESET)
            e1000_phy_reset(nic);
        else
            nic->phy[reg] = value & 0x3dff & (uint16_t)~PHY_CONTROL_RESTART;
        if (value & (PHY_CONTROL_RESET | PHY_CONTROL_RESTART)) /* negotiated at once */
            e1000_interrupt(nic, INT_LINK);
    } else if (reg >= 16 ? reg != 17 : !(readonly >> reg & 1)) {
        nic->phy[reg] = value;
    }
}

void e1000_mdic_write(struct e1000 *nic, uint32_t value)
{
    unsigned reg = value >> 16 & 0x1f, number = value >> 21 & 0x1f;
    uint32_t answer = value | MDIC_READY;
    if (number != PHY_NUMBER)
        answer |= MDIC_ERROR;
    else if (value & MDIC_READ)
        answer = (answer & 0xffff0000) | phy_read(nic, reg);
    else if (value & MDIC_WRITE)
        phy_write(nic, reg, (uint16_t)value);
    *e1000_reg(nic, MDIC) = answer;
    if (value & MDIC_INT)
        e1000_interrupt(nic, INT_MDIO);
}
