/*
 * The inside of the aarch64 "virt" board and of the minimal one (micro_arm.c), which has fewer devices at the
 * same places: the memory map, and what the parts share: arm_virt.c (the devices), arm_virt_gic.c
 * (interrupts), arm_virt_plan.c (what is started), arm_virt_boot.c (putting it in place), arm_virt_fdt.c (the
 * device tree), arm_virt_acpi.c and arm_virt_dsdt.c (the same for firmware, as ACPI). What other boards have
 * as well is in virt_board.h.
 */
#pragma once

#include "cpu/aarch64/core.h"
#include "devices/irq/gicv2.h"
#include "devices/irq/gicv2m.h"
#include "devices/irq/gicv3_its.h"
#include "machine/acpi/aml.h"
#include "machine/arm_virt.h"
#include "machine/psci/psci.h"
#include "machine/virt_board.h"

/* The memory map. */
#define ARM_FLASH            0x00000000ull
#define ARM_FLASH_SIZE       0x04000000ull /* of each bank */
#define ARM_GIC_DIST         0x08000000ull
#define ARM_GIC_DIST_SIZE    0x00010000ull
#define ARM_GIC_CPU          0x08010000ull
#define ARM_GIC_CPU_SIZE     0x00010000ull
#define ARM_GIC_V2M          0x08020000ull
#define ARM_GIC_ITS          0x08080000ull
#define ARM_GIC_REDIST       0x080a0000ull
#define ARM_GIC_REDIST_SIZE  0x00f60000ull
#define ARM_UART             0x09000000ull
#define ARM_RTC              0x09010000ull
#define ARM_FW_CFG           0x09020000ull
#define ARM_GPIO             0x09030000ull
#define ARM_VIRTIO           0x0a000000ull
#define ARM_VIRTIO_SIZE      0x00000200ull
#define ARM_PCI_LOW          0x10000000ull
#define ARM_PCI_LOW_SIZE     0x2eff0000ull
#define ARM_PCI_IO           0x3eff0000ull
#define ARM_PCI_IO_SIZE      0x00010000ull
#define ARM_RAM              0x40000000ull
#define ARM_RAM_MAX          (255 * GIB)
#define ARM_GIC_REDIST2      0x4000000000ull /* of the CPUs that the first region has no room for */
#define ARM_GIC_REDIST2_SIZE 0x04000000ull
#define ARM_ECAM             0x4010000000ull
#define ARM_ECAM_SIZE        0x10000000ull
#define ARM_PCI_HIGH         0x8000000000ull
#define ARM_PCI_HIGH_SIZE    0x8000000000ull

/* Shared interrupts, as the GIC's inputs are numbered. */
enum arm_irq {
    ARM_IRQ_UART = 1,
    ARM_IRQ_RTC = 2,
    ARM_IRQ_PCI = 3, /* and the three after it */
    ARM_IRQ_GPIO = 7,
    ARM_IRQ_VIRTIO = 16, /* and the 31 after it */
    ARM_IRQ_MESSAGES = 48,
    ARM_IRQ_COUNT = 256,
};

/* Private ones. */
enum arm_ppi {
    ARM_PPI_PMU = 7,
    ARM_PPI_TIMER_HYPERVISOR = 10,
    ARM_PPI_TIMER_VIRTUAL = 11,
    ARM_PPI_TIMER_SECURE = 13,
    ARM_PPI_TIMER_PHYSICAL = 14,
};

/* What the interrupt numbers of private and shared ones begin with. */
#define ARM_INTID_PPI 16
#define ARM_INTID_SPI 32

#define ARM_VIRTIO_SLOTS 32
#define ARM_MESSAGES     64 /* interrupts of the GICv2m frame */
#define ARM_CLOCK        24000000
#define ARM_POWER_PIN    3 /* of the GPIO: the power button */

/* Redistributors of the first region. */
#define ARM_REDISTS_LOW (ARM_GIC_REDIST_SIZE / GICV3_REDIST_SIZE)

struct arm_board {
    struct virt_board virt; /* first. A minimal one has no flash, date, power button and fw_cfg; without PCI
                               no messages either */
    unsigned gic_version;
    struct gicv2 *gicv2; /* one of them */
    struct gicv3 *gicv3;
    struct msi_target messages;
    struct button *power_button;
    struct psci *psci;
};

/* arm_virt.c: a board with nothing on it, and what boards have on them. NULL or false, and err. */
struct arm_board *arm_board_create(const struct machine_config *config, bool minimal, struct error *err);
bool arm_ram_add(struct arm_board *board, struct error *err);
bool arm_cores_add(struct arm_board *board, struct error *err);
bool arm_uart_add(struct arm_board *board, struct error *err);
bool arm_pci_add(struct arm_board *board, struct error *err);

/* arm_virt_plan.c: what it starts. False and err. */
bool arm_plan_make(struct arm_board *board, struct error *err);

/* arm_virt_gic.c: the interrupt controller, with the cores connected to it. False and err. */
bool arm_gic_add(struct arm_board *board, struct error *err);
struct irq_line arm_spi_line(const struct arm_board *board, unsigned n);
/* Whether devices may send messages: those on PCI do. */
bool arm_has_messages(const struct arm_board *board);
/* The affinity of core i. */
uint32_t arm_affinity(const struct arm_board *board, unsigned i);

/* arm_virt_fdt.c: how it names interrupts, and the device tree of a struct arm_board, which the caller frees.
 * NULL and err. */
extern const struct virt_interrupts arm_fdt_interrupts;
void *arm_fdt_make(void *board, const struct dt_chosen *chosen, struct error *err);

/* arm_virt_acpi.c: tables for firmware, through fw_cfg. */
void arm_acpi_publish(const struct arm_board *board);
/* arm_virt_dsdt.c. */
void arm_dsdt_make(struct aml *aml, const struct arm_board *board);

/* arm_virt_boot.c: images into RAM, cores to their start (machine_board.boot). False and err. */
bool arm_boot(struct arm_board *board, struct error *err);
