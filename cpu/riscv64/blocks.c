/* Making blocks: what ends one, what is put in front of instructions, and instructions that straddle pages.
 */
#include "cpu/riscv64/blocks.h"

#include <assert.h>

#include "base/trace.h"
#include "cpu/riscv64/decode.h"
#include "cpu/riscv64/mmu.h"

/* A block being made. */
struct builder {
    struct riscv_core *c;
    struct riscv_insn *insns;
    unsigned slots, count, units; /* units: 2-byte units of guest code so far */
    const struct riscv_code *code;
    uint64_t pc;
    unsigned max_insns;
    bool cached; /* the block is to be kept, so the lines it is read from are marked */
};

static void slot_add(struct builder *b, riscv_handler *run, uint32_t imm)
{
    b->insns[b->slots++] =
        (struct riscv_insn){.run = run, .imm = (int32_t)imm, .rd = 32, .offset = (uint8_t)b->units};
}

/* Whether a breakpoint might be at pc. Blocks are known by physical address, so only the place in the page
 * counts here; riscv_break_check compares the rest. */
static bool may_break(const struct riscv_core *c, uint64_t pc)
{
    if (!(c->mode & MODE_BREAK))
        return false;
    const struct debug_points *debug = c->vcpu.debug;
    for (unsigned n = 0; n < debug->count; n++) {
        if (debug->points[n].access == WALK_FETCH && ((debug->points[n].address ^ pc) & ~PAGE_MASK) == 0)
            return true;
    }
    return false;
}

/* Mark the line that holds the byte `at` into the code before it is read, once a line. */
static void line_mark(struct builder *b, unsigned at)
{
    uint64_t pa = b->code->pa + at;
    if (b->cached && (at == 0 || (pa & 63) == 0))
        ram_code_mark(b->c->vcpu.mem->ram, gpa(pa), 2);
}

static uint16_t half_at(struct builder *b, unsigned at)
{
    line_mark(b, at);
    return (uint16_t)host_load(b->code->host + at, 2);
}

static bool is_jump(const struct riscv_insn *insn, uint32_t bits)
{
    uint32_t opcode = bits & 0x7f;
    return insn->run != riscv_undefined && (opcode == 0x63 || opcode == 0x67 || opcode == 0x6f);
}

/* Add the instruction at the current place, `left` bytes before the page's end. False when the block ends:
 * with it, or before it. */
static bool insn_add(struct builder *b, unsigned left)
{
    unsigned at = 2 * b->units;
    if (b->cached && may_break(b->c, b->pc + at)) {
        if (b->count)
            return false;
        slot_add(b, riscv_break_check, 0);
    }
    uint32_t bits = half_at(b, at);
    unsigned length = riscv_length((uint16_t)bits);
    if (length > left) {
        if (b->count == 0) {
            slot_add(b, riscv_straddle, bits);
            riscv_decode(b->c, bits, 4, 0, &b->insns[b->slots++]); /* until the second half is seen */
            b->units += 2;
            b->count = 1;
        }
        return false;
    }
    if (length == 4)
        bits |= (uint32_t)half_at(b, at + 2) << 16;
    struct riscv_insn *insn = &b->insns[b->slots];
    enum riscv_row_flag flags = riscv_decode(b->c, bits, length, b->units, insn);
    if (!riscv_has(b->c, EXT_ZCA) && is_jump(insn, bits)) {
        insn[1] = insn[0];
        slot_add(b, riscv_jump_check, bits);
    }
    b->slots++;
    b->count++;
    b->units += length / 2;
    return flags != ROW_END;
}

/* Decode from b->pc on, at most to the end of the page, and close the block. */
static void block_fill(struct builder *b)
{
    unsigned room = (unsigned)(PAGE_SIZE - (b->pc & ~PAGE_MASK));
    while (b->count < b->max_insns && 2 * b->units < room) {
        if (!insn_add(b, room - 2 * b->units))
            break;
    }
    slot_add(b, riscv_block_end, b->slots);
    *riscv_links_of(&b->insns[b->slots - 1]) = (struct riscv_links){NULL, NULL};
    b->slots++;
    assert(b->slots <= RISCV_BLOCK_SLOTS && b->count > 0);
}

/* Decode a block for the cache. It can't fail, but may take another try when code changes meanwhile. */
static const struct riscv_insn *block_make(struct riscv_core *c, uint64_t pc, const struct riscv_code *code)
{
    for (;;) {
        uint64_t generation = block_generation(c->blocks);
        struct block *block = block_begin(c->blocks, RISCV_BLOCK_SLOTS);
        if (generation != block_generation(c->blocks))
            memset(c->jumps, 0, sizeof(c->jumps));
        struct builder b = {
            .c = c,
            .insns = (struct riscv_insn *)(void *)block->insns,
            .code = code,
            .pc = pc,
            .max_insns = RISCV_BLOCK_INSNS,
            .cached = true,
        };
        block_fill(&b);
        block->pa = code->pa;
        block->mode = c->mode;
        block->count = (uint16_t)b.count;
        block->bytes = (uint16_t)(2 * b.units);
        if (block_commit(c->blocks, block, b.slots))
            return riscv_block_first(block);
    }
}

const struct riscv_insn *riscv_block_at(struct riscv_core *c, uint64_t pc)
{
    struct riscv_code code = riscv_fetch(c, pc, true);
    if (!code.host || !code.whole_page)
        return NULL;
    const struct block *block = block_find(c->blocks, code.pa, c->mode);
    const struct riscv_insn *first;
    if (block) {
        first = riscv_block_first(block);
    } else {
        uint64_t generation = c->fetch_bank->generation;
        first = block_make(c, pc, &code);
        /* Other vCPUs' work may have been done meanwhile: what it flushed is not to be used. */
        if (generation != c->fetch_bank->generation || c->resync)
            return NULL;
    }
    *riscv_jump_slot(c, pc) = (struct riscv_jump){.pc = pc, .key = c->jump_key, .first = first};
    return first;
}

const struct riscv_insn *riscv_block_single(struct riscv_core *c, uint64_t pc)
{
    struct riscv_code code = riscv_fetch(c, pc, true);
    if (!code.host)
        return NULL;
    struct block *block = (struct block *)(void *)c->single;
    struct builder b = {
        .c = c, .insns = (struct riscv_insn *)(void *)block->insns, .code = &code, .pc = pc, .max_insns = 1};
    block_fill(&b);
    *block = (struct block){.pa = code.pa, .mode = c->mode, .count = 1, .bytes = (uint16_t)(2 * b.units)};
    return riscv_block_first(block);
}

void riscv_blocks_drop_all(struct riscv_core *c)
{
    block_drop_all(c->blocks);
    memset(c->jumps, 0, sizeof(c->jumps));
    riscv_resync(c);
    __atomic_store_n(&c->vcpu.limit, 0, __ATOMIC_SEQ_CST);
}

/*
 * The first half of an instruction is the last of its page. Where its second half lies depends on the
 * mapping, so it is read each time; the decoded instruction in the next slot is kept as long as the half
 * stays the same.
 */
static COLD const struct riscv_insn *straddle_new(struct riscv_core *c, const struct riscv_insn *i,
                                                  struct tlb_bank *bank, uint64_t pc, uint32_t bits)
{
    struct riscv_insn *slot = (struct riscv_insn *)(uintptr_t)i;
    struct riscv_insn *end = slot + 2;
    riscv_decode(c, bits, 4, i->offset, &slot[1]);
    slot->imm = (int32_t)bits;
    *riscv_links_of(end) = (struct riscv_links){NULL, NULL};
    return next(c, i, bank, pc);
}

/* The two bytes at va, or -1 with c->fault set. */
static __attribute__((noinline)) int32_t second_half(struct riscv_core *c, uint64_t va)
{
    struct riscv_code code = riscv_fetch(c, va, false);
    return code.host ? (int32_t)host_load(code.host, 2) : -1;
}

const struct riscv_insn *riscv_straddle(struct riscv_core *c, const struct riscv_insn *i,
                                        struct tlb_bank *bank, uint64_t pc)
{
    int32_t half = second_half(c, pc + 2);
    if (unlikely(half < 0))
        TAIL return riscv_raise(c, i, bank, pc);
    uint32_t bits = ((uint32_t)i->imm & 0xffff) | (uint32_t)half << 16;
    if (unlikely(bits != (uint32_t)i->imm))
        return straddle_new(c, i, bank, pc, bits);
    TAIL return next(c, i, bank, pc);
}

const struct riscv_insn *riscv_undefined(struct riscv_core *c, const struct riscv_insn *i,
                                         struct tlb_bank *bank, uint64_t pc)
{
    c->fault = (struct riscv_fault){EXC_ILLEGAL, (uint32_t)i->imm};
    TAIL return riscv_raise(c, i, bank, pc);
}
