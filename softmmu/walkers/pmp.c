#include "softmmu/walkers/pmp.h"

#include "base/bits.h"
#include "softmmu/tlb.h"

enum pmp_match {
    PMP_OFF,
    PMP_TOR,
    PMP_NA4,
    PMP_NAPOT,
};

/* The bytes an entry matches; false: none. */
static bool range_of(const uint8_t *cfg, const uint64_t *addr, unsigned i, uint64_t *first, uint64_t *last)
{
    uint64_t here = addr[i] & PMP_ADDR_MASK, below = i ? addr[i - 1] & PMP_ADDR_MASK : 0;
    switch (bits_get(cfg[i], PMP_A_SHIFT, 2)) {
    case PMP_TOR:
        *first = below << 2;
        *last = (here << 2) - 1;
        return below < here;
    case PMP_NA4:
        *first = here << 2;
        *last = *first + 3;
        return true;
    case PMP_NAPOT: {
        uint64_t ones = here ^ (here + 1); /* the trailing ones and the zero above them */
        *first = (here & ~ones) << 2;
        *last = *first + (ones << 2 | 3);
        return true;
    }
    default: return false;
    }
}

void pmp_update(struct pmp *pmp, const uint8_t cfg[PMP_ENTRIES], const uint64_t addr[PMP_ENTRIES],
                uint64_t mseccfg)
{
    *pmp = (struct pmp){.mseccfg = (uint8_t)mseccfg};
    for (unsigned i = 0; i < PMP_ENTRIES; i++) {
        uint64_t first, last;
        if (!range_of(cfg, addr, i, &first, &last))
            continue;
        pmp->ranges[pmp->count].first = first;
        pmp->ranges[pmp->count].last = last;
        pmp->ranges[pmp->count++].cfg = cfg[i];
    }
}

/* R, W and X of an entry in the order of enum tlb_permission. */
static uint8_t plain(uint8_t cfg)
{
    return (uint8_t)((cfg & PMP_R ? TLB_READ : 0) | (cfg & PMP_W ? TLB_WRITE : 0) |
                     (cfg & PMP_X ? TLB_FETCH : 0));
}

/* Smepmp 2.1, "mseccfg.MML": W without R means a region shared between the modes, L an M-mode-only one. */
static uint8_t granted_mml(uint8_t cfg, bool machine)
{
    switch (cfg & (PMP_L | PMP_R | PMP_W | PMP_X)) {
    case PMP_W: return machine ? TLB_READ | TLB_WRITE : TLB_READ;
    case PMP_W | PMP_X: return TLB_READ | TLB_WRITE;
    case PMP_L | PMP_W: return TLB_FETCH;
    case PMP_L | PMP_W | PMP_X: return machine ? TLB_READ | TLB_FETCH : TLB_FETCH;
    case PMP_L | PMP_R | PMP_W | PMP_X: return TLB_READ;
    default: return machine == !!(cfg & PMP_L) ? plain(cfg) : 0;
    }
}

static uint8_t granted(const struct pmp *pmp, uint8_t cfg, bool machine)
{
    if (pmp->mseccfg & MSECCFG_MML)
        return granted_mml(cfg, machine);
    return machine && !(cfg & PMP_L) ? TLB_READ | TLB_WRITE | TLB_FETCH : plain(cfg);
}

/* Where no entry matches. */
static uint8_t granted_elsewhere(const struct pmp *pmp, bool machine)
{
    if (!machine || (pmp->mseccfg & MSECCFG_MMWP))
        return 0;
    return pmp->mseccfg & MSECCFG_MML ? TLB_READ | TLB_WRITE : TLB_READ | TLB_WRITE | TLB_FETCH;
}

/* The permission of the first entry that matches any byte of [first, last]. False: that entry does not match
 * all of them, so the access fails whatever it grants (Priv. 3.7.1.3). */
static bool lookup(const struct pmp *pmp, uint64_t first, uint64_t last, bool machine, uint8_t *permission)
{
    for (unsigned i = 0; i < pmp->count; i++) {
        if (first > pmp->ranges[i].last || last < pmp->ranges[i].first)
            continue;
        bool whole = first >= pmp->ranges[i].first && last <= pmp->ranges[i].last;
        *permission = whole ? granted(pmp, pmp->ranges[i].cfg, machine) : 0;
        return whole;
    }
    *permission = granted_elsewhere(pmp, machine);
    return true;
}

bool pmp_check(const struct pmp *pmp, uint64_t pa, uint64_t size, enum walk_access access, bool machine)
{
    static const uint8_t needed[] = {
        [WALK_READ] = TLB_READ, [WALK_WRITE] = TLB_WRITE, [WALK_FETCH] = TLB_FETCH};
    uint8_t permission;
    uint64_t last = pa + (size - 1);
    return last >= pa && lookup(pmp, pa, last, machine, &permission) && (permission & needed[access]);
}

bool pmp_page(const struct pmp *pmp, uint64_t pa, bool machine, uint8_t *permission)
{
    return lookup(pmp, pa & PAGE_MASK, pa | ~PAGE_MASK, machine, permission);
}

uint8_t pmp_cfg_after_write(uint8_t old, uint8_t value, uint64_t mseccfg)
{
    if ((old & PMP_L) && !(mseccfg & MSECCFG_RLB))
        return old;
    value &= PMP_CFG_MASK;
    bool shared = (value & (PMP_R | PMP_W)) == PMP_W;
    if (!(mseccfg & MSECCFG_MML)) /* W without R is reserved and the field is WARL: it becomes no access */
        return shared ? value & (uint8_t) ~(PMP_R | PMP_W | PMP_X) : value;
    /* Smepmp: no new rule may let M mode execute, unless locks are bypassed. */
    bool all = (value & (PMP_R | PMP_W | PMP_X)) == (PMP_R | PMP_W | PMP_X);
    bool executable = shared || ((value & PMP_X) && !all);
    return (value & PMP_L) && executable && !(mseccfg & MSECCFG_RLB) ? old : value;
}

bool pmp_addr_writable(const uint8_t cfg[PMP_ENTRIES], unsigned index, uint64_t mseccfg)
{
    if (mseccfg & MSECCFG_RLB)
        return true;
    /* A locked TOR entry also locks the address below it, which is its lower end. */
    bool end_of_locked = index + 1 < PMP_ENTRIES && (cfg[index + 1] & PMP_L) &&
                         bits_get(cfg[index + 1], PMP_A_SHIFT, 2) == PMP_TOR;
    return !(cfg[index] & PMP_L) && !end_of_locked;
}

uint64_t pmp_mseccfg_after_write(uint64_t old, uint64_t value, const uint8_t cfg[PMP_ENTRIES])
{
    const uint64_t sticky = MSECCFG_MML | MSECCFG_MMWP;
    bool locked = false;
    for (unsigned i = 0; i < PMP_ENTRIES; i++)
        locked |= (cfg[i] & PMP_L) != 0;
    uint64_t rlb = locked && !(old & MSECCFG_RLB) ? 0 : value & MSECCFG_RLB;
    return (value & ~(uint64_t)MSECCFG_RLB) | (old & sticky) | rlb;
}
