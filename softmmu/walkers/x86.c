#include "softmmu/walkers/x86.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/bits.h"
#include "softmmu/tlb.h"

#define PTE_P   ((uint64_t)1 << 0)
#define PTE_W   ((uint64_t)1 << 1)
#define PTE_U   ((uint64_t)1 << 2)
#define PTE_PWT ((uint64_t)1 << 3)
#define PTE_PCD ((uint64_t)1 << 4)
#define PTE_A   ((uint64_t)1 << 5)
#define PTE_D   ((uint64_t)1 << 6)
#define PTE_PS  ((uint64_t)1 << 7) /* of a leaf at the lowest level: PAT */
#define PTE_G   ((uint64_t)1 << 8)
#define PTE_XD  ((uint64_t)1 << 63)

#define PTE_KEY_SHIFT  59
#define PTE_KEY        ((uint64_t)15 << PTE_KEY_SHIFT)
#define PTE_PAT_LARGE  ((uint64_t)1 << 12)
#define PTE_ATTRIBUTES (PTE_XD | PTE_KEY | 0x1ff)
#define PTE_ADDRESS    ((((uint64_t)1 << 52) - 1) & PAGE_MASK)
#define PDPTE_RESERVED ((uint64_t)0x1e6)

enum format_options {
    OPTION_NXE = 1 << 8, /* below: MAXPHYADDR */
    OPTION_PSE = 1 << 9,
    OPTION_PSE36 = 1 << 10,
    OPTION_GIGABYTE = 1 << 11,
    OPTION_PAE = 1 << 12, /* bits 52 to 62 are reserved */
};

static const struct radix_entry reserved = {.kind = RADIX_RESERVED};

/* A leaf; `pat` is where its PAT bit is. Attributes have that at PTE_PS, as the smallest pages do. */
static struct radix_entry leaf_of(uint64_t pte, uint64_t address, unsigned page_bits, uint64_t pat)
{
    uint64_t attributes = (pte & PTE_ATTRIBUTES & ~PTE_PS) | (pte & pat ? PTE_PS : 0);
    return (struct radix_entry){
        .kind = RADIX_LEAF, .page_bits = (uint8_t)page_bits, .address = address, .attributes = attributes};
}

static struct radix_entry table_of(uint64_t pte)
{
    return (struct radix_entry){
        .kind = RADIX_TABLE, .address = pte & PTE_ADDRESS, .attributes = pte & PTE_ATTRIBUTES};
}

/* Bits from lo up to and without hi. */
static uint64_t bit_range(unsigned lo, unsigned hi)
{
    return hi <= lo ? 0 : (~(uint64_t)0 >> (64 - (hi - lo))) << lo;
}

/* PAE, 4-level and 5-level paging. */
static struct radix_entry decode(const struct radix_format *format, unsigned depth, uint64_t pte,
                                 uint64_t options)
{
    unsigned physical_bits = options & 0xff, shift = format->level[depth].shift;
    uint64_t forbidden = bit_range(physical_bits, options & OPTION_PAE ? 63 : 52);
    if (!(pte & PTE_P))
        return (struct radix_entry){.kind = RADIX_EMPTY};
    if (!(options & OPTION_NXE))
        forbidden |= PTE_XD;
    if (shift == PAGE_BITS)
        return pte & forbidden ? reserved : leaf_of(pte, pte & PTE_ADDRESS, PAGE_BITS, PTE_PS);
    if (!(pte & PTE_PS))
        return pte & forbidden ? reserved : table_of(pte);
    if (shift > 30 || (shift == 30 && !(options & OPTION_GIGABYTE)))
        return reserved;
    forbidden |= bit_range(13, shift);
    uint64_t address = pte & PTE_ADDRESS & ~bit_range(0, shift);
    return pte & forbidden ? reserved : leaf_of(pte, address, shift, PTE_PAT_LARGE);
}

/* 32-bit paging. Large pages have address bits 32 to 39 in bits 13 to 20 (PSE-36). */
static struct radix_entry decode32(const struct radix_format *format, unsigned depth, uint64_t pte,
                                   uint64_t options)
{
    unsigned physical_bits = options & 0xff, shift = format->level[depth].shift;
    if (!(pte & PTE_P))
        return (struct radix_entry){.kind = RADIX_EMPTY};
    if (shift == PAGE_BITS)
        return leaf_of(pte, pte & PTE_ADDRESS, PAGE_BITS, PTE_PS);
    if (!(pte & PTE_PS) || !(options & OPTION_PSE))
        return table_of(pte);
    unsigned high_bits = physical_bits > 40 ? 8 : physical_bits > 32 ? physical_bits - 32 : 0;
    if (!(options & OPTION_PSE36))
        high_bits = 0;
    if (pte & bit_range(13 + high_bits, 22))
        return reserved;
    uint64_t address = (pte & 0xffc00000) | (pte & bit_range(13, 13 + high_bits)) << 19;
    return leaf_of(pte, address, shift, PTE_PAT_LARGE);
}

/* Writable and user must be set at all levels, execute-disable at one. */
static uint64_t inherit(uint64_t above, uint64_t attributes)
{
    return (attributes & (above | ~(PTE_W | PTE_U))) | (above & PTE_XD);
}

#define X86_FORMAT(format_name, level_count, size, leaves, function, ...)                                    \
    {                                                                                                        \
        .name = format_name, .levels = level_count, .entry_size = size, .leaf_depths = leaves,               \
        .sign_extended = level_count > 2, .level = {__VA_ARGS__}, .decode = function, .inherit = inherit     \
    }

static const struct radix_format format32 = X86_FORMAT("32-bit", 2, 4, 3, decode32, {22, 10}, {12, 10});
static const struct radix_format format_pae = X86_FORMAT("PAE", 2, 8, 3, decode, {21, 9}, {12, 9});
static const struct radix_format format4 =
    X86_FORMAT("4-level", 4, 8, 14, decode, {39, 9}, {30, 9}, {21, 9}, {12, 9});
static const struct radix_format format5 =
    X86_FORMAT("5-level", 5, 8, 28, decode, {48, 9}, {39, 9}, {30, 9}, {21, 9}, {12, 9});

const struct radix_format *x86_format(const struct x86_walk *walk)
{
    if (!walk->paging)
        return NULL;
    if (!walk->pae)
        return &format32;
    if (!walk->long_mode)
        return &format_pae;
    return walk->la57 ? &format5 : &format4;
}

bool x86_pdpte_valid(uint64_t pdpte, unsigned physical_bits)
{
    return !(pdpte & PTE_P) || !(pdpte & (PDPTE_RESERVED | bit_range(physical_bits, 64)));
}

/* The root for va; PAE paging has four, of which one may be missing. */
static bool root_of(const struct x86_walk *walk, uint64_t va, struct radix_root *root)
{
    root->format = x86_format(walk);
    root->options = walk->physical_bits | (walk->nxe ? OPTION_NXE : 0) | (walk->pse ? OPTION_PSE : 0) |
                    (walk->pse36 ? OPTION_PSE36 : 0) | (walk->gigabyte ? OPTION_GIGABYTE : 0);
    if (root->format == &format32) {
        root->table = walk->cr3 & 0xfffff000;
    } else if (root->format == &format_pae) {
        uint64_t pdpte = walk->pdpte[va >> 30 & 3];
        root->options |= OPTION_PAE;
        root->table = pdpte & PTE_ADDRESS;
        return pdpte & PTE_P;
    } else {
        root->table = walk->cr3 & PTE_ADDRESS;
    }
    return true;
}

static void *table_entry(void *opaque, uint64_t address, unsigned size, enum ram_access access)
{
    const struct x86_tables *tables = opaque;
    uint64_t pa = address & tables->mask;
    if (!tables->let_in)
        return ram_at(tables->ram, gpa(pa), size, access);
    struct ram_page page = ram_page_guarded(tables->ram, gpa(pa), false);
    return page.host && (page.writable || access == RAM_READ) ? page.host + (pa & ~PAGE_MASK) : NULL;
}

static void table_written(void *opaque, uint64_t address, unsigned size)
{
    const struct x86_tables *tables = opaque;
    ram_written(tables->ram, gpa(address & tables->mask), size);
}

struct radix_memory x86_tables_memory(const struct x86_tables *tables)
{
    /* The functions above only read it. */
    return (struct radix_memory){
        .entry = table_entry, .written = table_written, .opaque = (void *)(uintptr_t)tables};
}

/* What the page's protection key forbids, as permissions (SDM vol. 3, 4.6.2). */
static uint8_t key_forbids(const struct x86_walk *walk, uint64_t attributes)
{
    unsigned key = (unsigned)bits_get(attributes, PTE_KEY_SHIFT, 4);
    if (!walk->pke || !walk->long_mode || !(attributes & PTE_U))
        return 0;
    if (walk->pkru >> (2 * key) & 1)
        return TLB_READ | TLB_WRITE;
    return walk->pkru >> (2 * key) & 2 && (walk->user || walk->wp) ? TLB_WRITE : 0;
}

/* What the page lets this context do, protection keys apart (SDM vol. 3, 4.6.1). */
static uint8_t permission_of(const struct x86_walk *walk, uint64_t attributes)
{
    bool user_page = attributes & PTE_U, writable = attributes & PTE_W;
    uint8_t fetch = attributes & PTE_XD ? 0 : TLB_FETCH;
    if (walk->user)
        return user_page ? (uint8_t)(TLB_READ | (writable ? TLB_WRITE : 0) | fetch) : 0;
    if (user_page && walk->smep)
        fetch = 0;
    if (user_page && walk->smap)
        return fetch;
    return (uint8_t)(TLB_READ | (writable || !walk->wp ? TLB_WRITE : 0) | fetch);
}

static uint8_t needed(enum walk_access access)
{
    static const uint8_t permissions[] = {
        [WALK_READ] = TLB_READ, [WALK_WRITE] = TLB_WRITE, [WALK_FETCH] = TLB_FETCH};
    return permissions[access];
}

static void fail(const struct x86_walk *walk, enum walk_status status, enum walk_access access,
                 struct x86_walk_result *result)
{
    result->walk.status = status;
    result->error |= access == WALK_WRITE ? PF_W : 0;
    result->error |= walk->user ? PF_U : 0;
    if (access == WALK_FETCH && ((walk->pae && walk->nxe) || walk->smep))
        result->error |= PF_I;
    if (status != WALK_NOT_PRESENT)
        result->error |= PF_P;
    if (status == WALK_RESERVED || status == WALK_BUS)
        result->error |= PF_RSVD;
}

/* Accessed in every entry of the way, dirty in the last for a write. False: one is not what it was. */
static bool set_accessed(const struct x86_walk *walk, const struct radix_format *format,
                         const struct radix_path *path, enum walk_access access,
                         struct x86_walk_result *result)
{
    for (unsigned i = 0; i < path->count; i++) {
        bool last = i + 1 == path->count;
        uint64_t pte = path->steps[i].raw | PTE_A | (last && access == WALK_WRITE ? PTE_D : 0);
        if (last && !(pte & PTE_D))
            result->walk.permission &= (uint8_t)~TLB_WRITE;
        if (pte == path->steps[i].raw || !walk->update)
            continue;
        /* In memory that can't be written, the bits stay as they are. */
        if (radix_update(format, &walk->memory, &path->steps[i], pte) == RADIX_CHANGED)
            return false;
    }
    return true;
}

/* One walk from the root. False when an entry changed under it and it must be made again. */
static bool walk_once(const struct x86_walk *walk, const struct radix_root *root, uint64_t va,
                      enum walk_access access, struct x86_walk_result *result)
{
    struct radix_path path;
    bool readable = radix_walk(root, &walk->memory, va, &path);
    const struct radix_step *last = radix_last(&path);
    *result = (struct x86_walk_result){
        .walk = {.level = (uint8_t)(root->format->levels - path.count), .table = last->at}};
    /* Where there is no memory all ones are read, which has reserved bits set. */
    if (!readable || last->entry.kind != RADIX_LEAF) {
        enum walk_status status = !readable                            ? WALK_BUS
                                  : last->entry.kind == RADIX_RESERVED ? WALK_RESERVED
                                                                       : WALK_NOT_PRESENT;
        fail(walk, status, access, result);
        return true;
    }
    uint8_t forbidden = key_forbids(walk, path.attributes);
    result->walk.pa = radix_address(&last->entry, va);
    result->walk.page_bits = last->entry.page_bits;
    result->walk.global = walk->pge && (path.attributes & PTE_G);
    result->walk.memory_type = (uint8_t)((path.attributes >> 3 & 3) | (path.attributes & PTE_PS ? 4 : 0));
    result->walk.permission = permission_of(walk, path.attributes) & (uint8_t)~forbidden;
    if (walk->pke && walk->long_mode && (path.attributes & PTE_U))
        result->key = (uint8_t)bits_get(path.attributes, PTE_KEY_SHIFT, 4);
    if (!(result->walk.permission & needed(access))) {
        result->error = forbidden & needed(access) ? PF_PK : 0;
        fail(walk, WALK_PERMISSION, access, result);
        return true;
    }
    return set_accessed(walk, root->format, &path, access, result);
}

struct x86_walk_result x86_walk(const struct x86_walk *walk, uint64_t va, enum walk_access access)
{
    struct x86_walk_result result = {0};
    struct radix_root root;
    if (!walk->paging) {
        result.walk = (struct walk_result){.status = WALK_OK,
                                           .pa = va,
                                           .permission = TLB_READ | TLB_WRITE | TLB_FETCH,
                                           .page_bits = PAGE_BITS};
        return result;
    }
    if (!root_of(walk, va, &root)) {
        fail(walk, WALK_NOT_PRESENT, access, &result);
        return result;
    }
    while (!walk_once(walk, &root, va, access, &result))
        ;
    return result;
}

struct lines {
    void (*line)(void *opaque, const char *text);
    void *opaque;
    uint64_t base;
};

static bool dump_range(void *opaque, const struct radix_range *range)
{
    const struct lines *lines = opaque;
    uint64_t a = range->attributes, va = lines->base + range->va;
    char text[128];
    snprintf(text, sizeof(text), "%016" PRIx64 "-%016" PRIx64 " %013" PRIx64 " %c%c%c%c%c%c pat %u key %u",
             va, va + (range->size - 1), range->pa, a & PTE_U ? 'u' : 's', a & PTE_W ? 'w' : '-',
             a & PTE_XD ? '-' : 'x', a & PTE_G ? 'g' : '-', a & PTE_A ? 'a' : '-', a & PTE_D ? 'd' : '-',
             (unsigned)((a >> 3 & 3) | (a & PTE_PS ? 4 : 0)), (unsigned)bits_get(a, PTE_KEY_SHIFT, 4));
    lines->line(lines->opaque, text);
    return true;
}

void x86_dump(const struct x86_walk *walk, void (*line)(void *opaque, const char *text), void *opaque)
{
    const struct radix_format *format = x86_format(walk);
    struct lines lines = {.line = line, .opaque = opaque};
    if (!format) {
        line(opaque, "no translation (CR0.PG is clear)");
        return;
    }
    for (uint64_t quarter = 0; quarter < (format == &format_pae ? 4 : 1); quarter++) {
        struct radix_root root;
        lines.base = quarter << 30;
        if (root_of(walk, lines.base, &root) && !radix_dump(&root, &walk->memory, dump_range, &lines))
            line(opaque, "... and more entries than a dump goes through");
    }
}
