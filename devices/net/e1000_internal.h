/* What the files of the e1000 share. Register and bit names are those of Intel's developer's manual
 * (PCI/PCI-X family of gigabit Ethernet controllers, 317453). */
#pragma once

#include "devices/net/e1000.h"

enum {
    CTRL = 0x0000,
    STATUS = 0x0008,
    EECD = 0x0010,
    EERD = 0x0014,
    MDIC = 0x0020,
    VET = 0x0038,
    ICR = 0x00c0,
    ITR = 0x00c4,
    ICS = 0x00c8,
    IMS = 0x00d0,
    IMC = 0x00d8,
    RCTL = 0x0100,
    TCTL = 0x0400,
    RDBAL = 0x2800,
    RDBAH = 0x2804,
    RDLEN = 0x2808,
    RDH = 0x2810,
    RDT = 0x2818,
    TDBAL = 0x3800,
    TDBAH = 0x3804,
    TDLEN = 0x3808,
    TDH = 0x3810,
    TDT = 0x3818,
    STATISTICS = 0x4000,
    MPC = 0x4010,
    PRC64 = 0x405c, /* received by size: 64, 127, 255, 511, 1023, more */
    GPRC = 0x4074,
    BPRC = 0x4078,
    MPRC = 0x407c,
    GPTC = 0x4080,
    GORCL = 0x4088, /* octets: 64 bits each, the high half behind */
    GOTCL = 0x4090,
    RNBC = 0x40a0,
    ROC = 0x40ac,
    TORL = 0x40c0,
    TOTL = 0x40c8,
    TPR = 0x40d0,
    TPT = 0x40d4,
    PTC64 = 0x40d8,
    MPTC = 0x40f0,
    BPTC = 0x40f4,
    TSCTC = 0x40f8,
    STATISTICS_END = 0x4100,
    RXCSUM = 0x5000,
    MTA = 0x5200, /* 128 words */
    RAL = 0x5400, /* 16 pairs, with RAH behind each */
    VFTA = 0x5600,
    REGISTERS_END = 0x8000,
};

#define CTRL_RST     (1u << 26)
#define CTRL_PHY_RST (1u << 31)
#define CTRL_VME     (1u << 30)

#define STATUS_FULL_DUPLEX 0x01u
#define STATUS_LINK        0x02u
#define STATUS_1000        0x80u

#define INT_TX_WRITTEN (1u << 0)
#define INT_TX_EMPTY   (1u << 1)
#define INT_LINK       (1u << 2)
#define INT_RX_LOW     (1u << 4)
#define INT_RX_OVERRUN (1u << 6)
#define INT_RX         (1u << 7)
#define INT_MDIO       (1u << 9)
#define INT_ALL        0x0001ffffu

#define RCTL_EN    (1u << 1)
#define RCTL_UPE   (1u << 3)
#define RCTL_MPE   (1u << 4)
#define RCTL_LPE   (1u << 5)
#define RCTL_LBM   (3u << 6)
#define RCTL_BAM   (1u << 15)
#define RCTL_VFE   (1u << 18)
#define RCTL_BSEX  (1u << 25)
#define RCTL_SECRC (1u << 26)

#define TCTL_EN (1u << 1)

#define E1000_DESCRIPTOR    16u
#define E1000_HEADER_MAX    255u
#define E1000_PACKET_MAX    (65535u + E1000_HEADER_MAX)
#define E1000_EEPROM_WORDS  64
#define E1000_PHY_REGISTERS 32

/* What a context descriptor sets up for the packets that follow. */
struct e1000_context {
    uint8_t ip_start, ip_offset, tcp_start, tcp_offset, header, command;
    uint16_t ip_end, tcp_end, mss;
    uint32_t payload;
};

struct e1000 {
    struct machine *machine;
    struct pci_function pci;
    char config_name[48];
    struct net_port *port;
    uint8_t mac[6];

    uint32_t registers[REGISTERS_END / 4];
    uint16_t phy[E1000_PHY_REGISTERS];
    uint32_t icr, ims;
    bool asserted;        /* the pin */
    uint64_t quiet_until; /* no interrupt before this: ITR */
    struct clock_timer *timer;
    uint32_t io_address; /* of the port window */

    /* The EEPROM's serial interface: bits shifted in, and the word being shifted out. */
    uint16_t eeprom_in;
    uint32_t eeprom_out;
    uint8_t eeprom_bits, eeprom_left;
    bool eeprom_reading;

    /* A packet being gathered from descriptors. */
    struct e1000_context context;
    uint8_t options, packet_command; /* of its first descriptor: checksums, VLAN */
    uint16_t vlan;
    bool gathering, segmenting, broken;
    uint32_t gathered, segments;
    uint8_t packet[E1000_PACKET_MAX];
};

static inline uint32_t *e1000_reg(struct e1000 *nic, unsigned offset)
{
    return &nic->registers[offset / 4];
}

/* e1000.c: reasons for an interrupt; counters, that stay at their most. */
void e1000_interrupt(struct e1000 *nic, uint32_t reasons);
void e1000_count(struct e1000 *nic, unsigned offset, uint32_t by);
/* A frame went or came: packets, octets and sizes. `sizes` is PRC64 or PTC64. */
void e1000_count_frame(struct e1000 *nic, const uint8_t *frame, size_t len, bool received);

/* e1000_phy.c: EEPROM and PHY. */
void e1000_phy_reset(struct e1000 *nic);
uint32_t e1000_eecd_read(const struct e1000 *nic);
void e1000_eecd_write(struct e1000 *nic, uint32_t value);
uint32_t e1000_eerd_read(struct e1000 *nic);
void e1000_mdic_write(struct e1000 *nic, uint32_t value);

/* e1000_tx.c: send what the descriptors from TDH to TDT say. */
void e1000_transmit(struct e1000 *nic);
/* The sum of bytes as 16-bit words, not yet folded; `len` may be odd. */
uint32_t e1000_sum(const uint8_t *bytes, size_t len);
uint16_t e1000_fold(uint64_t sum);

/* e1000_rx.c: a frame from the port; false: no descriptor for it now. */
bool e1000_receive(void *nic, const uint8_t *frame, size_t len);
