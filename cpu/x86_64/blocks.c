/* Making blocks: what ends one, what is put in front of instructions, and instructions that straddle pages.
 */
#include "cpu/x86_64/blocks.h"

#include <assert.h>

#include "base/bits.h"
#include "cpu/x86_64/debug.h"
#include "cpu/x86_64/decode.h"
#include "cpu/x86_64/fuse.h"
#include "cpu/x86_64/mmu.h"

/* A block being made. */
struct builder {
    struct x86_core *c;
    struct x86_insn *insns;
    unsigned slots, count, bytes;
    const struct x86_code *code;
    uint64_t rip;
    unsigned max_insns;
    unsigned marked; /* bytes of the code in lines that have been marked; more than there are: not cached */
};

bool x86_code_valid(struct x86_core *c, uint64_t rip)
{
    bool valid = c->mode & MODE_64 ? x86_canonical(c, rip) : rip < c->code_end;
    return valid || x86_fault_gp(c, 0);
}

static void slot_add(struct builder *b, x86_handler *run, uint32_t imm)
{
    b->insns[b->slots++] = (struct x86_insn){.run = run, .imm = (int32_t)imm, .offset = (uint16_t)b->bytes};
}

/* Bytes to the end of the page. */
static unsigned room_of(const struct builder *b)
{
    return (unsigned)(PAGE_SIZE - (b->code->pa & ~PAGE_MASK)) - b->bytes;
}

/* Mark the lines that hold the next instruction before they are read, each once. */
static void lines_mark(struct builder *b)
{
    unsigned end = b->bytes + X86_LENGTH_MAX, page_end = b->bytes + room_of(b);
    if (end > page_end)
        end = page_end;
    while (b->marked < end) {
        uint64_t pa = b->code->pa + b->marked;
        ram_code_mark(b->c->vcpu.mem->ram, gpa(pa), 1);
        b->marked += 64 - (pa & 63);
    }
}

/* The instruction at b->bytes of which `head` bytes are in this page: the others are fetched when it runs. */
static bool straddle_add(struct builder *b)
{
    struct x86_straddle *straddle = (struct x86_straddle *)(void *)&b->insns[b->slots];
    if (b->count)
        return false;
    *straddle = (struct x86_straddle){.run = x86_straddle, .offset = (uint16_t)b->bytes, .tail_length = 0xff};
    b->slots++;
    b->insns[b->slots++] = (struct x86_insn){.run = x86_undefined, .offset = (uint16_t)b->bytes};
    b->count = 1;
    b->bytes += room_of(b);
    return false;
}

/* Add the instruction at the current place. False when the block ends: with it, or before it. */
static bool insn_add(struct builder *b)
{
    unsigned flags;
    uint64_t linear = x86_code_linear(b->c, b->rip + b->bytes);
    if (b->c->mode & MODE_BREAK && x86_may_break(b->c, linear)) {
        if (b->count)
            return false;
        slot_add(b, x86_break_check, 0);
    }
    lines_mark(b);
    unsigned length =
        x86_decode(b->c, b->code->host + b->bytes, room_of(b), b->bytes, &b->insns[b->slots], &flags);
    if (length == 0)
        return straddle_add(b);
    b->slots++;
    b->count++;
    b->bytes += length;
    return !(flags & ROW_END);
}

/* No links yet behind the end slot. */
static void links_clear(const struct x86_insn *end)
{
    int64_t next = end[-1].offset + end[-1].length;
    *x86_links_of(end) = (struct x86_links){.taken_by = next + end[-1].imm, .fallen_by = next};
}

static void block_close(struct builder *b)
{
    slot_add(b, x86_block_end, b->slots);
    links_clear(&b->insns[b->slots - 1]);
    b->slots++;
    assert(b->slots <= X86_BLOCK_SLOTS && b->count > 0);
    unsigned left = 0;
    for (unsigned slot = b->slots - 2; slot-- > 0;) {
        if (slot + 3 == b->slots || b->insns[slot].offset != b->insns[slot + 1].offset)
            left++;
        b->insns[slot].left = (uint8_t)left;
    }
    x86_fuse(b->insns, b->slots - 1);
}

/* Decode a block for the cache. It can't fail, but may take another try when code changes meanwhile. */
static const struct x86_insn *block_make(struct x86_core *c, uint64_t rip, const struct x86_code *code)
{
    for (;;) {
        uint64_t generation = block_generation(c->blocks);
        struct block *block = block_begin(c->blocks, X86_BLOCK_SLOTS);
        if (generation != block_generation(c->blocks))
            memset(c->jumps, 0, sizeof(c->jumps));
        struct builder b = {
            .c = c,
            .insns = (struct x86_insn *)(void *)block->insns,
            .code = code,
            .rip = rip,
            .max_insns = X86_BLOCK_INSNS,
        };
        if (!(c->mode & MODE_FLAT))
            slot_add(&b, x86_limit_check, 0);
        while (insn_add(&b) && b.count < b.max_insns && room_of(&b))
            ;
        block_close(&b);
        block->pa = code->pa;
        block->mode = c->mode;
        block->count = (uint16_t)b.count;
        block->bytes = (uint16_t)b.bytes;
        if (block_commit(c->blocks, block, b.slots))
            return x86_block_first(block);
    }
}

const struct x86_insn *x86_block_at(struct x86_core *c, uint64_t rip)
{
    uint64_t linear = x86_code_linear(c, rip);
    struct x86_code code = x86_fetch(c, linear);
    if (!code.host)
        return NULL;
    const struct block *block = block_find(c->blocks, code.pa, c->mode);
    const struct x86_insn *first;
    if (block) {
        first = x86_block_first(block);
    } else {
        uint64_t generation = c->bank->generation;
        first = block_make(c, rip, &code);
        /* Other vCPUs' work may have been done meanwhile: what it flushed is not to be used. */
        if (generation != c->bank->generation || c->resync)
            return NULL;
    }
    *x86_jump_slot(c, linear) = (struct x86_jump){.linear = linear, .key = c->jump_key, .first = first};
    return first;
}

/* Up to X86_LENGTH_MAX instruction bytes at rip; fewer when the next page can't be fetched (c->fault says
 * why, or what lies beyond CS's limit). */
static unsigned code_copy(struct x86_core *c, uint64_t rip, uint8_t *bytes)
{
    unsigned count = 0;
    while (count < X86_LENGTH_MAX) {
        if (!x86_code_valid(c, rip + count))
            break;
        uint64_t linear = x86_code_linear(c, rip + count);
        struct x86_code code = x86_fetch(c, linear);
        if (!code.host && !code.device)
            break;
        bytes[count++] = code.host ? *code.host : (uint8_t)x86_physical_read(c, code.pa, 1);
    }
    return count;
}

const struct x86_insn *x86_block_single(struct x86_core *c, uint64_t rip)
{
    uint8_t bytes[X86_LENGTH_MAX];
    struct block *block = (struct block *)(void *)c->single;
    struct builder b = {.c = c, .insns = (struct x86_insn *)(void *)block->insns, .rip = rip};
    unsigned flags, available = code_copy(c, rip, bytes);
    unsigned length = available ? x86_decode(c, bytes, available, 0, &b.insns[0], &flags) : 0;
    if (length == 0)
        return NULL;
    b.slots = b.count = 1;
    b.bytes = length;
    block_close(&b);
    *block = (struct block){.pa = ~(uint64_t)0, .mode = c->mode, .count = 1, .bytes = (uint16_t)length};
    return x86_block_first(block);
}

void x86_blocks_drop_all(struct x86_core *c)
{
    block_drop_all(c->blocks);
    memset(c->jumps, 0, sizeof(c->jumps));
    x86_resync(c);
    __atomic_store_n(&c->vcpu.limit, 0, __ATOMIC_SEQ_CST);
}

/* ---- instructions that straddle pages ---- */

/* Bytes of the instruction at i that lie in its first page. */
static unsigned head_length(const struct x86_core *c, const struct x86_insn *i, uint64_t pc)
{
    return (unsigned)(PAGE_SIZE - (x86_code_linear(c, x86_rip(i, pc)) & ~PAGE_MASK));
}

/* Decode the instruction from the bytes there are now. False: c->fault is set. */
static __attribute__((noinline)) bool straddle_decode(struct x86_core *c, const struct x86_insn *i,
                                                      uint64_t pc)
{
    struct x86_straddle *straddle = (struct x86_straddle *)(uintptr_t)i;
    struct x86_insn *insn = (struct x86_insn *)(uintptr_t)(i + 1);
    uint8_t bytes[X86_LENGTH_MAX];
    unsigned flags, head = head_length(c, i, pc), available = code_copy(c, x86_rip(i, pc), bytes);
    unsigned length = available >= head ? x86_decode(c, bytes, available, i->offset, insn, &flags) : 0;
    if (length == 0)
        return false;
    insn->left = 1;
    straddle->tail_length = (uint8_t)(length > head ? length - head : 0);
    memcpy(straddle->tail, bytes + head, straddle->tail_length);
    links_clear(i + 2);
    return true;
}

static __attribute__((noinline)) bool straddle_same(struct x86_core *c, const struct x86_insn *i, uint64_t pc)
{
    const struct x86_straddle *straddle = (const struct x86_straddle *)(const void *)i;
    uint64_t pa, linear = x86_code_linear(c, x86_rip(i, pc) + head_length(c, i, pc));
    const void *host = tlb_fetch_hit(c->bank, linear, &pa);
    return straddle->tail_length <= X86_LENGTH_MAX && host &&
           memcmp(host, straddle->tail, straddle->tail_length) == 0;
}

static COLD X86_HANDLER(straddle_new)
{
    if (!straddle_decode(c, i, pc))
        TAIL return x86_raise(c, i, bank, pc);
    TAIL return x86_next(c, i, bank, pc);
}

X86_HANDLER(x86_straddle)
{
    if (unlikely(!straddle_same(c, i, pc)))
        TAIL return straddle_new(c, i, bank, pc);
    TAIL return x86_next(c, i, bank, pc);
}

X86_HANDLER(x86_too_long)
{
    x86_fault_gp(c, 0);
    TAIL return x86_raise(c, i, bank, pc);
}
