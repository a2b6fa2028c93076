/*
 * The slow paths of guest memory: translation, physical memory protection, watchpoints, accesses that cross a
 * page, and what a page may do without coming here again.
 *
 * The context of a TLB bank is its key: what a translation depends on beside the address. PMP, menvcfg and
 * debug points are not in it; when they change, everything is flushed.
 */
#include "cpu/riscv64/mmu.h"

#include "base/trace.h"
#include "cpu/interp.h"

/* The key: satp's PPN as far as it fits, ASID, mode, privilege, SUM, MXR. */
#define KEY_PPN        (BIT(41) - 1)
#define KEY_ASID_SHIFT 41
#define KEY_ASID       ((BIT(SATP_ASID_BITS) - 1) << KEY_ASID_SHIFT)
#define KEY_MODE_SHIFT 57
#define KEY_PRIV_SHIFT 59
#define KEY_SUM        BIT(61)
#define KEY_MXR        BIT(62)

void riscv_mmu_init(struct riscv_core *c)
{
    tlb_set_space_mask(c->vcpu.tlb, KEY_PPN | KEY_ASID);
    riscv_pmp_changed(c);
}

/* A page-table walk or TLB context as seen with one privilege. */
static uint64_t key_of(const struct riscv_core *c, enum riscv_privilege privilege)
{
    uint64_t key = (uint64_t)privilege << KEY_PRIV_SHIFT;
    uint64_t mode = c->s.satp >> SATP_MODE_SHIFT;
    if (privilege == PRIV_M || mode == SATP_BARE)
        return key;
    key |= (mode - SATP_SV39 + 1) << KEY_MODE_SHIFT;
    key |= bits_get(c->s.satp, SATP_ASID_SHIFT, SATP_ASID_BITS) << KEY_ASID_SHIFT;
    key |= c->s.satp & KEY_PPN;
    if (privilege == PRIV_S && (c->s.mstatus & MSTATUS_SUM))
        key |= KEY_SUM;
    if (c->s.mstatus & MSTATUS_MXR)
        key |= KEY_MXR;
    return key;
}

/* The privilege that loads and stores have (Priv. 3.1.6.3). */
static enum riscv_privilege data_privilege(const struct riscv_core *c)
{
    if (c->s.mstatus & MSTATUS_MPRV)
        return (enum riscv_privilege)bits_get(c->s.mstatus, MSTATUS_MPP_SHIFT, 2);
    return (enum riscv_privilege)c->s.privilege;
}

static enum riscv_privilege privilege_for(const struct riscv_core *c, enum walk_access access)
{
    return access == WALK_FETCH ? (enum riscv_privilege)c->s.privilege : data_privilege(c);
}

static void jump_key_update(struct riscv_core *c)
{
    c->jump_key = c->fetch_bank->generation << 2 | c->mode;
}

struct tlb_bank *riscv_context(struct riscv_core *c)
{
    c->mode = c->s.mstatus & MSTATUS_FS ? MODE_FP : 0;
    if (c->vcpu.debug && c->vcpu.debug->any_break)
        c->mode |= MODE_BREAK;
    c->fetch_key = key_of(c, (enum riscv_privilege)c->s.privilege);
    c->data_key = key_of(c, data_privilege(c));
    struct tlb_bank *bank = c->fetch_bank = tlb_select(c->vcpu.tlb, c->fetch_key);
    if (c->data_key != c->fetch_key)
        bank = tlb_select(c->vcpu.tlb, c->data_key);
    jump_key_update(c);
    return bank;
}

/* ---- faults ---- */

static bool fault(struct riscv_core *c, enum riscv_exception cause, uint64_t va)
{
    c->fault = (struct riscv_fault){(uint8_t)cause, va};
    return false;
}

static bool access_fault(struct riscv_core *c, enum walk_access access, uint64_t va)
{
    static const uint8_t causes[] = {
        [WALK_READ] = EXC_LOAD_ACCESS, [WALK_WRITE] = EXC_STORE_ACCESS, [WALK_FETCH] = EXC_FETCH_ACCESS};
    return fault(c, causes[access], va);
}

static bool page_fault(struct riscv_core *c, enum walk_access access, uint64_t va)
{
    static const uint8_t causes[] = {
        [WALK_READ] = EXC_LOAD_PAGE, [WALK_WRITE] = EXC_STORE_PAGE, [WALK_FETCH] = EXC_FETCH_PAGE};
    return fault(c, causes[access], va);
}

static uint8_t needed(enum walk_access access)
{
    static const uint8_t permissions[] = {
        [WALK_READ] = TLB_READ, [WALK_WRITE] = TLB_WRITE, [WALK_FETCH] = TLB_FETCH};
    return permissions[access];
}

/* ---- translation ---- */

/* Implicit accesses to page tables have S privilege for the PMP (Priv. 3.7.1). */
static bool table_allowed(void *opaque, uint64_t pa, unsigned size, enum ram_access access)
{
    const struct riscv_core *c = opaque;
    return pmp_check(&c->pmp, pa, size, access == RAM_WRITE ? WALK_WRITE : WALK_READ, false);
}

static struct walk_result walk(struct riscv_core *c, enum riscv_privilege privilege, uint64_t va,
                               enum walk_access access)
{
    const struct riscv_tables tables = {.ram = c->vcpu.mem->ram, .allowed = table_allowed, .opaque = c};
    const struct riscv_walk registers = {
        .memory = riscv_tables_memory(&tables),
        .satp = privilege == PRIV_M ? 0 : c->s.satp,
        .user = privilege == PRIV_U,
        .sum = c->s.mstatus & MSTATUS_SUM,
        .mxr = c->s.mstatus & MSTATUS_MXR,
        .pbmte = c->s.menvcfg & ENVCFG_PBMTE,
        .adue = c->s.menvcfg & ENVCFG_ADUE,
        .svnapot = riscv_has(c, EXT_SVNAPOT),
        .update = true,
    };
    return riscv_walk(&registers, va, access);
}

/* Ask the walker. False: c->fault is set. */
static bool walk_fill(struct riscv_core *c, uint64_t va, enum walk_access access, struct tlb_fill *fill)
{
    static const uint8_t events[] = {
        [WALK_READ] = EVENT_LOAD_MISS, [WALK_WRITE] = EVENT_STORE_MISS, [WALK_FETCH] = EVENT_FETCH_MISS};
    riscv_event(c, (enum riscv_event)events[access]);
    struct walk_result result = walk(c, privilege_for(c, access), va, access);
    if (trace_on(TRACE_MMU))
        trace_line(TRACE_MMU, (int)c->vcpu.index, "walk %#llx %c: status %d, pa %#llx, permission %u",
                   (unsigned long long)va, "rwx"[access], result.status, (unsigned long long)result.pa,
                   result.permission);
    if (result.status == WALK_BUS)
        return access_fault(c, access, va);
    if (result.status != WALK_OK)
        return page_fault(c, access, va);
    *fill = (struct tlb_fill){.va = va & PAGE_MASK,
                              .pa = result.pa & PAGE_MASK,
                              .permission = result.permission,
                              .page_bits = result.page_bits,
                              .global = result.global};
    return true;
}

/* The translation of va in the selected bank's context, from the second level or the walker. */
static bool translate(struct riscv_core *c, uint64_t va, enum walk_access access, struct tlb_fill *fill)
{
    if (tlb_second_level(c->vcpu.tlb, va, fill) && (fill->permission & needed(access)))
        return true;
    return walk_fill(c, va, access, fill);
}

/* ---- one access within a page ---- */

struct place {
    uint64_t pa;
    uint8_t *host; /* NULL: not RAM */
    bool writable; /* RAM that a store may change without anybody's knowing */
    bool whole_page;
};

/*
 * Where an access goes: translate, check, and let the TLB know what needn't come here again. False: c->fault
 * is set. The bank of the access's context is selected.
 */
static bool place_find(struct riscv_core *c, uint64_t va, uint64_t len, enum walk_access access,
                       struct place *place)
{
    struct tlb_fill fill;
    if (!translate(c, va, access, &fill))
        return false;
    bool machine = privilege_for(c, access) == PRIV_M;
    uint8_t allowed;
    place->pa = fill.pa | (va & ~PAGE_MASK);
    place->whole_page = pmp_page(&c->pmp, fill.pa, machine, &allowed);
    if (place->whole_page ? !(allowed & needed(access))
                          : !pmp_check(&c->pmp, place->pa, len, access, machine))
        return access_fault(c, access, va);
    struct ram_page page = ram_page_at(c->vcpu.mem->ram, gpa(fill.pa));
    place->host = page.host ? page.host + (va & ~PAGE_MASK) : NULL;
    place->writable = page.host && page.writable && !page.watched;
    fill.host = page.host;
    fill.fast = fill.permission & allowed;
    fill.fast &= access == WALK_FETCH ? TLB_FETCH : TLB_READ | TLB_WRITE;
    if (!place->writable)
        fill.fast &= (uint8_t)~TLB_WRITE;
    if (debug_points_watch(c->vcpu.debug, fill.va, PAGE_SIZE, WALK_READ))
        fill.fast &= (uint8_t)~TLB_READ;
    if (debug_points_watch(c->vcpu.debug, fill.va, PAGE_SIZE, WALK_WRITE))
        fill.fast &= (uint8_t)~TLB_WRITE;
    tlb_insert(c->vcpu.tlb, &fill);
    return true;
}

/* A watchpoint: run() returns before the instruction, unless it is just going on from there. */
static bool watch_passes(struct riscv_core *c, uint64_t va, uint64_t len, enum walk_access access)
{
    if (c->stopped.passing || !debug_points_watch(c->vcpu.debug, va, len, access))
        return true;
    *c->exit = (struct vcpu_exit){.reason = EXIT_DEBUG,
                                  .debug = {.address = va, .access = access, .watchpoint = true}};
    return fault(c, (enum riscv_exception)FAULT_STOP, va);
}

static bool crosses_page(uint64_t va, uint64_t len)
{
    return (va & ~PAGE_MASK) + len > PAGE_SIZE;
}

/* The two places of an access that crosses a page; both are checked before anything happens at either. */
struct split {
    struct place low, high;
    unsigned low_len;
};

static bool split_find(struct riscv_core *c, uint64_t va, unsigned width, enum walk_access access,
                       struct split *split)
{
    split->low_len = (unsigned)(PAGE_SIZE - (va & ~PAGE_MASK));
    return place_find(c, va, split->low_len, access, &split->low) &&
           place_find(c, va + split->low_len, width - split->low_len, access, &split->high);
}

static uint64_t split_byte(const struct split *split, unsigned i)
{
    return i < split->low_len ? split->low.pa + i : split->high.pa + (i - split->low_len);
}

static bool split_read(struct riscv_core *c, uint64_t va, unsigned width, uint64_t *value)
{
    struct split split;
    if (!split_find(c, va, width, WALK_READ, &split))
        return false;
    *value = 0;
    for (unsigned i = 0; i < width; i++) {
        uint64_t byte;
        if (!vcpu_load(&c->vcpu, gpa(split_byte(&split, i)), 1, &byte))
            return access_fault(c, WALK_READ, va + i);
        *value |= byte << (8 * i);
    }
    return true;
}

static bool split_write(struct riscv_core *c, uint64_t va, unsigned width, uint64_t value)
{
    struct split split;
    if (!split_find(c, va, width, WALK_WRITE, &split))
        return false;
    for (unsigned i = 0; i < width; i++) {
        if (!vcpu_store(&c->vcpu, gpa(split_byte(&split, i)), 1, value >> (8 * i) & 0xff))
            return access_fault(c, WALK_WRITE, va + i);
    }
    return true;
}

struct riscv_loaded riscv_read(struct riscv_core *c, uint64_t va, unsigned width)
{
    struct riscv_loaded loaded = {0};
    struct place place;
    if (!watch_passes(c, va, width, WALK_READ))
        return loaded;
    if (crosses_page(va, width)) {
        loaded.ok = split_read(c, va, width, &loaded.value);
    } else if (place_find(c, va, width, WALK_READ, &place)) {
        loaded.ok = true;
        if (place.host)
            loaded.value = host_load(place.host, width);
        else if (!vcpu_load(&c->vcpu, gpa(place.pa), width, &loaded.value))
            loaded.ok = access_fault(c, WALK_READ, va);
    }
    return loaded;
}

bool riscv_write(struct riscv_core *c, uint64_t va, unsigned width, uint64_t value)
{
    struct place place;
    if (!watch_passes(c, va, width, WALK_WRITE))
        return false;
    if (crosses_page(va, width))
        return split_write(c, va, width, value);
    if (!place_find(c, va, width, WALK_WRITE, &place))
        return false;
    if (place.writable) {
        host_store(place.host, width, value);
        return true;
    }
    if (!vcpu_store(&c->vcpu, gpa(place.pa), width, value))
        return access_fault(c, WALK_WRITE, va);
    return true;
}

void *riscv_atomic_at(struct riscv_core *c, uint64_t va, unsigned width, bool load)
{
    enum walk_access access = load ? WALK_READ : WALK_WRITE;
    struct place place;
    if (va & (width - 1)) {
        fault(c, load ? EXC_LOAD_MISALIGNED : EXC_STORE_MISALIGNED, va);
        return NULL;
    }
    if (!watch_passes(c, va, width, WALK_READ) || (!load && !watch_passes(c, va, width, WALK_WRITE)) ||
        !place_find(c, va, width, access, &place))
        return NULL;
    /* What reads and writes needs both; it is a store in what it raises. Pages that can be written and not
     * read are only made by the PMP, which was asked about writing. */
    bool readable = load || pmp_check(&c->pmp, place.pa, width, WALK_READ, data_privilege(c) == PRIV_M);
    struct ram_page page = ram_page_at(c->vcpu.mem->ram, gpa(place.pa & PAGE_MASK));
    if (!readable || !place.host || (!load && !page.writable)) {
        access_fault(c, access, va);
        return NULL;
    }
    c->atomic.pa = place.pa;
    c->atomic.watched = !place.writable;
    return place.host;
}

void riscv_atomic_done(struct riscv_core *c, unsigned width)
{
    ram_written(c->vcpu.mem->ram, gpa(c->atomic.pa), width);
}

/* ---- cache blocks ---- */

bool riscv_block_accessible(struct riscv_core *c, uint64_t va)
{
    struct place place;
    uint64_t block = align_down(va, RISCV_CACHE_BLOCK);
    if (!watch_passes(c, block, RISCV_CACHE_BLOCK, WALK_WRITE))
        return false;
    if (!place_find(c, block, RISCV_CACHE_BLOCK, WALK_READ, &place)) {
        /* These are stores in what they raise (CMO 2.5.2). */
        enum riscv_exception cause = c->fault.cause == EXC_LOAD_PAGE ? EXC_STORE_PAGE : EXC_STORE_ACCESS;
        return fault(c, cause, va);
    }
    if (!place.host && !bus_covers(c->vcpu.mem->mmio, place.pa, RISCV_CACHE_BLOCK))
        return access_fault(c, WALK_WRITE, va);
    return true;
}

bool riscv_block_zero(struct riscv_core *c, uint64_t va)
{
    struct place place;
    uint64_t block = align_down(va, RISCV_CACHE_BLOCK);
    void *hit = tlb_write_hit(tlb_current(c->vcpu.tlb), block, RISCV_CACHE_BLOCK);
    if (likely(hit)) {
        memset(hit, 0, RISCV_CACHE_BLOCK);
        return true;
    }
    if (!watch_passes(c, block, RISCV_CACHE_BLOCK, WALK_WRITE))
        return false;
    if (!place_find(c, block, RISCV_CACHE_BLOCK, WALK_WRITE, &place)) {
        c->fault.tval = va;
        return false;
    }
    for (unsigned i = 0; i < RISCV_CACHE_BLOCK; i += 8) {
        if (!vcpu_store(&c->vcpu, gpa(place.pa + i), 8, 0))
            return access_fault(c, WALK_WRITE, va);
    }
    return true;
}

/* ---- fetching ---- */

static bool fetch_slow(struct riscv_core *c, uint64_t va, bool start, struct place *place)
{
    /* Where MPRV gives data another context, fetches have a bank of their own. */
    bool apart = c->fetch_key != c->data_key;
    if (apart)
        tlb_select(c->vcpu.tlb, c->fetch_key);
    bool found = place_find(c, va, 2, WALK_FETCH, place);
    if (apart)
        tlb_select(c->vcpu.tlb, c->data_key);
    if (!found)
        return false;
    if (!place->host)
        return access_fault(c, WALK_FETCH, va);
    /* The PMP sees the halves of an instruction as accesses of their own, and tval is the half that may not
     * be fetched (Priv. 3.1.16). Where the second lies in the next page, it comes here by itself. */
    bool more = start && !place->whole_page && (host_load(place->host, 2) & 3) == 3 && !crosses_page(va, 4);
    if (more && !pmp_check(&c->pmp, place->pa + 2, 2, WALK_FETCH, c->s.privilege == PRIV_M))
        return access_fault(c, WALK_FETCH, va + 2);
    return true;
}

struct riscv_code riscv_fetch(struct riscv_core *c, uint64_t va, bool start)
{
    struct riscv_code code = {.whole_page = true};
    code.host = tlb_fetch_hit(c->fetch_bank, va, &code.pa);
    if (likely(code.host))
        return code;
    struct place place;
    if (fetch_slow(c, va, start, &place)) {
        jump_key_update(c);
        code = (struct riscv_code){place.host, place.pa, place.whole_page};
    }
    return code;
}

/* ---- fences and other changes ---- */

void riscv_pmp_changed(struct riscv_core *c)
{
    pmp_update(&c->pmp, c->s.pmpcfg, c->s.pmpaddr, c->s.mseccfg);
    tlb_flush_all(c->vcpu.tlb);
    riscv_resync(c);
}

void riscv_flush(struct riscv_core *c, bool one_page, uint64_t va, int64_t asid)
{
    uint64_t key = asid < 0 ? 0 : (uint64_t)asid << KEY_ASID_SHIFT, mask = asid < 0 ? 0 : KEY_ASID;
    if (one_page)
        tlb_flush_page(c->vcpu.tlb, va, key, mask, asid >= 0);
    else
        tlb_flush_context(c->vcpu.tlb, key, mask, asid >= 0);
    if (trace_on(TRACE_MMU))
        trace_line(TRACE_MMU, (int)c->vcpu.index, "flush %s%#llx asid %lld", one_page ? "" : "all ",
                   (unsigned long long)va, (long long)asid);
    riscv_resync(c);
}

/* Above this many pages, dropping everything is cheaper. */
#define FENCE_PAGES 64

void riscv_fence_vma(struct vcpu *vcpu, uint64_t va, uint64_t size, int64_t asid)
{
    struct riscv_core *c = riscv_core_of(vcpu);
    uint64_t first = va & PAGE_MASK;
    if (size > FENCE_PAGES * PAGE_SIZE || range_beyond(va, size, ~(uint64_t)0)) {
        riscv_flush(c, false, 0, asid);
        return;
    }
    for (uint64_t page = first; page - first < size + (va - first); page += PAGE_SIZE)
        riscv_flush(c, true, page, asid);
}

/* ---- the debugger's view ---- */

static struct riscv_walk debug_walk(struct riscv_core *c, const struct riscv_tables *tables)
{
    return (struct riscv_walk){
        .memory = riscv_tables_memory(tables),
        .satp = data_privilege(c) == PRIV_M ? 0 : c->s.satp,
        .sum = true,
        .mxr = true,
        .pbmte = c->s.menvcfg & ENVCFG_PBMTE,
        .adue = true,
        .svnapot = riscv_has(c, EXT_SVNAPOT),
    };
}

struct translation riscv_translate(struct riscv_core *c, uint64_t va, enum walk_access access)
{
    const struct riscv_tables tables = {.ram = c->vcpu.mem->ram};
    struct riscv_walk registers = debug_walk(c, &tables);
    struct walk_result result = riscv_walk(&registers, va, access);
    /* A page that refuses the access is a page all the same: a debugger writes to code. */
    bool ok =
        result.status == WALK_OK || result.status == WALK_PERMISSION || result.status == WALK_ACCESS_FLAG;
    return (struct translation){.ok = ok,
                                .pa = gpa(result.pa),
                                .permission = result.permission,
                                .page_bits = ok ? result.page_bits : 0};
}

void riscv_page_tables(struct riscv_core *c, void (*line)(void *opaque, const char *text), void *opaque)
{
    const struct riscv_tables tables = {.ram = c->vcpu.mem->ram};
    struct riscv_walk registers = debug_walk(c, &tables);
    riscv_dump(&registers, line, opaque);
}
