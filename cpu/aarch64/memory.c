#include "cpu/aarch64/memory.h"

#include "base/bits.h"
#include "cpu/aarch64/debug.h"
#include "cpu/aarch64/interp.h"
#include "cpu/aarch64/mmu.h"

static bool crosses_page(uint64_t va, unsigned size)
{
    return (va & ~PAGE_MASK) + size > PAGE_SIZE;
}

static bool in_quantity(uint64_t va, unsigned size)
{
    return (va & 15) + size <= 16;
}

/* Arm ARM, AArch64.UnalignedAccessFaults; what Device memory asks for comes later. */
static bool alignment_faults(const struct aarch64_core *c, const struct aarch64_access *access)
{
    if (!(access->va & (access->align - 1u)))
        return false;
    if (c->s.sctlr_el1 & SCTLR_A)
        return true;
    if (!access->atomic)
        return false;
    return !aarch64_has(c, FEAT_LSE2) ||
           (!(c->s.sctlr_el1 & SCTLR_nAA) && !in_quantity(access->va, access->size));
}

/* The places of an access: one, or two when it crosses a page. Both are checked before anything happens. */
struct span {
    struct aarch64_place low, high;
    unsigned low_size;
};

static bool span_find(struct aarch64_core *c, const struct aarch64_access *access, enum walk_access kind,
                      struct span *span)
{
    bool write = kind == WALK_WRITE;
    if (alignment_faults(c, access))
        return aarch64_data_abort(c, access->va, FSC_ALIGNMENT, write);
    span->low_size = access->size;
    if (crosses_page(access->va, access->size))
        span->low_size = (unsigned)(PAGE_SIZE - (access->va & ~PAGE_MASK));
    if (!aarch64_place_find(c, access->va, kind, access->user, &span->low))
        return false;
    bool unaligned = access->va & (access->align - 1u);
    bool device = unaligned && aarch64_place_device(c, access->va, kind, access->user, &span->low);
    if (span->low_size < access->size) {
        if (!aarch64_place_find(c, access->va + span->low_size, kind, access->user, &span->high))
            return false;
        device |= unaligned &&
                  aarch64_place_device(c, access->va + span->low_size, kind, access->user, &span->high);
    }
    if (device)
        return aarch64_data_abort(c, access->va, FSC_ALIGNMENT, write);
    return aarch64_watch_check(c, access->va, access->size, kind, access->user);
}

static uint64_t span_byte(const struct span *span, unsigned n)
{
    return n < span->low_size ? span->low.pa + n : span->high.pa + (n - span->low_size);
}

/* Two places, or a device's registers that are not asked for as they lie. */
static bool in_bytes(const struct aarch64_access *access, const struct span *span)
{
    return span->low_size < access->size || (!span->low.host && (access->va & (access->align - 1u)));
}

static bool load_bytes(struct aarch64_core *c, const struct aarch64_access *access, const struct span *span)
{
    c->loaded[0] = c->loaded[1] = 0;
    for (unsigned n = 0; n < access->size; n++) {
        uint64_t byte;
        if (!vcpu_load(&c->vcpu, gpa(span_byte(span, n)), 1, &byte))
            return aarch64_data_abort(c, access->va + n, FSC_EXTERNAL, false);
        c->loaded[n / 8] |= byte << (8 * (n % 8));
    }
    return true;
}

/* Elements of up to eight bytes, at one place. */
static bool load_whole(struct aarch64_core *c, const struct aarch64_access *access, const struct span *span)
{
    unsigned step = access->size < 8 ? access->size : 8;
    c->loaded[1] = 0;
    for (unsigned n = 0; n < access->size; n += step) {
        uint64_t *value = &c->loaded[n / 8];
        if (span->low.host)
            *value = host_load(span->low.host + n, step);
        else if (!vcpu_load(&c->vcpu, gpa(span->low.pa + n), step, value))
            return aarch64_data_abort(c, access->va + n, FSC_EXTERNAL, false);
    }
    return true;
}

bool aarch64_load(struct aarch64_core *c, const struct aarch64_access *access)
{
    struct span span;
    if (!span_find(c, access, WALK_READ, &span))
        return false;
    return in_bytes(access, &span) ? load_bytes(c, access, &span) : load_whole(c, access, &span);
}

bool aarch64_store(struct aarch64_core *c, const struct aarch64_access *access, uint64_t lo, uint64_t hi)
{
    struct span span;
    const uint64_t values[2] = {lo, hi};
    if (!span_find(c, access, WALK_WRITE, &span))
        return false;
    unsigned step = in_bytes(access, &span) ? 1 : access->size < 8 ? access->size : 8;
    for (unsigned n = 0; n < access->size; n += step) {
        uint64_t value = values[n / 8] >> (8 * (n % 8));
        if (step > 1 && span.low.writable)
            host_store(span.low.host + n, step, value);
        else if (!vcpu_store(&c->vcpu, gpa(span_byte(&span, n)), step, step == 1 ? value & 0xff : value))
            return aarch64_data_abort(c, access->va + n, FSC_EXTERNAL, true);
    }
    return true;
}

/* ---- shorthands ---- */

bool a64_load_slow(struct aarch64_core *c, uint64_t va, unsigned size)
{
    const struct aarch64_access access = {.va = va, .size = (uint8_t)size, .align = (uint8_t)size};
    return aarch64_load(c, &access);
}

bool a64_store_slow(struct aarch64_core *c, uint64_t va, unsigned size, uint64_t lo, uint64_t hi)
{
    const struct aarch64_access access = {.va = va, .size = (uint8_t)size, .align = (uint8_t)size};
    return aarch64_store(c, &access, lo, hi);
}

bool aarch64_load_user(struct aarch64_core *c, uint64_t va, unsigned size)
{
    const struct aarch64_access access = {
        .va = va, .size = (uint8_t)size, .align = (uint8_t)size, .user = true};
    return aarch64_load(c, &access);
}

bool aarch64_store_user(struct aarch64_core *c, uint64_t va, unsigned size, uint64_t value)
{
    const struct aarch64_access access = {
        .va = va, .size = (uint8_t)size, .align = (uint8_t)size, .user = true};
    return aarch64_store(c, &access, value, 0);
}

bool aarch64_load_ordered(struct aarch64_core *c, uint64_t va, unsigned size)
{
    const struct aarch64_access access = {
        .va = va, .size = (uint8_t)size, .align = (uint8_t)size, .atomic = true};
    return aarch64_load(c, &access);
}

bool aarch64_store_ordered(struct aarch64_core *c, uint64_t va, unsigned size, uint64_t value)
{
    const struct aarch64_access access = {
        .va = va, .size = (uint8_t)size, .align = (uint8_t)size, .atomic = true};
    return aarch64_store(c, &access, value, 0);
}

/* Elements of four bytes are one value of eight to the functions above. */
bool aarch64_load_pair(struct aarch64_core *c, uint64_t va, unsigned size)
{
    const struct aarch64_access access = {.va = va, .size = (uint8_t)(2 * size), .align = (uint8_t)size};
    if (!aarch64_load(c, &access))
        return false;
    if (size == 4) {
        c->loaded[1] = c->loaded[0] >> 32;
        c->loaded[0] = (uint32_t)c->loaded[0];
    }
    return true;
}

bool aarch64_store_pair(struct aarch64_core *c, uint64_t va, unsigned size, uint64_t first, uint64_t second)
{
    const struct aarch64_access access = {.va = va, .size = (uint8_t)(2 * size), .align = (uint8_t)size};
    if (size == 4)
        first = (uint32_t)first | second << 32;
    return aarch64_store(c, &access, first, second);
}

/* ---- atomic ---- */

void *aarch64_atomic_at(struct aarch64_core *c, uint64_t va, unsigned size, enum aarch64_atomic what)
{
    struct aarch64_place place;
    enum walk_access kind = what == ATOMIC_LOAD ? WALK_READ : WALK_WRITE;
    /* What reads and writes is a write in what it reports, unless the read alone would fault as well. */
    bool reads = what != ATOMIC_STORE, writes = what != ATOMIC_LOAD;
    bool unaligned = va & (size - 1);
    bool allowed = aarch64_has(c, FEAT_LSE2) && !(c->s.sctlr_el1 & SCTLR_A) && in_quantity(va, size);
    if (unaligned && !allowed) {
        aarch64_data_abort(c, va, FSC_ALIGNMENT, !reads);
        return NULL;
    }
    if (reads && writes && !aarch64_place_find(c, va, WALK_READ, false, &place))
        return NULL;
    if (!aarch64_place_find(c, va, kind, false, &place))
        return NULL;
    struct ram_page ram = ram_page_at(c->vcpu.mem->ram, gpa(place.pa & PAGE_MASK));
    if (unaligned && aarch64_place_device(c, va, kind, false, &place)) {
        aarch64_data_abort(c, va, FSC_ALIGNMENT, !reads);
        return NULL;
    }
    if (!place.host && !bus_covers(c->vcpu.mem->mmio, place.pa, size)) {
        aarch64_data_abort(c, va, FSC_EXTERNAL, !reads);
        return NULL;
    }
    if (!place.host || (writes && !ram.writable)) {
        aarch64_data_abort(c, va, FSC_UNSUPPORTED_ATOMIC, writes);
        return NULL;
    }
    if (reads && writes && !aarch64_watch_check(c, va, size, WALK_READ, false))
        return NULL;
    if (!aarch64_watch_check(c, va, size, kind, false))
        return NULL;
    c->atomic.pa = place.pa;
    c->atomic.watched = !place.writable;
    return place.host;
}

void aarch64_atomic_done(struct aarch64_core *c, unsigned size)
{
    ram_written(c->vcpu.mem->ram, gpa(c->atomic.pa), size);
}

/* ---- cache maintenance ---- */

bool aarch64_zero(struct aarch64_core *c, uint64_t va)
{
    uint64_t block = align_down(va, AARCH64_ZVA_BLOCK);
    void *hit = tlb_write_hit(c->bank, block, AARCH64_ZVA_BLOCK);
    if (likely(hit)) {
        memset(hit, 0, AARCH64_ZVA_BLOCK);
        return true;
    }
    struct aarch64_place place;
    if (!aarch64_place_find(c, block, WALK_WRITE, false, &place)) {
        c->fault.far = va;
        return false;
    }
    if (!aarch64_watch_check(c, block, AARCH64_ZVA_BLOCK, WALK_WRITE, false))
        return false;
    /* DC ZVA to any type of Device memory is an alignment fault (D7.4.8). */
    if (aarch64_place_device(c, block, WALK_WRITE, false, &place))
        return aarch64_data_abort(c, va, FSC_ALIGNMENT, true);
    for (unsigned n = 0; n < AARCH64_ZVA_BLOCK; n += 8) {
        if (!vcpu_store(&c->vcpu, gpa(place.pa + n), 8, 0))
            return aarch64_data_abort(c, va, FSC_EXTERNAL, true);
    }
    return true;
}

bool aarch64_cache_check(struct aarch64_core *c, uint64_t va, bool write)
{
    struct aarch64_place place;
    enum walk_access kind = write ? WALK_WRITE : WALK_READ;
    if (aarch64_place_find(c, va, kind, false, &place))
        return true;
    /* PSTATE.PAN is not for maintenance (D8.4.3). */
    if ((c->s.pstate & PSTATE_PAN) && aarch64_el(c) == 1 &&
        aarch64_walk(c, va, kind, false, false, true).walk.status == WALK_OK)
        return true;
    /* Maintenance reports CM, and counts as a write (D17.2.37, ISS.WnR). */
    c->fault.iss |= (uint32_t)(ISS_CM | ISS_WNR);
    return false;
}
