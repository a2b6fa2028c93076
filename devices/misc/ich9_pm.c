/* ACPI power management of the ICH9 (data sheet, 13.8): fixed events, the timer, general events, SMI enables.
 */
#include "base/bits.h"
#include "devices/misc/ich9_internal.h"

enum {
    PM1_STS = 0x00, /* 16 bits; PM1_EN at 2 */
    PM1_CNT = 0x04,
    PM1_TMR = 0x08,
    GPE0_STS = 0x20, /* 64 bits, as is GPE0_EN */
    GPE0_EN = 0x28,
    SMI_EN = 0x30,
    SMI_STS = 0x34,
    TCO = 0x60,
    TCO_END = 0x80,
};

#define PM1_TIMER  0x0001u
#define PM1_GLOBAL 0x0020u
#define PM1_BUTTON 0x0100u
#define PM1_RTC    0x0400u
#define PM1_WAKE   0x8000u
#define PM1_EVENTS (PM1_TIMER | PM1_GLOBAL | PM1_BUTTON | PM1_RTC)

#define CNT_SCI_EN 0x0001u
#define CNT_KEPT   0x1c03u /* SCI_EN, BM_RLD, SLP_TYP */
#define CNT_SLP_EN 0x2000u

#define SMI_GLOBAL 0x01u
#define SMI_APM    0x20u

#define TIMER_HZ  3579545u
#define TIMER_MSB 23 /* TMROF_STS is set when this bit changes */

static uint64_t timer_ticks(const struct ich9_pm *pm)
{
    return clock_scale(clock_now(pm->lpc->machine->clock), TIMER_HZ, 1000000000);
}

/* The button wakes always (13.8.3.1), the clock when it may. */
static void wake_look(struct ich9_pm *pm)
{
    uint16_t cause = pm->pm1_sts & (PM1_BUTTON | (pm->pm1_en & PM1_RTC));
    if (!pm->asleep || !cause)
        return;
    pm->asleep = false;
    pm->woken = cause | PM1_WAKE;
    pm->lpc->machine->request(pm->lpc->machine, MACHINE_WAKE, 0);
}

void ich9_pm_update(struct ich9_pm *pm)
{
    uint64_t ticks = timer_ticks(pm), next = CLOCK_NEVER;
    wake_look(pm);
    if (ticks >> TIMER_MSB != pm->seen >> TIMER_MSB)
        pm->pm1_sts |= PM1_TIMER;
    pm->seen = ticks;
    bool wanted = pm->pm1_sts & pm->pm1_en & PM1_EVENTS || pm->gpe0_sts & pm->gpe0_en;
    ich9_sci_set(pm->lpc, wanted && pm->pm1_cnt & CNT_SCI_EN);
    if (pm->pm1_en & ~pm->pm1_sts & PM1_TIMER)
        next = clock_scale(((ticks >> TIMER_MSB) + 1) << TIMER_MSB, 1000000000, TIMER_HZ) + 1;
    clock_timer_set(pm->timer, next);
}

void ich9_pm_timer_fired(void *opaque)
{
    ich9_pm_update(opaque);
}

void ich9_pm_acpi_set(struct ich9_pm *pm, bool on)
{
    pm->pm1_cnt = on ? pm->pm1_cnt | CNT_SCI_EN : pm->pm1_cnt & ~CNT_SCI_EN;
    ich9_pm_update(pm);
}

void ich9_pm_apm_smi(struct ich9_pm *pm)
{
    if (!(pm->smi_en & SMI_APM))
        return;
    pm->smi_sts |= SMI_APM;
    if (pm->smi_en & SMI_GLOBAL)
        irq_line_pulse(&pm->lpc->config.smi);
}

void ich9_pm_gpe_set(void *opaque, unsigned n, bool level)
{
    struct ich9_lpc *lpc = opaque;
    uint64_t bit = (uint64_t)1 << n;
    if (level && !(lpc->pm.gpe_lines & bit))
        lpc->pm.gpe0_sts |= bit;
    lpc->pm.gpe_lines = level ? lpc->pm.gpe_lines | bit : lpc->pm.gpe_lines & ~bit;
    ich9_pm_update(&lpc->pm);
}

void ich9_pm_rtc_set(void *opaque, unsigned n, bool level)
{
    struct ich9_lpc *lpc = opaque;
    (void)n;
    if (!level)
        return;
    lpc->pm.pm1_sts |= PM1_RTC;
    ich9_pm_update(&lpc->pm);
}

void ich9_sleep(struct ich9_lpc *lpc)
{
    lpc->pm.asleep = true;
    ich9_pm_update(&lpc->pm);
}

void ich9_wake(struct ich9_lpc *lpc)
{
    lpc->pm.pm1_sts |= lpc->pm.woken;
    ich9_pm_update(&lpc->pm);
}

void ich9_power_button(struct ich9_lpc *lpc)
{
    lpc->pm.pm1_sts |= PM1_BUTTON;
    ich9_pm_update(&lpc->pm);
}

/*
 * 13.8.3.3, and what EDK2 writes on every virtual PC: 0 and 1 for off and suspend, where the data sheet has 7
 * and 5. A board's \_S5 may name either.
 */
static void sleep_enter(struct ich9_pm *pm)
{
    struct machine *machine = pm->lpc->machine;
    unsigned type = pm->pm1_cnt >> 10 & 7;
    switch (type) {
    case 1:
    case 5: machine->request(machine, MACHINE_SUSPEND, 0); break;
    case 0:
    case 2:
    case 6:
    case 7: machine->request(machine, MACHINE_POWER_OFF, 0); break;
    default: log_guest("ICH9: the sleep type %u means nothing", type);
    }
}

static void control_write(struct ich9_pm *pm, uint32_t value)
{
    pm->pm1_cnt = value & CNT_KEPT;
    if (value & CNT_SLP_EN)
        sleep_enter(pm);
}

/* The double word at a multiple of 4. */
static uint32_t register_read(struct ich9_pm *pm, unsigned offset)
{
    if (offset >= TCO && offset < TCO_END)
        return le32_load(pm->tco + (offset - TCO));
    switch (offset) {
    case PM1_STS: ich9_pm_update(pm); return pm->pm1_sts | (uint32_t)pm->pm1_en << 16;
    case PM1_CNT: return pm->pm1_cnt;
    case PM1_TMR: return (uint32_t)timer_ticks(pm) & 0xffffff;
    case GPE0_STS: return (uint32_t)pm->gpe0_sts;
    case GPE0_STS + 4: return (uint32_t)(pm->gpe0_sts >> 32);
    case GPE0_EN: return (uint32_t)pm->gpe0_en;
    case GPE0_EN + 4: return (uint32_t)(pm->gpe0_en >> 32);
    case SMI_EN: return pm->smi_en;
    case SMI_STS: return pm->smi_sts;
    default: return 0;
    }
}

uint64_t ich9_pm_read(void *opaque, uint64_t offset, unsigned width)
{
    (void)width;
    return register_read(opaque, offset & ~3u) >> 8 * (offset & 3);
}

/* Bits of `written` are what was written, those of `mask` the bytes that were. */
static void register_write(struct ich9_pm *pm, unsigned offset, uint32_t written, uint32_t mask)
{
    uint32_t merged = (register_read(pm, offset) & ~mask) | (written & mask);
    unsigned shift = offset & 4 ? 32 : 0;
    written &= mask;
    if (offset >= TCO && offset < TCO_END) {
        le32_store(pm->tco + (offset - TCO), merged);
        return;
    }
    switch (offset) {
    case PM1_STS:
        pm->pm1_sts &= (uint16_t)~written;
        pm->pm1_en = (uint16_t)(merged >> 16);
        break;
    case PM1_CNT: control_write(pm, merged); break;
    case GPE0_STS:
    case GPE0_STS + 4: pm->gpe0_sts &= ~((uint64_t)written << shift); break;
    case GPE0_EN:
    case GPE0_EN + 4: pm->gpe0_en = bits_set(pm->gpe0_en, shift, 32, merged); break;
    case SMI_EN:
        pm->smi_en = pm->smi_locked ? (merged & ~SMI_GLOBAL) | (pm->smi_en & SMI_GLOBAL) : merged;
        break;
    case SMI_STS: pm->smi_sts &= ~written; break;
    default: break;
    }
}

void ich9_pm_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct ich9_pm *pm = opaque;
    unsigned shift = 8 * (offset & 3);
    register_write(pm, offset & ~3u, (uint32_t)value << shift,
                   (uint32_t)bits_get(UINT64_MAX, 0, 8 * width) << shift);
    ich9_pm_update(pm);
}
