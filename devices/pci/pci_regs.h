/* PCI configuration space as the PCI Local Bus 3.0 and PCI Express specifications name it. */
#pragma once

#define PCI_CONFIG_SIZE 4096

/* The type 0 header. */
#define PCI_VENDOR_ID           0x00
#define PCI_DEVICE_ID           0x02
#define PCI_COMMAND             0x04
#define PCI_STATUS              0x06
#define PCI_REVISION_ID         0x08
#define PCI_CLASS_CODE          0x09 /* three bytes: interface, sub-class, base class */
#define PCI_CACHE_LINE_SIZE     0x0c
#define PCI_LATENCY_TIMER       0x0d
#define PCI_HEADER_TYPE         0x0e
#define PCI_BAR0                0x10
#define PCI_SUBSYSTEM_VENDOR_ID 0x2c
#define PCI_SUBSYSTEM_ID        0x2e
#define PCI_ROM_ADDRESS         0x30
#define PCI_CAPABILITIES        0x34
#define PCI_INTERRUPT_LINE      0x3c
#define PCI_INTERRUPT_PIN       0x3d

#define PCI_COMMAND_IO           0x0001
#define PCI_COMMAND_MEMORY       0x0002
#define PCI_COMMAND_MASTER       0x0004
#define PCI_COMMAND_PARITY       0x0040
#define PCI_COMMAND_SERR         0x0100
#define PCI_COMMAND_INTX_DISABLE 0x0400

#define PCI_STATUS_INTERRUPT    0x0008
#define PCI_STATUS_CAPABILITIES 0x0010
#define PCI_STATUS_ERRORS       0xf900 /* cleared by writing ones */

#define PCI_HEADER_MULTIFUNCTION 0x80

#define PCI_ROM_ENABLE 0x1

#define PCI_BAR_IO       0x1
#define PCI_BAR_64       0x4
#define PCI_BAR_PREFETCH 0x8

/* Capability identifiers. */
#define PCI_CAP_MSI     0x05
#define PCI_CAP_VENDOR  0x09
#define PCI_CAP_EXPRESS 0x10
#define PCI_CAP_MSIX    0x11

/* MSI: message control at 2. The layout here is the one with 64-bit address and per-vector masks. */
#define PCI_MSI_CONTROL        0x02
#define PCI_MSI_ADDRESS        0x04
#define PCI_MSI_ADDRESS_HIGH   0x08
#define PCI_MSI_DATA           0x0c
#define PCI_MSI_MASK           0x10
#define PCI_MSI_PENDING        0x14
#define PCI_MSI_SIZE           0x18
#define PCI_MSI_CONTROL_ENABLE 0x0001
#define PCI_MSI_CONTROL_64     0x0080
#define PCI_MSI_CONTROL_MASK   0x0100

/* MSI-X: message control at 2, table and pending-bit array places at 4 and 8. */
#define PCI_MSIX_CONTROL        0x02
#define PCI_MSIX_TABLE          0x04
#define PCI_MSIX_PBA            0x08
#define PCI_MSIX_SIZE           0x0c
#define PCI_MSIX_CONTROL_MASK   0x4000
#define PCI_MSIX_CONTROL_ENABLE 0x8000
#define PCI_MSIX_ENTRY_SIZE     16
#define PCI_MSIX_ENTRY_MASKED   0x1
#define PCI_MSIX_VECTORS_MAX    128 /* what a function here may have; the format allows 2048 */

/* PCI Express capability, version 2. */
#define PCI_EXPRESS_SIZE         0x3c
#define PCI_EXPRESS_FLAGS        0x02
#define PCI_EXPRESS_DEVCAP       0x04
#define PCI_EXPRESS_DEVCTL       0x08
#define PCI_EXPRESS_DEVSTA       0x0a
#define PCI_EXPRESS_INTEGRATED   0x9 /* device type: root complex integrated endpoint */
#define PCI_EXPRESS_DEVCAP_RBER  0x8000
#define PCI_EXPRESS_DEVCTL_RESET 0x2810 /* relaxed ordering, no snoop, 512-byte read requests */
