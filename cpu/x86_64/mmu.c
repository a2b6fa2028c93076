/*
 * Translation contexts and the slow paths of guest memory: what a page may do without coming here again,
 * accesses that cross a page, devices, breakpoints.
 *
 * The context of a TLB bank is its key: PCID, user or supervisor, SMAP, alignment checks. All else a
 * translation depends on (CR0.WP, CR4, EFER.NXE, A20, PKRU, DR7) changes rarely, and then everything is
 * flushed.
 */
#include "cpu/x86_64/mmu.h"

#include "base/bits.h"
#include "base/trace.h"
#include "cpu/x86_64/debug.h"
#include "softmmu/walkers/x86.h"

#define KEY_PCID  0xfffu
#define KEY_USER  BIT(12)
#define KEY_SMAP  BIT(13)
#define KEY_ALIGN BIT(14) /* EFLAGS.AC at CPL 3: each access is looked at */

void x86_mmu_init(struct x86_core *c)
{
    tlb_set_space_mask(c->vcpu.tlb, KEY_PCID);
    c->a20_open = true;
    c->physical_mask = ~(uint64_t)0;
}

static uint64_t key_of(const struct x86_core *c, enum x86_as as)
{
    uint64_t key = c->s.cr4 & CR4_PCIDE ? c->s.cr3 & CR3_PCID : 0;
    bool allowed = c->s.rflags & FLAG_AC && as != AS_SYSTEM;
    if (as == AS_USER)
        return key | KEY_USER;
    return c->s.cr4 & CR4_SMAP && !allowed ? key | KEY_SMAP : key;
}

static uint64_t current_key(const struct x86_core *c)
{
    uint64_t key = key_of(c, c->s.cpl == 3 ? AS_USER : AS_SUPERVISOR);
    if (c->s.cpl == 3 && c->s.rflags & FLAG_AC && c->s.cr0 & CR0_AM)
        key |= KEY_ALIGN;
    return key;
}

/* ---- segments ---- */

static struct x86_view view_of(const struct x86_core *c, unsigned number)
{
    const struct x86_segment *seg = &c->s.seg[number];
    struct x86_view view = {.base = seg->base};
    bool protected = !x86_real_like(c), code = seg->attributes & SEG_CODE;
    if (c->mode & MODE_64) {
        view.base = number >= FS ? seg->base : 0;
        view.read_end = view.write_end = ~(uint64_t)0;
        return view;
    }
    if (!(seg->attributes & SEG_P) || (!code && seg->attributes & SEG_DOWN))
        return view;
    if (!code || seg->attributes & SEG_READABLE || !protected)
        view.read_end = (uint64_t)seg->limit + 1;
    if ((!code && seg->attributes & SEG_WRITABLE) || !protected)
        view.write_end = (uint64_t)seg->limit + 1;
    return view;
}

void x86_base_update(struct x86_core *c, unsigned number)
{
    c->view[number].base = c->s.gpr[number == FS ? X86_FS_BASE : X86_GS_BASE] = c->s.seg[number].base;
}

void x86_views_update(struct x86_core *c)
{
    /* From one 64-bit context to another only the bases of FS and GS can change. */
    bool known = c->mode & MODE_64 && c->view[DS].read_end == ~(uint64_t)0;
    for (unsigned number = ES; number <= GS && !known; number++)
        c->view[number] = view_of(c, number);
    x86_base_update(c, FS);
    x86_base_update(c, GS);
    c->stack_mask = c->mode & MODE_64 ? ~(uint64_t)0 : c->s.seg[SS].attributes & SEG_DB ? 0xffffffff : 0xffff;
}

static uint32_t mode_of(const struct x86_core *c)
{
    const struct x86_segment *cs = &c->s.seg[CS];
    uint32_t mode = 0;
    if (x86_long_mode(c) && cs->attributes & SEG_L)
        mode |= MODE_64 | MODE_FLAT;
    else if (cs->attributes & SEG_DB)
        mode |= MODE_32;
    if (cs->base == 0 && cs->limit == 0xffffffff)
        mode |= MODE_FLAT;
    if (!x86_real_like(c))
        mode |= MODE_PROTECTED;
    mode |= (c->s.cr0 & CR0_TS ? MODE_TS : 0) | (c->s.cr0 & CR0_EM ? MODE_EM : 0);
    mode |= c->s.cr4 & CR4_OSFXSR ? MODE_SSE : 0;
    if (c->s.cr4 & CR4_OSXSAVE && (c->s.xcr0 & (XCR0_SSE | XCR0_AVX)) == (XCR0_SSE | XCR0_AVX))
        mode |= MODE_AVX;
    return mode | (x86_breakpoints_on(c) ? MODE_BREAK : 0);
}

static void jump_key_update(struct x86_core *c)
{
    c->jump_key = c->bank->generation << 9 | c->mode;
}

void x86_bank_select(struct x86_core *c)
{
    c->bank_key = current_key(c);
    c->bank = tlb_select(c->vcpu.tlb, c->bank_key);
    jump_key_update(c);
}

void x86_context(struct x86_core *c)
{
    c->mode = mode_of(c);
    x86_views_update(c);
    c->linear_mask = c->mode & MODE_64 ? ~(uint64_t)0 : 0xffffffff;
    c->code_base = c->mode & MODE_64 ? 0 : c->s.seg[CS].base;
    c->code_end = c->mode & MODE_FLAT ? ~(uint64_t)0 : (uint64_t)c->s.seg[CS].limit + 1;
    x86_bank_select(c);
}

static bool segment_fault(struct x86_core *c, unsigned seg)
{
    return x86_fault_code(c, seg == SS ? EXC_SS : EXC_GP, 0);
}

bool x86_segment_check(struct x86_core *c, unsigned seg, uint64_t offset, unsigned len, bool write,
                       uint64_t *linear)
{
    const struct x86_segment *s = &c->s.seg[seg];
    const struct x86_view *view = &c->view[seg];
    *linear = (view->base + offset) & c->linear_mask;
    if (c->mode & MODE_64) {
        if (!x86_canonical(c, *linear) || !x86_canonical(c, *linear + (len - 1)))
            return segment_fault(c, seg);
        return true;
    }
    uint64_t end = offset + len;
    if (end <= (write ? view->write_end : view->read_end))
        return true;
    /* Only expand-down data segments are left to be allowed (SDM vol. 3, 5.3). */
    bool down = (s->attributes & (SEG_P | SEG_S | SEG_CODE | SEG_DOWN)) == (SEG_P | SEG_S | SEG_DOWN);
    uint64_t top = s->attributes & SEG_DB ? (uint64_t)1 << 32 : 0x10000;
    if (!down || (write && !(s->attributes & SEG_WRITABLE)) || offset <= s->limit || end > top)
        return segment_fault(c, seg);
    return true;
}

/* ---- translation ---- */

static struct x86_walk walk_registers(const struct x86_core *c, uint64_t key, const struct x86_tables *tables)
{
    struct x86_walk walk = {
        .memory = x86_tables_memory(tables),
        .cr3 = c->s.cr3,
        .physical_bits = c->model.physical_bits,
        .paging = c->s.cr0 & CR0_PG,
        .pae = c->s.cr4 & CR4_PAE,
        .long_mode = x86_long_mode(c),
        .la57 = c->s.cr4 & CR4_LA57,
        .pse = c->s.cr4 & CR4_PSE,
        .pse36 = x86_has(c, FEAT_PSE36),
        .gigabyte = x86_has(c, FEAT_PDPE1GB),
        .wp = c->s.cr0 & CR0_WP,
        .nxe = c->s.efer & EFER_NXE,
        .smep = c->s.cr4 & CR4_SMEP,
        .pge = c->s.cr4 & CR4_PGE,
        .pke = c->s.cr4 & CR4_PKE,
        .smap = key & KEY_SMAP,
        .user = key & KEY_USER,
        .update = true,
        .pkru = c->s.pkru,
    };
    memcpy(walk.pdpte, c->s.pdpte, sizeof(walk.pdpte));
    return walk;
}

/* In system-management mode a processor sees its memory. */
static struct x86_tables tables_of(const struct x86_core *c)
{
    return (struct x86_tables){.ram = c->vcpu.mem->ram, .mask = c->physical_mask, .let_in = c->s.in_smm != 0};
}

static struct ram_page page_seen(const struct x86_core *c, uint64_t pa, bool fetch)
{
    struct ram *ram = c->vcpu.mem->ram;
    return c->s.in_smm ? ram_page_guarded(ram, gpa(pa), fetch) : ram_page_at(ram, gpa(pa));
}

static bool page_fault(struct x86_core *c, uint64_t va, uint32_t code)
{
    c->fault = (struct x86_fault){.vector = EXC_PF, .has_code = true, .code = code, .address = va};
    return false;
}

static uint8_t needed(enum walk_access access)
{
    static const uint8_t permissions[] = {
        [WALK_READ] = TLB_READ, [WALK_WRITE] = TLB_WRITE, [WALK_FETCH] = TLB_FETCH};
    return permissions[access];
}

/* Ask the walker. False: #PF is in c->fault. */
static bool walk_fill(struct x86_core *c, uint64_t key, uint64_t va, enum walk_access access,
                      struct tlb_fill *fill)
{
    const struct x86_tables tables = tables_of(c);
    const struct x86_walk registers = walk_registers(c, key, &tables);
    struct x86_walk_result result = x86_walk(&registers, va, access);
    if (trace_on(TRACE_MMU))
        trace_line(TRACE_MMU, (int)c->vcpu.index, "walk %#llx %c: status %d, error %#x, pa %#llx",
                   (unsigned long long)va, "rwx"[access], result.walk.status, result.error,
                   (unsigned long long)result.walk.pa);
    if (result.walk.status != WALK_OK)
        return page_fault(c, va, result.error);
    c->pkeys_seen |= (uint16_t)(1u << result.key);
    *fill = (struct tlb_fill){.va = va & PAGE_MASK,
                              .pa = result.walk.pa & PAGE_MASK & c->physical_mask,
                              .permission = result.walk.permission,
                              .page_bits = result.walk.page_bits,
                              .global = result.walk.global};
    return true;
}

/* One access within a page. */
struct place {
    uint64_t pa;
    uint8_t *host; /* NULL: not RAM */
    bool writable; /* RAM that a store may change without anybody's knowing */
};

/* The bank of a context, which is made the current one. */
static struct tlb_bank *bank_of(struct x86_core *c, uint64_t key)
{
    struct tlb_bank *bank = tlb_current(c->vcpu.tlb);
    return bank->key == key ? bank : tlb_select(c->vcpu.tlb, key);
}

/* Where an access goes: translate, and let the TLB know what needn't come here again. */
static bool place_find(struct x86_core *c, uint64_t key, uint64_t va, enum walk_access access,
                       struct place *place)
{
    struct tlb *tlb = c->vcpu.tlb;
    struct tlb_fill fill;
    bank_of(c, key);
    if (!(tlb_second_level(tlb, va, &fill) && (fill.permission & needed(access))) &&
        !walk_fill(c, key, va, access, &fill))
        return false;
    struct ram_page page = page_seen(c, fill.pa, access == WALK_FETCH);
    place->pa = fill.pa | (va & ~PAGE_MASK);
    place->host = page.host ? page.host + (va & ~PAGE_MASK) : NULL;
    place->writable = page.host && page.writable && !page.watched;
    fill.va = va & PAGE_MASK;
    fill.host = page.host;
    fill.fast = fill.permission & (access == WALK_FETCH ? TLB_FETCH : TLB_READ | TLB_WRITE);
    if (!place->writable)
        fill.fast &= (uint8_t)~TLB_WRITE;
    if (key & KEY_ALIGN)
        fill.fast &= TLB_FETCH;
    if (x86_data_watched(c, fill.va, PAGE_SIZE, WALK_READ))
        fill.fast &= (uint8_t)~TLB_READ;
    if (x86_data_watched(c, fill.va, PAGE_SIZE, WALK_WRITE))
        fill.fast &= (uint8_t)~TLB_WRITE;
    tlb_insert(tlb, &fill);
    return true;
}

/* ---- linear accesses ---- */

/* The one or two places of an access; all are checked before anything happens at either. */
struct span {
    struct place place[2];
    unsigned len[2]; /* len[1] is 0 for an access within a page */
};

static bool span_find(struct x86_core *c, uint64_t key, uint64_t va, unsigned len, enum walk_access access,
                      struct span *span)
{
    unsigned room = (unsigned)(PAGE_SIZE - (va & ~PAGE_MASK));
    span->len[0] = len < room ? len : room;
    span->len[1] = len - span->len[0];
    if (!x86_watch_passes(c, va, len, access))
        return false;
    return place_find(c, key, va, access, &span->place[0]) &&
           (span->len[1] == 0 ||
            place_find(c, key, (va + span->len[0]) & c->linear_mask, access, &span->place[1]));
}

static unsigned chunk_of(unsigned len)
{
    return len >= 8 ? 8 : len >= 4 ? 4 : len >= 2 ? 2 : 1;
}

/* In system-management mode: where an access of its memory goes; NULL: it goes as any other mode's. */
static uint8_t *guarded_at(const struct x86_core *c, uint64_t pa, unsigned width, bool write)
{
    if (!c->s.in_smm || (pa & ~PAGE_MASK) + width > PAGE_SIZE)
        return NULL;
    struct ram_page page = page_seen(c, pa, false);
    return page.host && (page.writable || !write) ? page.host + (pa & ~PAGE_MASK) : NULL;
}

uint64_t x86_physical_read(struct x86_core *c, uint64_t pa, unsigned width)
{
    uint64_t value;
    pa &= c->physical_mask;
    const uint8_t *guarded = guarded_at(c, pa, width, false);
    if (guarded)
        return le_load(guarded, width);
    if (vcpu_load(&c->vcpu, gpa(pa), width, &value))
        return value;
    return ~(uint64_t)0 >> (64 - 8 * width);
}

void x86_physical_write(struct x86_core *c, uint64_t pa, unsigned width, uint64_t value)
{
    pa &= c->physical_mask;
    uint8_t *guarded = guarded_at(c, pa, width, true);
    if (guarded) {
        le_store(guarded, width, value);
        ram_written(c->vcpu.mem->ram, gpa(pa), width);
    } else {
        vcpu_store(&c->vcpu, gpa(pa), width, value);
    }
}

/* What processors do in one access is one access of the host as well. */
static void place_read(struct x86_core *c, const struct place *place, uint8_t *to, unsigned len)
{
    if (place->host && chunk_of(len) == len) {
        le_store(to, len, x86_host_load(place->host, len));
        return;
    }
    if (place->host) {
        memcpy(to, place->host, len);
        return;
    }
    for (unsigned done = 0; done < len; done += chunk_of(len - done))
        le_store(to + done, chunk_of(len - done),
                 x86_physical_read(c, place->pa + done, chunk_of(len - done)));
}

static void place_write(struct x86_core *c, const struct place *place, const uint8_t *from, unsigned len)
{
    if (place->writable && chunk_of(len) == len) {
        x86_host_store(place->host, len, le_load(from, len));
        return;
    }
    if (place->writable) {
        memcpy(place->host, from, len);
        return;
    }
    for (unsigned done = 0; done < len; done += chunk_of(len - done))
        x86_physical_write(c, place->pa + done, chunk_of(len - done),
                           le_load(from + done, chunk_of(len - done)));
}

static bool keyed_read(struct x86_core *c, uint64_t key, uint64_t va, void *to, unsigned len)
{
    struct span span;
    const void *hit = tlb_read_hit(bank_of(c, key), va, len);
    if (hit && chunk_of(len) == len) {
        le_store(to, len, x86_host_load(hit, len));
        return true;
    }
    if (!span_find(c, key, va, len, WALK_READ, &span))
        return false;
    place_read(c, &span.place[0], to, span.len[0]);
    if (span.len[1])
        place_read(c, &span.place[1], (uint8_t *)to + span.len[0], span.len[1]);
    x86_data_hit(c, va, len, WALK_READ);
    return true;
}

static bool keyed_write(struct x86_core *c, uint64_t key, uint64_t va, const void *from, unsigned len)
{
    struct span span;
    void *hit = tlb_write_hit(bank_of(c, key), va, len);
    if (hit && chunk_of(len) == len) {
        x86_host_store(hit, len, le_load(from, len));
        return true;
    }
    if (!span_find(c, key, va, len, WALK_WRITE, &span))
        return false;
    place_write(c, &span.place[0], from, span.len[0]);
    if (span.len[1])
        place_write(c, &span.place[1], (const uint8_t *)from + span.len[0], span.len[1]);
    x86_data_hit(c, va, len, WALK_WRITE);
    return true;
}

static uint64_t key_for(const struct x86_core *c, enum x86_as as)
{
    return as == AS_CURRENT ? c->bank_key : key_of(c, as);
}

bool x86_linear_read(struct x86_core *c, enum x86_as as, uint64_t linear, void *to, unsigned len)
{
    return keyed_read(c, key_for(c, as), linear, to, len);
}

bool x86_linear_write(struct x86_core *c, enum x86_as as, uint64_t linear, const void *from, unsigned len)
{
    return keyed_write(c, key_for(c, as), linear, from, len);
}

bool x86_linear_check(struct x86_core *c, enum x86_as as, uint64_t linear, unsigned len, bool write)
{
    struct span span;
    return span_find(c, key_for(c, as), linear, len, write ? WALK_WRITE : WALK_READ, &span);
}

/* A table's base may be one that can't be used with the paging there is now. */
static bool system_linear(struct x86_core *c, uint64_t *linear, unsigned width)
{
    if (!x86_long_mode(c)) {
        *linear &= 0xffffffff;
        return true;
    }
    return (x86_canonical(c, *linear) && x86_canonical(c, *linear + (width - 1))) || x86_fault_gp(c, 0);
}

struct x86_loaded x86_system_read(struct x86_core *c, uint64_t linear, unsigned width)
{
    uint8_t bytes[8];
    struct x86_loaded loaded = {.ok = system_linear(c, &linear, width) &&
                                      keyed_read(c, key_of(c, AS_SYSTEM), linear, bytes, width)};
    loaded.value = loaded.ok ? le_load(bytes, width) : 0;
    return loaded;
}

bool x86_system_write(struct x86_core *c, uint64_t linear, unsigned width, uint64_t value)
{
    uint8_t bytes[8];
    le_store(bytes, width, value);
    return system_linear(c, &linear, width) && keyed_write(c, key_of(c, AS_SYSTEM), linear, bytes, width);
}

bool x86_system_exchange(struct x86_core *c, uint64_t linear, uint32_t old, uint32_t new, bool *changed)
{
    struct span span;
    *changed = false;
    if (!system_linear(c, &linear, 4) || !span_find(c, key_of(c, AS_SYSTEM), linear, 4, WALK_WRITE, &span))
        return false;
    void *host = span.place[0].host;
    if (!span.place[0].writable || (linear & 3))
        return x86_system_write(c, linear, 4, new);
    *changed =
        !__atomic_compare_exchange_n((uint32_t *)host, &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return !*changed;
}

/* ---- operands ---- */

static bool aligned(struct x86_core *c, uint64_t linear, unsigned width)
{
    if (!(c->bank_key & KEY_ALIGN) || !(linear & (width - 1)))
        return true;
    return x86_fault_code(c, EXC_AC, 0);
}

bool x86_aligned(struct x86_core *c, unsigned seg, uint64_t offset, unsigned width)
{
    return aligned(c, (c->view[seg].base + offset) & c->linear_mask, width);
}

struct x86_loaded x86_read(struct x86_core *c, unsigned seg, uint64_t offset, unsigned width)
{
    struct x86_loaded loaded = {0};
    uint64_t linear;
    uint8_t bytes[8];
    const void *hit = x86_read_hit(c, c->bank, seg, offset, width);
    if (hit)
        return (struct x86_loaded){.value = x86_host_load(hit, width), .ok = true};
    loaded.ok = x86_segment_check(c, seg, offset, width, false, &linear) && aligned(c, linear, width) &&
                keyed_read(c, c->bank_key, linear, bytes, width);
    loaded.value = loaded.ok ? le_load(bytes, width) : 0;
    return loaded;
}

bool x86_write(struct x86_core *c, unsigned seg, uint64_t offset, unsigned width, uint64_t value)
{
    uint64_t linear;
    uint8_t bytes[8];
    void *hit = x86_write_hit(c, c->bank, seg, offset, width);
    if (hit) {
        x86_host_store(hit, width, value);
        return true;
    }
    le_store(bytes, width, value);
    return x86_segment_check(c, seg, offset, width, true, &linear) && aligned(c, linear, width) &&
           keyed_write(c, c->bank_key, linear, bytes, width);
}

bool x86_write_check(struct x86_core *c, unsigned seg, uint64_t offset, unsigned len)
{
    uint64_t linear;
    if (x86_write_hit(c, c->bank, seg, offset, len))
        return true;
    return x86_segment_check(c, seg, offset, len, true, &linear) &&
           x86_linear_check(c, AS_CURRENT, linear, len, true);
}

struct x86_loaded x86_read_to_write(struct x86_core *c, unsigned seg, uint64_t offset, unsigned width)
{
    uint64_t linear;
    if (!x86_segment_check(c, seg, offset, width, true, &linear) || !aligned(c, linear, width) ||
        !x86_linear_check(c, AS_CURRENT, linear, width, true))
        return (struct x86_loaded){0};
    return x86_read(c, seg, offset, width);
}

bool x86_read_bytes(struct x86_core *c, unsigned seg, uint64_t offset, void *to, unsigned len)
{
    uint64_t linear;
    return x86_segment_check(c, seg, offset, len, false, &linear) &&
           keyed_read(c, c->bank_key, linear, to, len);
}

bool x86_write_bytes(struct x86_core *c, unsigned seg, uint64_t offset, const void *from, unsigned len)
{
    uint64_t linear;
    return x86_segment_check(c, seg, offset, len, true, &linear) &&
           keyed_write(c, c->bank_key, linear, from, len);
}

/* A number's operand, of up to 10 bytes, is aligned as it is long; vectors need say so themselves. */
static bool number_aligned(struct x86_core *c, unsigned seg, uint64_t offset, unsigned width)
{
    return width > 10 || x86_aligned(c, seg, offset, width < 8 ? width : 8);
}

bool x86_operand_load(struct x86_core *c, const struct x86_insn *i, uint64_t pc, unsigned width,
                      unsigned align)
{
    uint64_t offset = x86_offset(c, i, pc);
    const void *hit = x86_read_hit(c, c->bank, i->seg, offset, width);
    if (unlikely((c->view[i->seg].base + offset) & (align - 1)))
        return x86_fault_gp(c, 0);
    if (unlikely(!hit))
        return number_aligned(c, i->seg, offset, width) &&
               x86_read_bytes(c, i->seg, offset, &c->operand, width);
    x86_operand_copy(&c->operand, hit, width);
    return true;
}

bool x86_operand_store(struct x86_core *c, const struct x86_insn *i, uint64_t pc, unsigned width,
                       unsigned align)
{
    uint64_t offset = x86_offset(c, i, pc);
    void *hit = x86_write_hit(c, c->bank, i->seg, offset, width);
    if (unlikely((c->view[i->seg].base + offset) & (align - 1)))
        return x86_fault_gp(c, 0);
    if (unlikely(!hit))
        return number_aligned(c, i->seg, offset, width) &&
               x86_write_bytes(c, i->seg, offset, &c->operand, width);
    x86_operand_copy(hit, &c->operand, width);
    return true;
}

/* ---- atomic operations ---- */

/* Split locks are rare, and short. */
static uint32_t split_locked;

void x86_split_lock(void)
{
    while (__atomic_exchange_n(&split_locked, 1, __ATOMIC_SEQ_CST))
        ;
}

void x86_split_unlock(void)
{
    __atomic_store_n(&split_locked, 0, __ATOMIC_SEQ_CST);
}

void *x86_atomic_at(struct x86_core *c, unsigned seg, uint64_t offset, unsigned width, bool *split)
{
    struct place place;
    uint64_t linear;
    void *hit = x86_write_hit(c, c->bank, seg, offset, width);
    *split = false;
    if (hit && !((uintptr_t)hit & (width - 1)))
        return hit;
    if (!x86_segment_check(c, seg, offset, width, true, &linear) || !aligned(c, linear, width))
        return NULL;
    if (linear & (width - 1)) {
        *split = x86_linear_check(c, AS_CURRENT, linear, width, true);
        return NULL;
    }
    if (!x86_watch_passes(c, linear, width, WALK_WRITE) ||
        !place_find(c, c->bank_key, linear, WALK_WRITE, &place))
        return NULL;
    x86_data_hit(c, linear, width, WALK_WRITE);
    struct ram_page page = page_seen(c, place.pa & PAGE_MASK, false);
    c->atomic_pa = place.writable ? 0 : place.pa;
    c->atomic_watched = !place.writable;
    *split = !place.host || !page.writable;
    return *split ? NULL : place.host;
}

void x86_atomic_done(struct x86_core *c, unsigned width)
{
    if (likely(!c->atomic_watched))
        return;
    c->atomic_watched = false;
    ram_written(c->vcpu.mem->ram, gpa(c->atomic_pa), width);
}

/* ---- fetching ---- */

struct x86_code x86_fetch(struct x86_core *c, uint64_t linear)
{
    struct x86_code code = {0};
    struct place place;
    code.host = tlb_fetch_hit(c->bank, linear, &code.pa);
    if (code.host || !place_find(c, c->bank_key, linear, WALK_FETCH, &place))
        return code;
    jump_key_update(c);
    return (struct x86_code){.host = place.host, .pa = place.pa, .device = !place.host};
}

/* ---- flushes ---- */

void x86_flush_all(struct x86_core *c)
{
    tlb_flush_all(c->vcpu.tlb);
    c->pkeys_seen = 0;
    x86_resync(c);
}

void x86_flush_pcid(struct x86_core *c, unsigned pcid)
{
    tlb_flush_context(c->vcpu.tlb, pcid, KEY_PCID, true);
    x86_resync(c);
}

void x86_flush_keep_global(struct x86_core *c)
{
    tlb_flush_context(c->vcpu.tlb, 0, 0, true);
    x86_resync(c);
}

static unsigned current_pcid(const struct x86_core *c)
{
    return c->s.cr4 & CR4_PCIDE ? (unsigned)(c->s.cr3 & CR3_PCID) : 0;
}

void x86_flush_space(struct x86_core *c)
{
    x86_flush_pcid(c, current_pcid(c));
}

void x86_flush_pcid_page(struct x86_core *c, unsigned pcid, uint64_t va)
{
    tlb_flush_page(c->vcpu.tlb, va, pcid, KEY_PCID, true);
    x86_resync(c);
}

/* INVLPG takes global translations in all address spaces (SDM vol. 3, 4.10.4.1). */
void x86_flush_page(struct x86_core *c, uint64_t va)
{
    tlb_flush_page(c->vcpu.tlb, va, 0, 0, false);
    x86_resync(c);
}

void x86_pkru_set(struct x86_core *c, uint32_t value)
{
    uint32_t changed = value ^ c->s.pkru;
    c->s.pkru = value;
    for (unsigned key = 0; key < 16; key++) {
        if ((changed >> (2 * key) & 3) && (c->pkeys_seen >> key & 1)) {
            x86_flush_all(c);
            return;
        }
    }
}

bool x86_pdptes_load(struct x86_core *c, uint64_t cr3)
{
    uint64_t pdpte[4];
    for (unsigned i = 0; i < 4; i++) {
        pdpte[i] = x86_physical_read(c, (cr3 & 0xffffffe0) + 8 * i, 8);
        if (!x86_pdpte_valid(pdpte[i], c->model.physical_bits))
            return x86_fault_gp(c, 0);
    }
    memcpy(c->s.pdpte, pdpte, sizeof(pdpte));
    return true;
}

/* ---- the debugger's view ---- */

struct translation x86_translate(struct x86_core *c, uint64_t va, enum walk_access access)
{
    const struct x86_tables tables = tables_of(c);
    struct x86_walk registers = walk_registers(c, 0, &tables);
    registers.update = false;
    registers.smep = false;
    registers.pke = false;
    if (!(c->s.cr0 & CR0_PG))
        va &= 0xffffffff;
    struct x86_walk_result result = x86_walk(&registers, va, access);
    if (result.walk.status != WALK_OK || (x86_long_mode(c) && !x86_canonical(c, va)))
        return (struct translation){0};
    return (struct translation){.ok = true,
                                .pa = gpa(result.walk.pa & c->physical_mask),
                                .permission = result.walk.permission,
                                .page_bits = result.walk.page_bits,
                                .let_in = c->s.in_smm != 0};
}

void x86_page_tables(struct x86_core *c, void (*line)(void *opaque, const char *text), void *opaque)
{
    const struct x86_tables tables = tables_of(c);
    const struct x86_walk registers = walk_registers(c, 0, &tables);
    x86_dump(&registers, line, opaque);
}
