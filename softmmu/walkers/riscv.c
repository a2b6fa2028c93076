#include "softmmu/walkers/riscv.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/bits.h"
#include "softmmu/tlb.h"

#define PTE_V        ((uint64_t)1 << 0)
#define PTE_R        ((uint64_t)1 << 1)
#define PTE_W        ((uint64_t)1 << 2)
#define PTE_X        ((uint64_t)1 << 3)
#define PTE_U        ((uint64_t)1 << 4)
#define PTE_G        ((uint64_t)1 << 5)
#define PTE_A        ((uint64_t)1 << 6)
#define PTE_D        ((uint64_t)1 << 7)
#define PTE_RESERVED ((uint64_t)0x7f << 54)
#define PTE_PBMT     ((uint64_t)3 << 61)
#define PTE_N        ((uint64_t)1 << 63)

#define PTE_ATTRIBUTES (PTE_PBMT | 0xff)
#define NAPOT_BITS     16 /* the one size Svnapot has: 64 KiB, ppn[3:0] = 1000 */

enum pte_options {
    OPTION_SVPBMT = 1,
    OPTION_SVNAPOT = 2,
};

static const struct radix_entry reserved = {.kind = RADIX_RESERVED};

static struct radix_entry decode_leaf(const struct radix_format *format, unsigned depth, uint64_t pte,
                                      uint64_t options)
{
    uint64_t ppn = bits_get(pte, 10, 44), pbmt = bits_get(pte, 61, 2);
    struct radix_entry leaf = {.kind = RADIX_LEAF,
                               .page_bits = format->level[depth].shift,
                               .address = ppn << PAGE_BITS,
                               .attributes = pte & PTE_ATTRIBUTES};
    if (pbmt == 3 || (pbmt && !(options & OPTION_SVPBMT)))
        return reserved;
    if (pte & PTE_N) {
        if (!(options & OPTION_SVNAPOT) || depth + 1u != format->levels || (ppn & 0xf) != 8)
            return reserved;
        leaf.page_bits = NAPOT_BITS;
        leaf.address = align_down(leaf.address, (uint64_t)1 << NAPOT_BITS);
    }
    /* Priv. 12.3.2, step 5: a misaligned superpage. */
    if (leaf.address & (((uint64_t)1 << leaf.page_bits) - 1))
        return reserved;
    return leaf;
}

static struct radix_entry decode(const struct radix_format *format, unsigned depth, uint64_t pte,
                                 uint64_t options)
{
    if (!(pte & PTE_V))
        return (struct radix_entry){.kind = RADIX_EMPTY};
    if ((pte & (PTE_R | PTE_W)) == PTE_W || (pte & PTE_RESERVED))
        return reserved;
    if (pte & (PTE_R | PTE_X))
        return decode_leaf(format, depth, pte, options);
    if (pte & (PTE_U | PTE_A | PTE_D | PTE_PBMT | PTE_N))
        return reserved;
    return (struct radix_entry){.kind = RADIX_TABLE,
                                .address = bits_get(pte, 10, 44) << PAGE_BITS,
                                .attributes = pte & PTE_ATTRIBUTES};
}

/* Priv. 12.3.1: a global table makes all below it global. */
static uint64_t inherit(uint64_t table_attributes, uint64_t attributes)
{
    return attributes | (table_attributes & PTE_G);
}

#define RISCV_FORMAT(format_name, level_count, ...)                                                          \
    {                                                                                                        \
        .name = format_name, .levels = level_count, .entry_size = 8, .leaf_depths = (1 << level_count) - 1,  \
        .sign_extended = true, .level = {__VA_ARGS__}, .decode = decode, .inherit = inherit                  \
    }

static const struct radix_format sv39 = RISCV_FORMAT("Sv39", 3, {30, 9}, {21, 9}, {12, 9});
static const struct radix_format sv48 = RISCV_FORMAT("Sv48", 4, {39, 9}, {30, 9}, {21, 9}, {12, 9});
static const struct radix_format sv57 = RISCV_FORMAT("Sv57", 5, {48, 9}, {39, 9}, {30, 9}, {21, 9}, {12, 9});

const struct radix_format *riscv_format(uint64_t satp)
{
    switch (satp >> 60) {
    case SATP_SV39: return &sv39;
    case SATP_SV48: return &sv48;
    case SATP_SV57: return &sv57;
    default: return NULL;
    }
}

struct radix_root riscv_root(const struct riscv_walk *walk)
{
    return (struct radix_root){
        .format = riscv_format(walk->satp),
        .table = bits_get(walk->satp, 0, 44) << PAGE_BITS,
        .options = (walk->pbmte ? OPTION_SVPBMT : 0) | (walk->svnapot ? OPTION_SVNAPOT : 0),
    };
}

static void *table_entry(void *opaque, uint64_t address, unsigned size, enum ram_access access)
{
    const struct riscv_tables *tables = opaque;
    if (tables->allowed && !tables->allowed(tables->opaque, address, size, access))
        return NULL;
    return ram_at(tables->ram, gpa(address), size, access);
}

static void table_written(void *opaque, uint64_t address, unsigned size)
{
    const struct riscv_tables *tables = opaque;
    ram_written(tables->ram, gpa(address), size);
}

struct radix_memory riscv_tables_memory(const struct riscv_tables *tables)
{
    /* The functions above only read it. */
    return (struct radix_memory){
        .entry = table_entry, .written = table_written, .opaque = (void *)(uintptr_t)tables};
}

/* Priv. 12.3.2, steps 6 and 7: what the page lets this context do. */
static uint8_t permission_of(const struct riscv_walk *walk, uint64_t attributes)
{
    bool user_page = attributes & PTE_U;
    if (walk->user ? !user_page : user_page && !walk->sum)
        return 0;
    uint8_t permission = 0;
    if ((attributes & PTE_R) || (walk->mxr && (attributes & PTE_X)))
        permission |= TLB_READ;
    if (attributes & PTE_W)
        permission |= TLB_WRITE;
    /* SUM does not let a supervisor run a user's page. */
    if ((attributes & PTE_X) && walk->user == user_page)
        permission |= TLB_FETCH;
    return permission;
}

static uint8_t needed(enum walk_access access)
{
    static const uint8_t permissions[] = {
        [WALK_READ] = TLB_READ, [WALK_WRITE] = TLB_WRITE, [WALK_FETCH] = TLB_FETCH};
    return permissions[access];
}

/* Step 8: accessed, and dirty for a write. CHANGED when the entry is no longer what it was. */
static enum radix_result set_accessed(const struct riscv_walk *walk, const struct radix_format *format,
                                      const struct radix_step *step, enum walk_access access,
                                      struct walk_result *result)
{
    uint64_t pte = step->raw | PTE_A | (access == WALK_WRITE ? PTE_D : 0);
    if (!(pte & PTE_D))
        result->permission &= (uint8_t)~TLB_WRITE;
    if (pte == step->raw)
        return RADIX_OK;
    if (!walk->adue) {
        result->status = WALK_ACCESS_FLAG;
        return RADIX_OK;
    }
    if (!walk->update)
        return RADIX_OK;
    enum radix_result updated = radix_update(format, &walk->memory, step, pte);
    if (updated == RADIX_BUS)
        result->status = WALK_BUS;
    return updated;
}

/* One walk from the root. False when an entry changed under it and it must be made again. */
static bool walk_once(const struct riscv_walk *walk, const struct radix_root *root, uint64_t va,
                      enum walk_access access, struct walk_result *result)
{
    struct radix_path path;
    bool readable = radix_walk(root, &walk->memory, va, &path);
    const struct radix_step *last = radix_last(&path);
    *result = (struct walk_result){.level = (uint8_t)(root->format->levels - path.count), .table = last->at};
    if (!readable || last->entry.kind != RADIX_LEAF) {
        result->status = !readable                            ? WALK_BUS
                         : last->entry.kind == RADIX_RESERVED ? WALK_RESERVED
                                                              : WALK_NOT_PRESENT;
        return true;
    }
    result->pa = radix_address(&last->entry, va);
    result->page_bits = last->entry.page_bits;
    result->global = path.attributes & PTE_G;
    result->memory_type = (uint8_t)bits_get(path.attributes, 61, 2);
    result->permission = permission_of(walk, path.attributes);
    if (!(result->permission & needed(access))) {
        result->status = WALK_PERMISSION;
        return true;
    }
    return set_accessed(walk, root->format, last, access, result) != RADIX_CHANGED;
}

struct walk_result riscv_walk(const struct riscv_walk *walk, uint64_t va, enum walk_access access)
{
    struct radix_root root = riscv_root(walk);
    if (walk->satp >> 60 == SATP_BARE)
        return (struct walk_result){.status = WALK_OK,
                                    .pa = va,
                                    .permission = TLB_READ | TLB_WRITE | TLB_FETCH,
                                    .page_bits = PAGE_BITS};
    if (!root.format)
        return (struct walk_result){.status = WALK_RESERVED};
    if (!radix_reaches(root.format, va))
        return (struct walk_result){.status = WALK_NOT_CANONICAL};
    struct walk_result result;
    while (!walk_once(walk, &root, va, access, &result))
        ;
    return result;
}

struct lines {
    void (*line)(void *opaque, const char *text);
    void *opaque;
};

static bool dump_range(void *opaque, const struct radix_range *range)
{
    static const char names[] = "vrwxugad";
    static const char *const types[] = {"", " nc", " io", ""};
    const struct lines *lines = opaque;
    char flags[sizeof(names)] = {0}, text[128];
    for (unsigned i = 1; i < 8; i++)
        flags[i - 1] = range->attributes >> i & 1 ? names[i] : '-';
    snprintf(text, sizeof(text), "%016" PRIx64 "-%016" PRIx64 " %014" PRIx64 " %s%s", range->va,
             range->va + (range->size - 1), range->pa, flags, types[bits_get(range->attributes, 61, 2)]);
    lines->line(lines->opaque, text);
    return true;
}

void riscv_dump(const struct riscv_walk *walk, void (*line)(void *opaque, const char *text), void *opaque)
{
    struct radix_root root = riscv_root(walk);
    struct lines lines = {.line = line, .opaque = opaque};
    if (!root.format)
        line(opaque, "no translation (Bare)");
    else if (!radix_dump(&root, &walk->memory, dump_range, &lines))
        line(opaque, "... and more entries than a dump goes through");
}
