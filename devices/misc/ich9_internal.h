/* What the two files of the ICH9's LPC bridge share. */
#pragma once

#include "devices/misc/ich9_lpc.h"

/* ACPI and TCO registers, where PMBASE says. */
struct ich9_pm {
    struct ich9_lpc *lpc;
    struct clock_timer *timer;
    uint64_t seen; /* ticks of the timer up to which TMROF_STS is known */
    uint16_t pm1_sts, pm1_en;
    uint32_t pm1_cnt;
    uint64_t gpe0_sts, gpe0_en;
    uint32_t smi_en, smi_sts;
    bool smi_locked; /* by GEN_PMCON_1: SMI_EN's global bit stays as it is */
    uint8_t tco[32];
    uint64_t gpe_lines; /* levels of the event inputs */
    bool asleep;
    uint16_t woken; /* what is found in PM1_STS after waking */
};

enum { GSI_SOURCE_PIRQ, GSI_SOURCE_ISA, GSI_SOURCE_OTHER, GSI_SOURCES };

struct ich9_lpc {
    struct machine *machine;
    struct ich9_lpc_config config;
    struct pci_function pci;
    struct ich9_pm pm;

    uint32_t gsi_levels[GSI_SOURCES]; /* what drives the I/O APIC's pins, by kind of source */
    uint32_t gsi_driven;
    uint16_t isa_levels, pic_driven;
    uint8_t pirq_levels;
    bool sci;

    uint8_t port_92, apm_control, apm_status;
    bool keyboard_a20;
    uint32_t chipset[4096]; /* RCBA */

    bool pm_shown, rcba_shown;
    unsigned pm_id, rcba_id;
    uint64_t pm_base, rcba_base;
};

/* ich9_lpc.c */
void ich9_sci_set(struct ich9_lpc *lpc, bool level);

/* ich9_pm.c */
uint64_t ich9_pm_read(void *pm, uint64_t offset, unsigned width);
void ich9_pm_write(void *pm, uint64_t offset, uint64_t value, unsigned width);
void ich9_pm_timer_fired(void *pm);
/* Bring the SCI and the timer in line with the registers. */
void ich9_pm_update(struct ich9_pm *pm);
void ich9_pm_acpi_set(struct ich9_pm *pm, bool on);
void ich9_pm_apm_smi(struct ich9_pm *pm);
/* The clock's alarm. */
void ich9_pm_rtc_set(void *lpc, unsigned n, bool level);
void ich9_pm_gpe_set(void *lpc, unsigned n, bool level);
