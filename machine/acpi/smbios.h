/*
 * SMBIOS tables (DSP0134, version 3), which tell an operating system what the machine is called and what it
 * is made of; handed to firmware through fw_cfg, or put where it would put them.
 */
#pragma once

#include "devices/misc/fw_cfg.h"

struct smbios_config {
    const char *product; /* "Triarch arm virt" */
    const char *cpu;     /* its model */
    unsigned cpus;
    uint64_t memory_base, memory; /* RAM, as one range */
};

void smbios_publish(const struct smbios_config *config, struct fw_cfg *fw_cfg);

/* Without firmware: the entry point at `address`, which is one that is searched (a multiple of 16 from
 * 0xf0000 on), and the tables behind it. */
void smbios_place(const struct smbios_config *config, struct ram *ram, uint64_t address);
