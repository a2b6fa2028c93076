/* The registers of one AHCI port (AHCI 1.3.1, 3.3). */
#include "base/bits.h"
#include "devices/storage/ahci_internal.h"

enum {
    PXCLB = 0x00,
    PXCLBU = 0x04,
    PXFB = 0x08,
    PXFBU = 0x0c,
    PXIS = 0x10,
    PXIE = 0x14,
    PXCMD = 0x18,
    PXTFD = 0x20,
    PXSIG = 0x24,
    PXSSTS = 0x28,
    PXSCTL = 0x2c,
    PXSERR = 0x30,
    PXSACT = 0x34,
    PXCI = 0x38,
};

#define IE_WRITABLE  0x7dc0007fu
#define CMD_WRITABLE 0x0f000011u /* START, FIS, ATAPI and its LED, partial and slumber */

#define SCTL_DET       0x0fu
#define SCTL_DET_RESET 0x01u
#define SCTL_DET_OFF   0x04u

#define SSTS_ACTIVE 0x123u /* interface active, 3 Gb/s, device there */
#define SSTS_OFF    0x004u

uint32_t ahci_port_read(const struct ahci_port *port, unsigned offset)
{
    switch (offset) {
    case PXCLB: return (uint32_t)port->clb;
    case PXCLBU: return (uint32_t)(port->clb >> 32);
    case PXFB: return (uint32_t)port->fb;
    case PXFBU: return (uint32_t)(port->fb >> 32);
    case PXIS: return port->is;
    case PXIE: return port->ie;
    case PXCMD: return port->cmd;
    case PXTFD: return port->tfd;
    case PXSIG: return port->sig;
    case PXSSTS: return port->ssts;
    case PXSCTL: return port->sctl;
    case PXSERR: return port->serr;
    case PXSACT: return port->sact;
    case PXCI: return port->ci;
    default: return 0;
    }
}

static void cmd_write(struct ahci_port *port, uint32_t value)
{
    uint32_t old = port->cmd;
    port->cmd = (old & ~CMD_WRITABLE) | (value & CMD_WRITABLE);
    if (port->cmd & CMD_FIS)
        port->cmd |= CMD_FIS_RUNS;
    else
        port->cmd &= ~CMD_FIS_RUNS;
    if (port->signature_waits && port->cmd & CMD_FIS && port->device)
        ahci_fis_signature(port);
    if (value & CMD_OVERRIDE)
        port->tfd &= ~(uint32_t)(ATA_STATUS_BUSY | ATA_STATUS_DATA);
    if (port->cmd & CMD_START) {
        port->cmd |= CMD_LIST_RUNS;
        ahci_port_run(port);
    } else if (old & CMD_START) {
        port->cmd &= ~CMD_LIST_RUNS;
        ahci_port_stop(port);
    }
}

static void device_connect(struct ahci_port *port)
{
    port->ssts = port->device ? SSTS_ACTIVE : 0;
    port->tfd = 0x7f;
    port->sig = UINT32_MAX;
    if (!port->device)
        return;
    port->device->reset(port->device);
    ahci_fis_signature(port);
}

/* 10.4.2: DET from 1 to 0 resets the device; the link says that it has come up again. */
static void sctl_write(struct ahci_port *port, uint32_t value)
{
    uint32_t old = port->sctl & SCTL_DET, now = value & SCTL_DET;
    port->sctl = value & 0xfff;
    if (now == SCTL_DET_RESET && old != SCTL_DET_RESET) {
        ahci_port_stop(port);
        port->ssts = 0;
        port->tfd = 0x7f;
    } else if (now == SCTL_DET_OFF) {
        ahci_port_stop(port);
        port->ssts = SSTS_OFF;
    } else if (now == 0 && old != 0) {
        device_connect(port);
        if (port->device) {
            port->serr |= SERR_EXCHANGED;
            ahci_port_interrupt(port, IS_CONNECT);
        }
    }
}

/* 5.5.1: bits are only set by software, and only while the list runs. */
static void issue(struct ahci_port *port, uint32_t value)
{
    if (!(port->cmd & CMD_START))
        return;
    port->ci |= value;
    ahci_port_run(port);
}

static void serr_write(struct ahci_port *port, uint32_t value)
{
    port->serr &= ~value;
    if (!(port->serr & SERR_EXCHANGED)) /* 3.3.5: the interrupt status shows this bit */
        port->is &= ~IS_CONNECT;
    ahci_port_interrupt(port, 0);
}

void ahci_port_write(struct ahci_port *port, unsigned offset, uint32_t value)
{
    switch (offset) {
    case PXCLB: port->clb = bits_set(port->clb, 0, 32, value & ~0x3ffu); break;
    case PXCLBU: port->clb = bits_set(port->clb, 32, 32, value); break;
    case PXFB: port->fb = bits_set(port->fb, 0, 32, value & ~0xffu); break;
    case PXFBU: port->fb = bits_set(port->fb, 32, 32, value); break;
    case PXIS:
        port->is &= ~(value & ~IS_CONNECT);
        ahci_port_interrupt(port, 0);
        break;
    case PXIE:
        port->ie = value & IE_WRITABLE;
        ahci_port_interrupt(port, 0);
        break;
    case PXCMD: cmd_write(port, value); break;
    case PXSCTL: sctl_write(port, value); break;
    case PXSERR: serr_write(port, value); break;
    case PXSACT:
        if (port->cmd & CMD_START)
            port->sact |= value;
        break;
    case PXCI: issue(port, value); break;
    default: break;
    }
}

void ahci_port_reset(struct ahci_port *port)
{
    ahci_port_stop(port);
    port->clb = port->fb = 0;
    port->is = port->ie = port->serr = port->sctl = 0;
    port->cmd = CMD_SPIN_UP | CMD_POWER;
    port->resetting = false;
    device_connect(port);
}
