#include "softmmu/walkers/arm64.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/bits.h"
#include "softmmu/tlb.h"

/* Descriptors (Arm ARM D8.3). */
#define DESC_VALID ((uint64_t)1 << 0)
#define DESC_TABLE ((uint64_t)1 << 1) /* or a page, at level 3 */
#define DESC_USER  ((uint64_t)1 << 6) /* AP[1] */
#define DESC_RO    ((uint64_t)1 << 7) /* AP[2] */
#define DESC_AF    ((uint64_t)1 << 10)
#define DESC_NG    ((uint64_t)1 << 11)
#define DESC_GP    ((uint64_t)1 << 50)
#define DESC_DBM   ((uint64_t)1 << 51)
#define DESC_PXN   ((uint64_t)1 << 53)
#define DESC_UXN   ((uint64_t)1 << 54)

/* Of tables, for all below them. */
#define DESC_PXN_TABLE  ((uint64_t)1 << 59)
#define DESC_UXN_TABLE  ((uint64_t)1 << 60)
#define DESC_USER_TABLE ((uint64_t)1 << 61) /* APTable[0]: no access from EL0 */
#define DESC_RO_TABLE   ((uint64_t)1 << 62) /* APTable[1] */
#define DESC_HIERARCHY  (DESC_PXN_TABLE | DESC_UXN_TABLE | DESC_USER_TABLE | DESC_RO_TABLE)

#define DESC_ATTRIBUTES                                                                                      \
    (DESC_USER | DESC_RO | DESC_AF | DESC_NG | DESC_GP | DESC_DBM | DESC_PXN | DESC_UXN | (uint64_t)7 << 2)

/* A granule: its page and its tables, as powers of two. */
struct granule {
    uint8_t page_bits, stride;
    uint32_t feature;
};
static const struct granule granule_4k = {12, 9, ARM64_4K}, granule_16k = {14, 11, ARM64_16K},
                            granule_64k = {16, 13, ARM64_64K};

/* One half of the address space, as TCR_EL1 sets it up. The options of its radix_root are a pointer to this.
 */
struct half {
    const struct granule *granule;
    unsigned input_bits;  /* of a virtual address */
    unsigned output_bits; /* of a physical address: beyond is an address size fault */
    bool wide;            /* 52-bit descriptors by LPA2 (DS) */
    bool wide_64k;        /* 52-bit descriptors by LPA */
    bool hierarchy;       /* tables' permissions count */
    bool upper;
    int start_level;
    struct radix_format format;
};

static const struct granule *granule_of(const struct arm64_walk *walk, bool upper)
{
    static const struct granule *const tg0[4] = {&granule_4k, &granule_64k, &granule_16k, &granule_4k};
    static const struct granule *const tg1[4] = {&granule_4k, &granule_16k, &granule_4k, &granule_64k};
    const struct granule *granule =
        upper ? tg1[bits_get(walk->tcr, TCR_TG1_SHIFT, 2)] : tg0[bits_get(walk->tcr, TCR_TG0_SHIFT, 2)];
    if (walk->features & granule->feature)
        return granule;
    /* A reserved or missing size is taken as one that is there. */
    return walk->features & ARM64_4K ? &granule_4k : &granule_64k;
}

static unsigned output_bits(const struct arm64_walk *walk, const struct half *half)
{
    static const uint8_t sizes[8] = {32, 36, 40, 42, 44, 48, 52, 52};
    unsigned bits = sizes[bits_get(walk->tcr, TCR_IPS_SHIFT, 3)];
    if (bits > 48 && !half->wide && !half->wide_64k)
        bits = 48;
    return bits < walk->pa_bits ? bits : walk->pa_bits;
}

/* Whether a descriptor at this level may be a block or a page (D8.3.1). */
static bool may_be_leaf(const struct half *half, int level)
{
    unsigned page_bits = half->granule->page_bits;
    switch (level) {
    case 3:
    case 2: return true;
    case 1: return page_bits == 12 || (page_bits == 14 ? half->wide : half->wide_64k);
    case 0: return page_bits == 12 && half->wide;
    default: return false;
    }
}

static uint64_t descriptor_address(const struct half *half, uint64_t raw, unsigned low)
{
    if (half->wide)
        return (bits_get(raw, low, 50 - low) << low) | bits_get(raw, 8, 2) << 50;
    uint64_t address = bits_get(raw, low, 48 - low) << low;
    return half->wide_64k ? address | bits_get(raw, 12, 4) << 48 : address;
}

static uint64_t entry_address(const struct half *half, unsigned depth, uint64_t raw)
{
    bool table = (raw & DESC_TABLE) && half->start_level + (int)depth < 3;
    return descriptor_address(half, raw, table ? half->granule->page_bits : half->format.level[depth].shift);
}

static struct radix_entry decode(const struct radix_format *format, unsigned depth, uint64_t raw,
                                 uint64_t options)
{
    (void)options;
    const struct half *half = (const struct half *)((uintptr_t)format - offsetof(struct half, format));
    int level = half->start_level + (int)depth;
    bool table = (raw & DESC_TABLE) && level < 3;
    struct radix_entry entry = {.kind = RADIX_RESERVED};
    if (!(raw & DESC_VALID))
        entry.kind = RADIX_EMPTY;
    if (!(raw & DESC_VALID) || (!table && !may_be_leaf(half, level)) || (level == 3 && !(raw & DESC_TABLE)))
        return entry;
    entry.address = entry_address(half, depth, raw);
    if (entry.address >> half->output_bits)
        return entry;
    entry.kind = table ? RADIX_TABLE : RADIX_LEAF;
    entry.page_bits = format->level[depth].shift;
    /* Table bits of a leaf, and leaf bits of a table, are for others. */
    entry.attributes = raw & (table ? DESC_HIERARCHY : DESC_ATTRIBUTES);
    return entry;
}

static uint64_t inherit(uint64_t table_attributes, uint64_t attributes)
{
    return attributes | (table_attributes & DESC_HIERARCHY);
}

static void levels_fill(struct half *half)
{
    unsigned page_bits = half->granule->page_bits, stride = half->granule->stride;
    unsigned count = (half->input_bits - page_bits + stride - 1) / stride;
    half->start_level = 4 - (int)count;
    half->format = (struct radix_format){
        .name = "VMSAv8-64", .levels = (uint8_t)count, .entry_size = 8, .decode = decode, .inherit = inherit};
    for (unsigned depth = 0; depth < count; depth++) {
        unsigned shift = page_bits + stride * (count - 1 - depth);
        unsigned top = depth ? shift + stride : half->input_bits;
        half->format.level[depth] = (struct radix_level){(uint8_t)shift, (uint8_t)(top - shift)};
        if (may_be_leaf(half, half->start_level + (int)depth))
            half->format.leaf_depths |= (uint8_t)(1 << depth);
    }
}

/* Set up one half. False: no address of it can be translated, since TnSZ is out of range (D8.2.2). */
static bool half_fill(const struct arm64_walk *walk, bool upper, struct half *half)
{
    *half = (struct half){.granule = granule_of(walk, upper), .upper = upper};
    bool is_64k = half->granule->page_bits == 16;
    half->wide = (walk->tcr & TCR_DS) && (walk->features & ARM64_LPA2) && !is_64k;
    half->wide_64k = is_64k && (walk->features & ARM64_LPA);
    half->hierarchy = !(walk->features & ARM64_HPDS) || !(walk->tcr & (upper ? TCR_HPD1 : TCR_HPD0));
    half->output_bits = output_bits(walk, half);
    unsigned size = (unsigned)bits_get(walk->tcr, upper ? TCR_T1SZ_SHIFT : TCR_T0SZ_SHIFT, 6);
    unsigned least = half->wide || (is_64k && (walk->features & ARM64_LVA)) ? 12 : 16;
    unsigned most = !(walk->features & ARM64_TTST) ? 39 : is_64k ? 47 : 48;
    if (size < least || size > most)
        return false;
    half->input_bits = 64 - size;
    levels_fill(half);
    return true;
}

/* Where the first table lies: aligned to its size, and to 64 bytes where bits 5:2 are address bits 51:48. */
static struct radix_root root_of(const struct arm64_walk *walk, const struct half *half)
{
    uint64_t ttbr = walk->ttbr[half->upper];
    unsigned size_bits = 3 + half->format.level[0].bits;
    uint64_t table = bits_get(ttbr, 0, 48);
    if (half->output_bits > 48) {
        size_bits = size_bits < 6 ? 6 : size_bits;
        table |= bits_get(ttbr, 2, 4) << 48;
    }
    return (struct radix_root){.format = &half->format, .table = align_down(table, (uint64_t)1 << size_bits)};
}

uint64_t arm64_untag(uint64_t tcr, uint64_t va, bool fetch)
{
    bool upper = va >> 55 & 1;
    bool tagged = tcr & (upper ? TCR_TBI1 : TCR_TBI0);
    if (fetch && (tcr & (upper ? TCR_TBID1 : TCR_TBID0)))
        tagged = false;
    return tagged ? (uint64_t)sign_extend(va, 56) : va;
}

/* A fault with a level; level -1 has codes of its own. */
static struct arm64_result fault(enum walk_status status, unsigned fsc, unsigned fsc_m1, int level)
{
    return (struct arm64_result){.walk = {.status = status, .level = (uint8_t)level},
                                 .fsc = (uint8_t)(level < 0 ? fsc_m1 : fsc + (unsigned)level)};
}

static struct arm64_result translation_fault(int level)
{
    return fault(WALK_NOT_PRESENT, FSC_TRANSLATION, FSC_TRANSLATION_M1, level);
}

/* D8.4.1: what the descriptor and the tables above it let this context do. With hardware dirty state, a page
 * that could be made writable counts as such. */
static uint8_t permission_of(const struct arm64_walk *walk, uint64_t attributes, bool dirty_managed)
{
    bool user_page = (attributes & DESC_USER) && !(attributes & DESC_USER_TABLE);
    bool read_only = ((attributes & DESC_RO) && !(dirty_managed && (attributes & DESC_DBM))) ||
                     (attributes & DESC_RO_TABLE);
    bool user_runs = !(attributes & (DESC_UXN | DESC_UXN_TABLE)) && !(walk->wxn && user_page && !read_only);
    bool readable, runs;
    if (walk->user) {
        readable = user_page;
        runs = user_runs;
    } else {
        /* What EL0 can write, EL1 never executes. */
        bool user_writes = user_page && !read_only;
        readable = !(walk->pan && (user_page || (walk->epan && user_runs)));
        runs = !(attributes & (DESC_PXN | DESC_PXN_TABLE)) && !user_writes && !(walk->wxn && !read_only);
    }
    return (uint8_t)((readable ? TLB_READ : 0) | (readable && !read_only ? TLB_WRITE : 0) |
                     (runs ? TLB_FETCH : 0));
}

static uint8_t needed(enum walk_access access)
{
    static const uint8_t permissions[] = {
        [WALK_READ] = TLB_READ, [WALK_WRITE] = TLB_WRITE, [WALK_FETCH] = TLB_FETCH};
    return permissions[access];
}

/* The walk has ended at something that is no leaf, or can't be read. */
static struct arm64_result walk_fault(const struct half *half, const struct radix_path *path, bool readable)
{
    const struct radix_step *last = radix_last(path);
    unsigned depth = path->count - 1;
    int level = half->start_level + (int)depth;
    struct arm64_result result = translation_fault(level);
    if (!readable) {
        result = fault(WALK_BUS, FSC_EXTERNAL_WALK, FSC_EXTERNAL_WALK_M1, level);
    } else if (last->entry.kind == RADIX_RESERVED && last->entry.address) {
        result = fault(WALK_RESERVED, FSC_ADDRESS_SIZE, FSC_ADDRESS_SIZE_M1, level);
    }
    result.walk.table = last->at;
    return result;
}

/* Access flag, permission and dirty state of a leaf, in this order. False: the descriptor changed meanwhile.
 */
static bool leaf_check(const struct arm64_walk *walk, const struct half *half, const struct radix_path *path,
                       enum walk_access access, struct arm64_result *result)
{
    const struct radix_step *last = radix_last(path);
    bool access_managed = (walk->tcr & TCR_HA) && (walk->features & ARM64_HAF);
    bool dirty_managed = access_managed && (walk->tcr & TCR_HD) && (walk->features & ARM64_HDBS);
    uint64_t attributes = half->hierarchy ? path->attributes : path->attributes & ~DESC_HIERARCHY;
    unsigned level = result->walk.level;
    result->walk.permission = permission_of(walk, attributes, dirty_managed);
    if (!(attributes & DESC_AF) && !access_managed) {
        result->walk.status = WALK_ACCESS_FLAG;
        result->fsc = (uint8_t)(FSC_ACCESS_FLAG + level);
        return true;
    }
    if (!(result->walk.permission & needed(access))) {
        result->walk.status = WALK_PERMISSION;
        result->fsc = (uint8_t)(FSC_PERMISSION + level);
        return true;
    }
    uint64_t raw = last->raw | DESC_AF;
    if (access == WALK_WRITE && dirty_managed && (raw & DESC_DBM))
        raw &= ~DESC_RO;
    if (raw & DESC_RO)
        result->walk.permission &= (uint8_t)~TLB_WRITE;
    if (raw == last->raw || !walk->update)
        return true;
    enum radix_result updated = radix_update(&half->format, &walk->memory, last, raw);
    if (updated == RADIX_BUS) {
        result->walk.status = WALK_BUS;
        result->fsc = (uint8_t)(FSC_EXTERNAL_WALK + level);
    }
    return updated != RADIX_CHANGED;
}

/* One walk from the root. False when a descriptor changed under it and it must be made again. */
static bool walk_once(const struct arm64_walk *walk, const struct half *half, uint64_t va,
                      enum walk_access access, struct arm64_result *result)
{
    struct radix_root root = root_of(walk, half);
    struct radix_path path;
    if (root.table >> half->output_bits) {
        *result = fault(WALK_RESERVED, FSC_ADDRESS_SIZE, FSC_ADDRESS_SIZE_M1, 0);
        return true;
    }
    bool readable = radix_walk(&root, &walk->memory, va, &path);
    const struct radix_step *last = radix_last(&path);
    if (!readable || last->entry.kind != RADIX_LEAF) {
        *result = walk_fault(half, &path, readable);
        return true;
    }
    *result = (struct arm64_result){
        .walk = {.pa = radix_address(&last->entry, va),
                 .page_bits = last->entry.page_bits,
                 .level = (uint8_t)(half->start_level + (int)path.count - 1),
                 .memory_type = (uint8_t)bits_get(path.attributes, 2, 3),
                 .global = !(path.attributes & DESC_NG),
                 .table = last->at},
        /* With DS the descriptor's field holds address bits. */
        .shareability =
            (uint8_t)(half->wide ? bits_get(walk->tcr, half->upper ? 28 : 12, 2) : bits_get(last->raw, 8, 2)),
        .guarded = (walk->features & ARM64_BTI) && (path.attributes & DESC_GP),
    };
    return leaf_check(walk, half, &path, access, result);
}

struct arm64_result arm64_walk(const struct arm64_walk *walk, uint64_t va, enum walk_access access)
{
    bool upper = va >> 55 & 1;
    bool kept_out =
        walk->user && (walk->features & ARM64_E0PD) && (walk->tcr & (upper ? TCR_E0PD1 : TCR_E0PD0));
    struct half half;
    va = arm64_untag(walk->tcr, va, access == WALK_FETCH);
    if ((walk->tcr & (upper ? TCR_EPD1 : TCR_EPD0)) || kept_out || !half_fill(walk, upper, &half))
        return translation_fault(0);
    /* All bits above the input size are zeroes, or all are ones, with bit 55 saying which. */
    if ((upper ? ~va : va) >> half.input_bits)
        return translation_fault(0);
    struct arm64_result result;
    while (!walk_once(walk, &half, va, access, &result))
        ;
    return result;
}

/* ---- dump ---- */

struct lines {
    void (*line)(void *opaque, const char *text);
    void *opaque;
    uint64_t base; /* the bits above the half's addresses */
};

static bool dump_range(void *opaque, const struct radix_range *range)
{
    const struct lines *lines = opaque;
    uint64_t a = range->attributes;
    char text[160];
    snprintf(text, sizeof(text),
             "%016" PRIx64 "-%016" PRIx64 " %014" PRIx64 " el1:r%c%c el0:%c%c%c attr%u %s%s%s%s",
             lines->base | range->va, lines->base | (range->va + (range->size - 1)), range->pa,
             a & (DESC_RO | DESC_RO_TABLE) ? '-' : 'w', a & (DESC_PXN | DESC_PXN_TABLE) ? '-' : 'x',
             (a & DESC_USER) && !(a & DESC_USER_TABLE) ? 'r' : '-',
             (a & DESC_USER) && !(a & (DESC_USER_TABLE | DESC_RO | DESC_RO_TABLE)) ? 'w' : '-',
             a & (DESC_UXN | DESC_UXN_TABLE) ? '-' : 'x', (unsigned)bits_get(a, 2, 3),
             a & DESC_AF ? "af" : "--", a & DESC_NG ? " ng" : "", a & DESC_DBM ? " dbm" : "",
             a & DESC_GP ? " gp" : "");
    lines->line(lines->opaque, text);
    return true;
}

void arm64_dump(const struct arm64_walk *walk, void (*line)(void *opaque, const char *text), void *opaque)
{
    for (unsigned upper = 0; upper < 2; upper++) {
        struct half half;
        if ((walk->tcr & (upper ? TCR_EPD1 : TCR_EPD0)) || !half_fill(walk, upper, &half))
            continue;
        struct radix_root root = root_of(walk, &half);
        struct lines lines = {
            .line = line, .opaque = opaque, .base = upper ? ~(uint64_t)0 << half.input_bits : 0};
        if (!radix_dump(&root, &walk->memory, dump_range, &lines))
            line(opaque, "... and more entries than a dump goes through");
    }
}
