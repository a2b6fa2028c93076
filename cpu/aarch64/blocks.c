/* Making blocks: what ends one, and what is put between instructions. */
#include "cpu/aarch64/blocks.h"

#include <assert.h>

#include "cpu/aarch64/debug.h"
#include "cpu/aarch64/decode.h"
#include "cpu/aarch64/fuse.h"
#include "cpu/aarch64/mmu.h"

/* A block being made. */
struct builder {
    struct aarch64_core *c;
    struct a64_insn *insns;
    const struct aarch64_code *code;
    uint32_t mode;
    unsigned slots, count, max_count;
    bool cached; /* the block is to be kept, so the lines it is read from are marked */
    struct a64_decoded last;
};

static void slot_add(struct builder *b, a64_handler *run, uint32_t imm)
{
    b->insns[b->slots++] =
        (struct a64_insn){.run = run, .imm = (int32_t)imm, .rd = REG_DISCARD, .offset = (uint8_t)b->count};
}

static void link_add(struct builder *b)
{
    *a64_link_at(&b->insns[b->slots++]) = (struct a64_link){.pa = b->code->pa};
}

/* The word at the current place; its line is marked before it is read, once a line. */
static uint32_t word_at(struct builder *b)
{
    uint64_t pa = b->code->pa + 4 * b->count;
    if (b->cached && (b->count == 0 || (pa & 63) == 0))
        ram_code_mark(b->c->vcpu.mem->ram, gpa(pa), 4);
    return (uint32_t)host_load(b->code->host + 4 * b->count, 4);
}

/* From slot `from` on, let instructions do the work of the next one too, or go straight on with it, where
 * there is a handler for that. Backwards, as the next one may go on itself. (Links are no handlers.) */
static void fuse(struct builder *b, unsigned from)
{
    for (unsigned n = b->slots - 1; n > from; n--) {
        struct a64_insn *first = &b->insns[n - 1], *second = &b->insns[n];
        a64_handler *fused = a64_fused(first, second);
        if (!fused)
            fused = a64_followed(first, second);
        if (fused)
            first->run = fused;
    }
}

/* Count an access, just decoded, before it is made: behind it the block may have been left. */
static void count_add(struct builder *b)
{
    struct a64_insn access = b->insns[--b->slots];
    slot_add(b, a64_access_counted, 0);
    b->insns[b->slots++] = access;
}

static unsigned max_count(uint32_t mode)
{
    return mode & MODE_COUNTED ? A64_BLOCK_MAX_COUNTED : A64_BLOCK_MAX;
}

/* Add the instruction at the current place. */
static void insn_add(struct builder *b)
{
    uint32_t bits = word_at(b);
    if (b->count == 0 && (b->mode & MODE_GUARDED))
        slot_add(b, a64_guard, 0);
    unsigned page_offset = (unsigned)((b->code->pa + 4 * b->count) & ~PAGE_MASK);
    struct a64_decoded decoded =
        a64_decode(b->c, b->mode, bits, b->count, page_offset, &b->insns[b->slots++]);
    if (b->count == 0 && (b->mode & MODE_GUARDED))
        b->insns[0].imm = decoded.landing;
    if (decoded.nothing)
        b->slots--;
    if (decoded.accesses && (b->mode & MODE_COUNTED))
        count_add(b);
    for (unsigned n = 0; n < decoded.links; n++)
        link_add(b);
    b->count++;
    if (decoded.sp_written)
        slot_add(b, a64_sp_written, 0);
    b->last = decoded;
}

/* The end slot and its link. */
static void end_add(struct builder *b, bool may_grow)
{
    slot_add(b, a64_block_end, b->slots);
    b->insns[b->slots - 1].rm = may_grow;
    link_add(b);
}

/* Decode what comes next, at most to the end of the page, and close the block. */
static void block_fill(struct builder *b)
{
    unsigned from = b->slots;
    unsigned room = (unsigned)(PAGE_SIZE - (b->code->pa & ~PAGE_MASK)) / 4;
    room = room < b->max_count ? room : b->max_count;
    do
        insn_add(b);
    while (!b->last.end && b->count < room);
    if (b->slots > from)
        fuse(b, from);
    if (!b->last.jumps)
        end_add(b, b->cached && b->last.conditional && b->count < room);
    assert(b->slots <= A64_BLOCK_SLOTS);
}

void aarch64_jumps_forget(struct aarch64_core *c)
{
    memset(c->jumps, 0, sizeof(c->jumps));
}

void aarch64_returns_forget(struct aarch64_core *c)
{
    memset(c->returns, 0, sizeof(c->returns));
}

/* No block is where it was. */
static void blocks_forget(struct aarch64_core *c)
{
    aarch64_jumps_forget(c);
    aarch64_returns_forget(c);
}

/* Decode a block for the cache. It can't fail, but may take another try when code changes meanwhile. */
static const struct a64_insn *block_make(struct aarch64_core *c, const struct aarch64_code *code,
                                         uint32_t mode)
{
    for (;;) {
        uint64_t generation = block_generation(c->blocks);
        struct block *block = block_begin(c->blocks, A64_BLOCK_SLOTS);
        if (generation != block_generation(c->blocks))
            blocks_forget(c);
        struct builder b = {
            .c = c,
            .insns = (struct a64_insn *)(void *)block->insns,
            .code = code,
            .mode = mode,
            .max_count = max_count(mode),
            .cached = true,
        };
        block_fill(&b);
        block->pa = code->pa;
        block->mode = mode;
        block->count = (uint16_t)b.count;
        block->bytes = (uint16_t)(4 * b.count);
        if (block_commit(c->blocks, block, b.slots))
            return a64_block_first(block);
    }
}

const struct a64_insn *aarch64_block_at(struct aarch64_core *c, uint64_t pc)
{
    /* Pages with breakpoints are for the outer loop, instruction by instruction. */
    if (unlikely(aarch64_breaks_in_page(c, pc)))
        return NULL;
    struct aarch64_code code = aarch64_fetch(c, pc);
    if (!code.host)
        return NULL;
    uint32_t mode = c->mode | (code.guarded ? MODE_GUARDED : 0);
    const struct block *block = block_find(c->blocks, code.pa, mode);
    const struct a64_insn *first;
    if (block) {
        first = a64_block_first(block);
    } else {
        uint64_t generation = c->bank->generation;
        first = block_make(c, &code, mode);
        /* Other vCPUs' work may have been done meanwhile: what it flushed is not to be used. */
        if (generation != c->bank->generation || c->resync)
            return NULL;
    }
    *aarch64_jump_slot(c, pc) = (struct aarch64_jump){.pc = pc, .key = c->jump_key, .first = first};
    return first;
}

unsigned aarch64_block_grow(struct aarch64_core *c, const struct a64_insn *end, uint64_t pc)
{
    struct block *block = (struct block *)(uintptr_t)a64_block_of_first(end - end->imm);
    unsigned slots = (unsigned)end->imm, count = block->count;
    struct aarch64_code code = {0};
    code.host = tlb_fetch_hit(c->bank, pc, &code.pa);
    if (!code.host || code.pa != block->pa || !block_reopen(c->blocks, block, slots + 2, A64_BLOCK_SLOTS))
        return 0;
    struct builder b = {
        .c = c,
        .insns = (struct a64_insn *)(void *)block->insns,
        .code = &code,
        .mode = block->mode,
        .slots = slots,
        .count = count,
        .max_count = max_count(block->mode),
        .cached = true,
    };
    uint64_t generation = c->bank->generation;
    block_fill(&b);
    if (!block_extend(c->blocks, block, b.slots)) {
        b.slots = slots;
        b.count = count;
        end_add(&b, false);
        return 0;
    }
    block->count = (uint16_t)b.count;
    block->bytes = (uint16_t)(4 * b.count);
    if (generation != c->bank->generation)
        aarch64_resync(c);
    return c->resync ? 0 : b.count - count;
}

const struct a64_insn *aarch64_block_single(struct aarch64_core *c, uint64_t pc)
{
    struct aarch64_code code = aarch64_fetch(c, pc);
    if (!code.host)
        return NULL;
    struct block *block = (struct block *)(void *)c->single;
    uint32_t mode = c->mode | (code.guarded ? MODE_GUARDED : 0);
    struct builder b = {.c = c,
                        .insns = (struct a64_insn *)(void *)block->insns,
                        .code = &code,
                        .mode = mode,
                        .max_count = 1};
    block_fill(&b);
    *block = (struct block){.pa = code.pa, .mode = mode, .count = 1, .bytes = 4};
    return a64_block_first(block);
}

void aarch64_blocks_drop_all(struct aarch64_core *c)
{
    block_drop_all(c->blocks);
    blocks_forget(c);
    aarch64_resync(c);
    __atomic_store_n(&c->vcpu.limit, 0, __ATOMIC_SEQ_CST);
}
