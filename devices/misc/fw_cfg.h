/*
 * The firmware configuration device: numbered items and named files that the machine hands to firmware and
 * kernels, read byte by byte or by DMA, as registers in memory (data at 0, selector at 8, DMA at 16, all
 * big-endian) or on ports (0x510, 0x511, 0x514). After QEMU's specification of it.
 */
#pragma once

#include "devices/machine.h"

#define FW_CFG_MMIO_SIZE 0x18

/* Well-known items. */
#define FW_CFG_SIGNATURE      0x0000 /* made by the device, as is FW_CFG_ID and FW_CFG_FILE_DIR */
#define FW_CFG_ID             0x0001
#define FW_CFG_UUID           0x0002
#define FW_CFG_RAM_SIZE       0x0003
#define FW_CFG_NOGRAPHIC      0x0004
#define FW_CFG_NB_CPUS        0x0005
#define FW_CFG_MACHINE_ID     0x0006
#define FW_CFG_KERNEL_ADDR    0x0007
#define FW_CFG_KERNEL_SIZE    0x0008
#define FW_CFG_KERNEL_CMDLINE 0x0009
#define FW_CFG_INITRD_ADDR    0x000a
#define FW_CFG_INITRD_SIZE    0x000b
#define FW_CFG_BOOT_DEVICE    0x000c
#define FW_CFG_NUMA           0x000d
#define FW_CFG_BOOT_MENU      0x000e
#define FW_CFG_MAX_CPUS       0x000f
#define FW_CFG_KERNEL_ENTRY   0x0010
#define FW_CFG_KERNEL_DATA    0x0011
#define FW_CFG_INITRD_DATA    0x0012
#define FW_CFG_CMDLINE_ADDR   0x0013
#define FW_CFG_CMDLINE_SIZE   0x0014
#define FW_CFG_CMDLINE_DATA   0x0015
#define FW_CFG_SETUP_ADDR     0x0016
#define FW_CFG_SETUP_SIZE     0x0017
#define FW_CFG_SETUP_DATA     0x0018
#define FW_CFG_FILE_DIR       0x0019
#define FW_CFG_FILE_FIRST     0x0020
#define FW_CFG_ARCH_LOCAL     0x8000 /* added to the number of an item that is one architecture's own */

#define FW_CFG_NAME_MAX 56 /* with its zero */

struct fw_cfg_config {
    struct bus *bus;
    uint64_t base;
    bool ports; /* the layout for ports instead of that for memory */
};

struct fw_cfg;

/* NULL and err when its place overlaps another device. */
struct fw_cfg *fw_cfg_create(struct machine *machine, const struct fw_cfg_config *config, struct error *err);

/* Before the guest runs: items and files, whose bytes are copied. A number or name is used once. */
void fw_cfg_add_item(struct fw_cfg *fw, uint16_t key, const void *data, size_t len);
void fw_cfg_add_number(struct fw_cfg *fw, uint16_t key, unsigned width, uint64_t value);
void fw_cfg_add_file(struct fw_cfg *fw, const char *name, const void *data, size_t len);

/* A large item that stays the caller's memory, which outlives the device: a kernel, an initrd. */
void fw_cfg_add_item_borrowed(struct fw_cfg *fw, uint16_t key, const void *data, size_t len);

struct fw_cfg_callbacks {
    void (*selected)(void *opaque);                       /* before its first byte is read; may be NULL */
    void (*written)(void *opaque, size_t at, size_t len); /* the guest changed these bytes; may be NULL */
    void *opaque;
};

/* A file the device does not copy: `data` stays the caller's, and may change while the guest runs. The guest
 * may write it when `writable`. */
void fw_cfg_add_file_shared(struct fw_cfg *fw, const char *name, void *data, size_t len, bool writable,
                            const struct fw_cfg_callbacks *callbacks);
