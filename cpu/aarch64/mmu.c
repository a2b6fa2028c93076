/*
 * Translation contexts, and the way from a miss in the TLB's bank to a place in memory.
 *
 * The context of a bank is its key: the address space and what of PSTATE changes permissions. Registers that
 * change more than that (SCTLR_EL1, TCR_EL1, MAIR_EL1) flush everything when written with another value.
 */
#include "cpu/aarch64/mmu.h"

#include "base/bits.h"
#include "base/trace.h"
#include "cpu/aarch64/debug.h"
#include "cpu/interp.h"
#include "softmmu/walkers/arm64.h"

#define KEY_ASID ((uint64_t)0xffff)
#define KEY_EL1  BIT(16)
#define KEY_PAN  BIT(17)

void aarch64_mmu_init(struct aarch64_core *c)
{
    tlb_set_space_mask(c->vcpu.tlb, KEY_ASID);
    c->bank = c->user_bank = tlb_select(c->vcpu.tlb, 0);
}

bool aarch64_mmu_on(const struct aarch64_core *c)
{
    return c->s.sctlr_el1 & SCTLR_M;
}

static uint64_t asid(const struct aarch64_core *c)
{
    uint64_t ttbr = c->s.tcr_el1 & TCR_A1 ? c->s.ttbr1_el1 : c->s.ttbr0_el1;
    return bits_get(ttbr, 48, c->s.tcr_el1 & TCR_AS ? 16 : 8);
}

static uint32_t mode_of(const struct aarch64_core *c)
{
    bool el1 = aarch64_el(c) == 1;
    unsigned fpen = bits_get(c->s.cpacr_el1, CPACR_FPEN_SHIFT, 2);
    uint32_t mode = el1 ? MODE_EL1 : 0;
    if (fpen == 3 || (fpen == 1 && el1))
        mode |= MODE_FP;
    if ((c->s.sctlr_el1 & (el1 ? SCTLR_SA : SCTLR_SA0)) && (c->s.x[REG_SP] & 15))
        mode |= MODE_SP_CHECK;
    if (el1 && !(c->s.pstate & PSTATE_SP))
        mode |= MODE_SP0;
    if (c->counting.accesses)
        mode |= MODE_COUNTED;
    return mode;
}

static void jump_key_update(struct aarch64_core *c)
{
    c->jump_key = c->bank->generation << 8 | c->mode;
}

struct tlb_bank *aarch64_context(struct aarch64_core *c)
{
    bool el1 = aarch64_el(c) == 1;
    c->mode = mode_of(c);
    c->user_key = c->bank_key = asid(c);
    if (el1) {
        c->bank_key |= KEY_EL1 | (c->s.pstate & PSTATE_PAN ? KEY_PAN : 0);
        if (c->s.pstate & PSTATE_UAO)
            c->user_key = c->bank_key;
    }
    c->bank = tlb_select(c->vcpu.tlb, c->bank_key);
    jump_key_update(c);
    return c->bank;
}

uint64_t aarch64_branch_address(const struct aarch64_core *c, uint64_t va)
{
    return arm64_untag(c->s.tcr_el1, va, true);
}

uint8_t aarch64_memory_type(const struct aarch64_core *c, unsigned index)
{
    return (uint8_t)(c->s.mair_el1 >> (8 * index));
}

/* ---- walks ---- */

static void *table_entry(void *opaque, uint64_t address, unsigned size, enum ram_access access)
{
    struct aarch64_core *c = opaque;
    return ram_at(c->vcpu.mem->ram, gpa(address), size, access);
}

static void table_written(void *opaque, uint64_t address, unsigned size)
{
    struct aarch64_core *c = opaque;
    ram_written(c->vcpu.mem->ram, gpa(address), size);
}

static uint32_t walk_features(const struct aarch64_core *c)
{
    static const struct {
        uint8_t feature;
        uint16_t bit;
    } map[] = {
        {FEAT_HAF, ARM64_HAF},   {FEAT_HDBS, ARM64_HDBS}, {FEAT_HPDS, ARM64_HPDS},
        {FEAT_LVA, ARM64_LVA},   {FEAT_LPA, ARM64_LPA},   {FEAT_LPA2, ARM64_LPA2},
        {FEAT_TTST, ARM64_TTST}, {FEAT_E0PD, ARM64_E0PD}, {FEAT_BTI, ARM64_BTI},
    };
    uint32_t features = 0;
    for (size_t n = 0; n < ARRAY_LEN(map); n++) {
        if (aarch64_has(c, (enum aarch64_feature)map[n].feature))
            features |= map[n].bit;
    }
    features |= c->model.granules & GRANULE_4K ? ARM64_4K : 0;
    features |= c->model.granules & GRANULE_16K ? ARM64_16K : 0;
    features |= c->model.granules & GRANULE_64K ? ARM64_64K : 0;
    return features;
}

static struct arm64_walk walk_registers(struct aarch64_core *c, bool user, bool pan, bool update)
{
    return (struct arm64_walk){
        .memory = {.entry = table_entry, .written = table_written, .opaque = c},
        .ttbr = {c->s.ttbr0_el1, c->s.ttbr1_el1},
        .tcr = c->s.tcr_el1,
        .features = walk_features(c),
        .pa_bits = c->model.pa_bits,
        .user = user,
        .pan = pan,
        .epan = (c->s.sctlr_el1 & SCTLR_EPAN) && aarch64_has(c, FEAT_PAN3),
        .wxn = c->s.sctlr_el1 & SCTLR_WXN,
        .update = update,
    };
}

struct arm64_result aarch64_walk(struct aarch64_core *c, uint64_t va, enum walk_access access, bool user,
                                 bool pan, bool update)
{
    struct arm64_walk registers = walk_registers(c, user, pan, update);
    return arm64_walk(&registers, va, access);
}

void aarch64_page_tables(struct vcpu *vcpu, void (*line)(void *opaque, const char *text), void *opaque)
{
    struct aarch64_core *c = aarch64_core_of(vcpu);
    struct arm64_walk registers = walk_registers(c, false, false, false);
    if (!aarch64_mmu_on(c))
        line(opaque, "the MMU is off");
    else
        arm64_dump(&registers, line, opaque);
}

struct translation aarch64_translate(struct vcpu *vcpu, gva_t va, enum walk_access access)
{
    struct aarch64_core *c = aarch64_core_of(vcpu);
    if (!aarch64_mmu_on(c))
        return (struct translation){.ok = true,
                                    .pa = gpa(va.a),
                                    .permission = TLB_READ | TLB_WRITE | TLB_FETCH,
                                    .page_bits = PAGE_BITS};
    /* A debugger at EL1 sees user memory too. */
    struct arm64_result result = aarch64_walk(c, va.a, access, aarch64_el(c) == 0, false, false);
    return (struct translation){.ok = result.walk.status == WALK_OK,
                                .pa = gpa(result.walk.pa),
                                .permission = result.walk.permission,
                                .page_bits = result.walk.page_bits};
}

/* ---- faults ---- */

bool aarch64_data_abort(struct aarch64_core *c, uint64_t va, unsigned fsc, bool write)
{
    c->fault = (struct aarch64_fault){.ec = EC_DATA_ABORT_LOWER,
                                      .iss = fsc | (write ? (uint32_t)ISS_WNR : 0),
                                      .far = va,
                                      .far_valid = true};
    return false;
}

static bool abort_for(struct aarch64_core *c, uint64_t va, unsigned fsc, enum walk_access access)
{
    if (access != WALK_FETCH)
        return aarch64_data_abort(c, va, fsc, access == WALK_WRITE);
    c->fault = (struct aarch64_fault){.ec = EC_FETCH_ABORT_LOWER, .iss = fsc, .far = va, .far_valid = true};
    return false;
}

/* ---- translation ---- */

static uint8_t needed(enum walk_access access)
{
    static const uint8_t permissions[] = {
        [WALK_READ] = TLB_READ, [WALK_WRITE] = TLB_WRITE, [WALK_FETCH] = TLB_FETCH};
    return permissions[access];
}

/* What is known of a page. */
struct page {
    struct tlb_fill fill;
    bool device, guarded;
};

/* The MMU is off: flat, and data is Device memory (D8.2.10). */
static bool page_flat(struct aarch64_core *c, uint64_t va, enum walk_access access, struct page *page)
{
    uint64_t pa = arm64_untag(c->s.tcr_el1, va, access == WALK_FETCH);
    if (pa >> c->model.pa_bits)
        return abort_for(c, va, FSC_ADDRESS_SIZE, access);
    page->fill = (struct tlb_fill){.va = pa & PAGE_MASK,
                                   .pa = pa & PAGE_MASK,
                                   .permission = TLB_READ | TLB_WRITE | TLB_FETCH,
                                   .page_bits = PAGE_BITS};
    page->device = access != WALK_FETCH;
    return true;
}

/* Ask the walker. False: c->fault is set. */
static bool page_walk(struct aarch64_core *c, uint64_t va, enum walk_access access, bool user,
                      struct page *page)
{
    bool as_user = user || aarch64_el(c) == 0;
    struct arm64_result result =
        aarch64_walk(c, va, access, as_user, !as_user && (c->s.pstate & PSTATE_PAN), true);
    if (trace_on(TRACE_MMU))
        trace_line(TRACE_MMU, (int)c->vcpu.index, "walk %#llx %c: fsc %#x, pa %#llx, permission %u",
                   (unsigned long long)va, "rwx"[access], result.fsc, (unsigned long long)result.walk.pa,
                   result.walk.permission);
    if (result.walk.status != WALK_OK)
        return abort_for(c, va, result.fsc, access);
    page->fill =
        (struct tlb_fill){.va = arm64_untag(c->s.tcr_el1, va, access == WALK_FETCH) & PAGE_MASK,
                          .pa = result.walk.pa & PAGE_MASK,
                          .permission = result.walk.permission,
                          .page_bits = result.walk.page_bits < PAGE_BITS ? PAGE_BITS : result.walk.page_bits,
                          .global = result.walk.global};
    page->device = aarch64_is_device(aarch64_memory_type(c, result.walk.memory_type));
    page->guarded = result.guarded;
    return true;
}

static bool page_find(struct aarch64_core *c, uint64_t va, enum walk_access access, bool user,
                      struct page *page)
{
    *page = (struct page){0};
    if (!aarch64_mmu_on(c))
        return page_flat(c, va, access, page);
    uint64_t plain = arm64_untag(c->s.tcr_el1, va, access == WALK_FETCH);
    if (tlb_second_level(c->vcpu.tlb, plain, &page->fill) && (page->fill.permission & needed(access))) {
        page->fill.va = plain & PAGE_MASK;
        return true;
    }
    return page_walk(c, va, access, user, page);
}

/* Tell the TLB what may go past this file next time. */
static void page_insert(struct aarch64_core *c, struct page *page, enum walk_access access,
                        const struct ram_page *ram)
{
    struct tlb_fill *fill = &page->fill;
    fill->host = ram->host;
    fill->fast = fill->permission & (access == WALK_FETCH ? TLB_FETCH : TLB_READ | TLB_WRITE);
    if (!ram->writable || ram->watched)
        fill->fast &= (uint8_t)~TLB_WRITE;
    if (access != WALK_FETCH)
        fill->fast &= aarch64_unwatched(c, fill->va, PAGE_SIZE);
    c->global_below |= fill->global && !(fill->va >> 63);
    tlb_insert(c->vcpu.tlb, fill);
}

static bool locate(struct aarch64_core *c, uint64_t va, enum walk_access access, bool user,
                   struct aarch64_place *place)
{
    struct page page;
    if (!page_find(c, va, access, user, &page))
        return false;
    struct ram_page ram = ram_page_at(c->vcpu.mem->ram, gpa(page.fill.pa));
    /*
     * The TLB doesn't know memory types: RAM that is Device to data is never in it, and for what is no RAM
     * the tables are asked when it matters. With SCTLR_EL1.A every access has to be looked at.
     */
    bool strict = page.device || !ram.host;
    bool each = access != WALK_FETCH && (strict || (c->s.sctlr_el1 & SCTLR_A));
    if (!(each && ram.host))
        page_insert(c, &page, access, &ram);
    *place = (struct aarch64_place){.pa = page.fill.pa | (va & ~PAGE_MASK),
                                    .host = ram.host ? ram.host + (va & ~PAGE_MASK) : NULL,
                                    .writable = ram.host && ram.writable && !ram.watched,
                                    .strict = strict};
    return true;
}

bool aarch64_place_find(struct aarch64_core *c, uint64_t va, enum walk_access access, bool user,
                        struct aarch64_place *place)
{
    if (!user || c->user_key == c->bank_key)
        return locate(c, va, access, false, place);
    c->user_bank = tlb_select(c->vcpu.tlb, c->user_key);
    bool found = locate(c, va, access, true, place);
    tlb_select(c->vcpu.tlb, c->bank_key);
    return found;
}

bool aarch64_place_device(struct aarch64_core *c, uint64_t va, enum walk_access access, bool user,
                          const struct aarch64_place *place)
{
    if (!place->strict || place->host || !aarch64_mmu_on(c))
        return place->strict;
    bool as_user = aarch64_el(c) == 0 || (user && c->user_key != c->bank_key);
    struct arm64_result result = aarch64_walk(c, va, access, as_user, false, false);
    return aarch64_is_device(aarch64_memory_type(c, result.walk.memory_type));
}

/* ---- fetching ---- */

/*
 * Whether the page is guarded, which the TLB doesn't know. A small cache per page and bank generation: that
 * changes whenever a translation for fetches may have gone.
 */
static bool guarded(struct aarch64_core *c, uint64_t pc)
{
    if (!aarch64_has(c, FEAT_BTI) || !aarch64_mmu_on(c))
        return false;
    uint64_t page = pc >> PAGE_BITS;
    struct aarch64_guard *entry = &c->guards[page % ARRAY_LEN(c->guards)];
    if (entry->page != page || entry->generation != c->bank->generation) {
        struct arm64_result result = aarch64_walk(c, pc, WALK_FETCH, aarch64_el(c) == 0, false, false);
        *entry = (struct aarch64_guard){page, c->bank->generation, result.guarded};
    }
    return entry->guarded;
}

struct aarch64_code aarch64_fetch(struct aarch64_core *c, uint64_t pc)
{
    struct aarch64_code code = {0};
    struct aarch64_place place;
    if (pc & 3) {
        c->fault = (struct aarch64_fault){.ec = EC_PC_ALIGNMENT, .far = pc, .far_valid = true};
        return code;
    }
    code.host = tlb_fetch_hit(c->bank, pc, &code.pa);
    if (!code.host) {
        if (!locate(c, pc, WALK_FETCH, false, &place))
            return code;
        jump_key_update(c);
        if (!place.host) {
            abort_for(c, pc, FSC_EXTERNAL, WALK_FETCH);
            return code;
        }
        code.host = place.host;
        code.pa = place.pa;
    }
    code.guarded = guarded(c, pc);
    return code;
}

/* ---- flushes ---- */

void aarch64_flush_all(struct aarch64_core *c)
{
    tlb_flush_all(c->vcpu.tlb);
    c->global_below = false;
    aarch64_resync(c);
}

/*
 * A page of one address space, and of all where it is global. Users' pages hardly ever are: as long as no
 * global one was seen in the lower half, only the banks of the address space are concerned.
 */
static void flush_page(struct aarch64_core *c, uint64_t va, const struct aarch64_flush *flush)
{
    bool everywhere = flush->all_spaces || c->global_below || va >> 63;
    tlb_flush_page(c->vcpu.tlb, va, flush->asid, everywhere ? 0 : KEY_ASID, !everywhere);
}

void aarch64_flush(struct aarch64_core *c, const struct aarch64_flush *flush)
{
    bool all = flush->kind == FLUSH_ALL || (flush->kind == FLUSH_VA && flush->pages > TLB_ENTRIES);
    if (all) {
        tlb_flush_all(c->vcpu.tlb);
        c->global_below = false;
    } else if (flush->kind == FLUSH_ASID) {
        tlb_flush_context(c->vcpu.tlb, flush->asid, KEY_ASID, true);
    } else {
        for (uint64_t n = 0; n < flush->pages; n++)
            flush_page(c, flush->va + n * PAGE_SIZE, flush);
    }
    aarch64_resync(c);
}
