/*
 * String instructions. A repeated one is a loop that can be interrupted after each iteration: registers are
 * always as the iterations done so far have left them, and the instruction begins again where it was. MOVS
 * and STOS upwards in plain RAM go a page at a time.
 */
#include "cpu/x86_64/debug.h"
#include "cpu/x86_64/flags.h"
#include "cpu/x86_64/io.h"
#include "cpu/x86_64/kinds.h"
#include "cpu/x86_64/mmu.h"

/* How an instruction or iteration ended. */
enum progress {
    STRING_DONE,
    STRING_MORE,  /* iterations are left, and something else is to be looked at first */
    STRING_FAULT, /* c->fault */
};

struct string {
    struct x86_core *c;
    const struct x86_insn *i;
    unsigned width;
    uint64_t mask; /* of the address size */
    uint64_t step; /* the width, or minus it */
};

/* An address register's part that counts; RDI's is always in ES. */
static uint64_t index_get(const struct string *s, unsigned reg)
{
    return s->c->s.gpr[reg] & s->mask;
}

static void index_set(const struct string *s, unsigned reg, uint64_t value)
{
    x86_operand_reg_set(s->c, reg, s->i->asize, value);
}

static bool element_read(const struct string *s, unsigned seg, unsigned reg, uint64_t *value)
{
    struct x86_loaded loaded = x86_read(s->c, seg, index_get(s, reg), s->width);
    *value = loaded.value;
    return loaded.ok;
}

static bool element_write(const struct string *s, uint64_t value)
{
    return x86_write(s->c, ES, index_get(s, RDI), s->width, value);
}

static void advance(const struct string *s, unsigned reg, uint64_t count)
{
    index_set(s, reg, s->c->s.gpr[reg] + s->step * count);
}

/* ---- one iteration each ---- */

static bool movs_one(const struct string *s)
{
    uint64_t value;
    if (!element_read(s, s->i->seg, RSI, &value) || !element_write(s, value))
        return false;
    advance(s, RSI, 1);
    advance(s, RDI, 1);
    return true;
}

static bool stos_one(const struct string *s)
{
    if (!element_write(s, s->c->s.gpr[RAX]))
        return false;
    advance(s, RDI, 1);
    return true;
}

static bool lods_one(const struct string *s)
{
    uint64_t value;
    if (!element_read(s, s->i->seg, RSI, &value))
        return false;
    if (s->width == 1)
        x86_reg_set(s->c, RAX, 1, value);
    else
        x86_operand_reg_set(s->c, RAX, s->i->opsize, value);
    advance(s, RSI, 1);
    return true;
}

static void compare(const struct string *s, uint64_t a, uint64_t b)
{
    x86_flags_sub(s->c, s->width, a, b);
}

/* When both fault, processors report ES:RDI. */
static bool cmps_one(const struct string *s)
{
    uint64_t a, b;
    if (!element_read(s, ES, RDI, &b) || !element_read(s, s->i->seg, RSI, &a))
        return false;
    compare(s, a, b);
    advance(s, RSI, 1);
    advance(s, RDI, 1);
    return true;
}

static bool scas_one(const struct string *s)
{
    uint64_t b;
    if (!element_read(s, ES, RDI, &b))
        return false;
    compare(s, s->c->s.gpr[RAX], b);
    advance(s, RDI, 1);
    return true;
}

/* The destination must be writable before the port is read: reading has effects. */
static bool ins_one(const struct string *s)
{
    uint16_t port = (uint16_t)s->c->s.gpr[RDX];
    if (!x86_write_check(s->c, ES, index_get(s, RDI), s->width) ||
        !element_write(s, x86_port_read(s->c, port, s->width)))
        return false;
    advance(s, RDI, 1);
    return true;
}

static bool outs_one(const struct string *s)
{
    uint64_t value;
    if (!element_read(s, s->i->seg, RSI, &value))
        return false;
    x86_port_write(s->c, (uint16_t)s->c->s.gpr[RDX], s->width, value);
    advance(s, RSI, 1);
    return true;
}

/* ---- many iterations at a time ---- */

/* How many elements from `linear` upwards lie in its page. */
static uint64_t elements_in_page(const struct string *s, uint64_t linear)
{
    return (PAGE_SIZE - (linear & ~PAGE_MASK)) / s->width;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint8_t *hit(const struct string *s, unsigned seg, uint64_t offset, unsigned bytes, bool write)
{
    struct x86_core *c = s->c;
    return write ? x86_write_hit(c, c->bank, seg, offset, bytes)
                 : x86_read_hit(c, c->bank, seg, offset, bytes);
}

/*
 * Host memory of up to *count elements from reg upwards, fewer to the end of the page; NULL: one by one,
 * which finds the same fault again. What the TLB lacks is filled in here: a copy whose pages have the same
 * place in it keeps the first one's memory while the second takes that place.
 */
static uint8_t *run_of(const struct string *s, unsigned seg, unsigned reg, bool write, uint64_t *count)
{
    struct x86_core *c = s->c;
    uint64_t offset = index_get(s, reg), linear = (c->view[seg].base + offset) & c->linear_mask;
    *count = least(*count, elements_in_page(s, linear));
    if (*count == 0)
        return NULL;
    unsigned bytes = (unsigned)*count * s->width;
    /* Offsets wrap at the address size, which a run must not reach. */
    if (offset + bytes - 1 > s->mask)
        return NULL;
    uint8_t *host = hit(s, seg, offset, bytes, write);
    if (host || !x86_segment_check(c, seg, offset, s->width, write, &linear) ||
        !x86_linear_check(c, AS_CURRENT, linear, s->width, write))
        return host;
    return hit(s, seg, offset, bytes, write);
}

/* A copy upwards that runs over its own source repeats it: element by element. */
static void copy_up(uint8_t *to, const uint8_t *from, uint64_t count, unsigned width)
{
    size_t bytes = (size_t)count * width;
    if ((uintptr_t)to - (uintptr_t)from >= bytes) {
        memmove(to, from, bytes);
        return;
    }
    for (uint64_t n = 0; n < count; n++)
        memmove(to + n * width, from + n * width, width);
}

static uint64_t movs_run(const struct string *s, uint64_t count)
{
    const uint8_t *from = run_of(s, s->i->seg, RSI, false, &count);
    uint8_t *to = from ? run_of(s, ES, RDI, true, &count) : NULL;
    if (!to)
        return 0;
    copy_up(to, from, count, s->width);
    advance(s, RSI, count);
    advance(s, RDI, count);
    return count;
}

static void fill(uint8_t *to, uint64_t count, unsigned width, uint64_t value)
{
    if (width == 1) {
        memset(to, (int)(value & 0xff), count);
        return;
    }
    for (uint64_t n = 0; n < count; n++)
        memcpy(to + n * width, &value, width);
}

static uint64_t stos_run(const struct string *s, uint64_t count)
{
    uint8_t *to = run_of(s, ES, RDI, true, &count);
    if (!to)
        return 0;
    fill(to, count, s->width, s->c->s.gpr[RAX]);
    advance(s, RDI, count);
    return count;
}

/* ---- the loop ---- */

/* Somebody wants the vCPU's attention, or the iteration had an effect that is to be looked at. */
static bool interrupted(const struct x86_core *c)
{
    return c->leave_after || c->resync || c->stepping ||
           __atomic_load_n(&c->vcpu.limit, __ATOMIC_RELAXED) < c->vcpu.icount;
}

/* Whether a compare ends the repetition: REPE while equal, REPNE while not. */
static bool compare_ends(const struct string *s)
{
    bool zero = s->c->lazy.a == s->c->lazy.b;
    return zero != (bool)(s->i->flags & INSN_REP);
}

struct string_op {
    bool (*one)(const struct string *s);
    uint64_t (*run)(const struct string *s, uint64_t count); /* NULL: one by one */
    bool compares;
};

/* So many iterations, or pages of them, are one instruction for whoever counts: 2^64 of them must not keep a
 * slice from ending. */
#define ITERATIONS 1024

static enum progress string_repeat(const struct string *s, const struct string_op *op)
{
    for (unsigned left = ITERATIONS;; left--) {
        uint64_t count = index_get(s, RCX), done = 0;
        if (count == 0)
            return STRING_DONE;
        if (op->run && s->step == s->width && !s->c->stepping)
            done = op->run(s, count);
        if (done == 0 && !op->one(s))
            return STRING_FAULT;
        count -= done ? done : 1;
        index_set(s, RCX, count);
        if (count == 0 || (op->compares && compare_ends(s)))
            return STRING_DONE;
        if (left == 0 || interrupted(s->c))
            return STRING_MORE;
    }
}

static enum progress string_run(struct x86_core *c, const struct x86_insn *i, const struct string_op *op)
{
    struct string s = {.c = c, .i = i, .width = 1u << i->opsize, .mask = x86_address_mask(i->asize)};
    s.step = c->s.rflags & FLAG_DF ? 0 - (uint64_t)s.width : s.width;
    if (i->flags & (INSN_REP | INSN_REPNE))
        return string_repeat(&s, op);
    return op->one(&s) ? STRING_DONE : STRING_FAULT;
}

static __attribute__((noinline)) enum progress string_do(struct x86_core *c, const struct x86_insn *i,
                                                         const struct string_op *op)
{
    return string_run(c, i, op);
}

/* Iterations are left: leave, to come back to i, but not to its breakpoint (SDM vol. 3, 18.3.1.1: RF is set
 * in what an interrupt or a trap between iterations pushes). */
static COLD X86_HANDLER(string_again)
{
    (void)bank;
    c->s.rflags |= FLAG_RF;
    c->s.rip = x86_rip(i, pc) & x86_rip_mask(c);
    c->vcpu.icount -= i->left - 1u;
    return x86_leave();
}

/* ES:RDI and the source need nothing of the row but these. */
#define STRING(name, one_function, run_function, does_compare)                                               \
    X86_HANDLER(x86_##name)                                                                                  \
    {                                                                                                        \
        static const struct string_op op = {                                                                 \
            .one = one_function, .run = run_function, .compares = does_compare};                             \
        enum progress progress = string_do(c, i, &op);                                                       \
        if (unlikely(progress == STRING_FAULT))                                                              \
            TAIL return x86_raise(c, i, bank, pc);                                                           \
        if (unlikely(progress == STRING_MORE))                                                               \
            TAIL return string_again(c, i, bank, pc);                                                        \
        TAIL return x86_next_slow(c, i, bank, pc);                                                           \
    }

STRING(movs, movs_one, movs_run, false)
STRING(stos, stos_one, stos_run, false)
STRING(lods, lods_one, NULL, false)
STRING(cmps, cmps_one, NULL, true)
STRING(scas, scas_one, NULL, true)

static __attribute__((noinline)) enum progress port_string(struct x86_core *c, const struct x86_insn *i,
                                                           const struct string_op *op)
{
    unsigned width = 1u << i->opsize;
    bool repeated = i->flags & (INSN_REP | INSN_REPNE);
    if (repeated && (c->s.gpr[RCX] & x86_address_mask(i->asize)) == 0)
        return STRING_DONE;
    if (!x86_port_allowed(c, (uint16_t)c->s.gpr[RDX], width))
        return STRING_FAULT;
    return string_run(c, i, op);
}

#define PORT_STRING(name, one_function)                                                                      \
    X86_HANDLER(x86_##name)                                                                                  \
    {                                                                                                        \
        static const struct string_op op = {.one = one_function};                                            \
        enum progress progress = port_string(c, i, &op);                                                     \
        if (unlikely(progress == STRING_FAULT))                                                              \
            TAIL return x86_raise(c, i, bank, pc);                                                           \
        if (unlikely(progress == STRING_MORE))                                                               \
            TAIL return string_again(c, i, bank, pc);                                                        \
        TAIL return x86_leave_after(c, i, bank, pc);                                                         \
    }
PORT_STRING(ins, ins_one)
PORT_STRING(outs, outs_one)
