/*
 * Memory copy and set (FEAT_MOPS), by option A of the Arm ARM: the prologue leaves the ends of the ranges and
 * minus the size, PSTATE.C clear; or for a backward copy the beginnings and the size. The main instruction
 * does all the work, page by page, and can be interrupted between pages; the epilogue finds nothing left, or
 * goes on if it was changed.
 */
#include "base/bits.h"
#include "cpu/aarch64/interp.h"
#include "cpu/aarch64/memory.h"

#define X(n)          (c->s.x[n])
#define SET_SIZE_MAX  0x7fffffffffffffffu
#define COPY_SIZE_MAX 0x007fffffffffffffu

/* The fields of op2: for copies, who reads and writes as if at EL0; for sets, who writes. */
#define CPY_WRITE_USER BIT(12)
#define CPY_READ_USER  BIT(13)
#define SET_USER       BIT(12)

static bool allowed(const struct aarch64_core *c)
{
    return aarch64_el(c) == 1 || (c->s.sctlr_el1 & SCTLR_MSCEn);
}

/* The registers are not as this implementation's prologue leaves them (D17.2.37, EC 0x27). */
static bool option_matches(struct aarch64_core *c, const struct a64_insn *i, bool set, bool epilogue)
{
    if (!c->s.flag_c)
        return true;
    uint32_t options = (uint32_t)bits_get((uint32_t)i->imm, 12, set ? 2 : 4);
    c->fault = (struct aarch64_fault){.ec = EC_MOPS,
                                      .iss = (uint32_t)set << 24 | options << 19 | (uint32_t)epilogue << 18 |
                                             1u << 17 | 1u << 16 | (uint32_t)i->rd << 10 |
                                             (uint32_t)i->rm << 5 | i->rn};
    return false;
}

/* ---- one piece of memory: as much as one look at the TLB shows, or one slow access ---- */

static struct tlb_bank *bank_for(struct aarch64_core *c, bool user)
{
    return user && c->user_bank->key == c->user_key ? c->user_bank : c->bank;
}

static bool in_bank(const struct aarch64_core *c, bool user)
{
    return !user || c->user_key == c->bank_key || c->user_bank->key == c->user_key;
}

static uint64_t page_left(uint64_t va)
{
    return PAGE_SIZE - (va & ~PAGE_MASK);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Set up to `size` bytes at va; returns how many, 0: c->fault is set. */
static uint64_t set_piece(struct aarch64_core *c, uint64_t va, uint64_t size, uint8_t value, bool user)
{
    void *p = in_bank(c, user) ? tlb_write_hit(bank_for(c, user), va, 1) : NULL;
    if (p) {
        size = least(size, page_left(va));
        memset(p, value, size);
        return size;
    }
    const struct aarch64_access access = {.va = va, .size = 1, .align = 1, .user = user};
    return aarch64_store(c, &access, value, 0);
}

/* A copy's state: what is copied next lies at `to` and `from`, or ends there if it goes backward. */
struct copy {
    uint64_t to, from, left;
    bool backward, read_user, write_user;
};

static uint64_t copy_byte(struct aarch64_core *c, const struct copy *copy)
{
    unsigned back = copy->backward;
    const struct aarch64_access load = {
        .va = copy->from - back, .size = 1, .align = 1, .user = copy->read_user};
    const struct aarch64_access store = {
        .va = copy->to - back, .size = 1, .align = 1, .user = copy->write_user};
    return aarch64_load(c, &load) && aarch64_store(c, &store, c->loaded[0], 0);
}

static uint64_t copy_piece(struct aarch64_core *c, const struct copy *copy)
{
    unsigned back = copy->backward;
    const void *from = NULL;
    void *to = NULL;
    if (in_bank(c, copy->read_user))
        from = tlb_read_hit(bank_for(c, copy->read_user), copy->from - back, 1);
    if (in_bank(c, copy->write_user))
        to = tlb_write_hit(bank_for(c, copy->write_user), copy->to - back, 1);
    if (!from || !to)
        return copy_byte(c, copy);
    if (!back) {
        uint64_t size = least(copy->left, least(page_left(copy->from), page_left(copy->to)));
        memmove(to, from, size);
        return size;
    }
    /* Down to the beginnings of the pages the last bytes are in. */
    uint64_t above = least(((copy->from - 1) & ~PAGE_MASK) + 1, ((copy->to - 1) & ~PAGE_MASK) + 1);
    uint64_t size = least(copy->left, above);
    memmove((uint8_t *)to - (size - 1), (const uint8_t *)from - (size - 1), size);
    return size;
}

enum progress {
    DONE,
    INTERRUPTED,
    FAULTED,
};

static bool attention_wanted(const struct aarch64_core *c)
{
    return __atomic_load_n(&c->vcpu.limit, __ATOMIC_RELAXED) == 0;
}

static __attribute__((noinline)) enum progress set_all(struct aarch64_core *c, const struct a64_insn *i)
{
    bool user = (i->imm & SET_USER) && aarch64_el(c) == 1;
    while ((int64_t)X(i->rn) < 0) {
        uint64_t done = set_piece(c, X(i->rd) + X(i->rn), 0 - X(i->rn), (uint8_t)X(i->rm), user);
        if (!done)
            return FAULTED;
        X(i->rn) += done;
        if (X(i->rn) && attention_wanted(c))
            return INTERRUPTED;
    }
    return DONE;
}

static __attribute__((noinline)) enum progress copy_all(struct aarch64_core *c, const struct a64_insn *i)
{
    bool el1 = aarch64_el(c) == 1;
    while (X(i->rn)) {
        bool backward = (int64_t)X(i->rn) > 0;
        struct copy copy = {.to = X(i->rd) + X(i->rn),
                            .from = X(i->rm) + X(i->rn),
                            .left = backward ? X(i->rn) : 0 - X(i->rn),
                            .backward = backward,
                            .read_user = el1 && (i->imm & CPY_READ_USER),
                            .write_user = el1 && (i->imm & CPY_WRITE_USER)};
        uint64_t done = copy_piece(c, &copy);
        if (!done)
            return FAULTED;
        X(i->rn) += backward ? 0 - done : done;
        if (X(i->rn) && attention_wanted(c))
            return INTERRUPTED;
    }
    return DONE;
}

/* ---- the instructions ---- */

A64_HANDLER(setp)
{
    if (!allowed(c))
        TAIL return a64_undefined(c, i, bank, pc);
    uint64_t size = least(X(i->rn), SET_SIZE_MAX);
    X(i->rd) += size;
    X(i->rn) = 0 - size;
    a64_flags_set(c, 0);
    TAIL return a64_next(c, i, bank, pc);
}

A64_HANDLER(cpyfp)
{
    if (!allowed(c))
        TAIL return a64_undefined(c, i, bank, pc);
    uint64_t size = least(X(i->rn), SET_SIZE_MAX);
    X(i->rd) += size;
    X(i->rm) += size;
    X(i->rn) = 0 - size;
    a64_flags_set(c, 0);
    TAIL return a64_next(c, i, bank, pc);
}

/* Backward only where a forward copy would overwrite what it has yet to read. */
A64_HANDLER(cpyp)
{
    if (!allowed(c))
        TAIL return a64_undefined(c, i, bank, pc);
    uint64_t size = least(X(i->rn), COPY_SIZE_MAX);
    uint64_t to = bits_get(X(i->rd), 0, 56), from = bits_get(X(i->rm), 0, 56);
    bool backward = from < to && from + size > to;
    X(i->rn) = backward ? size : 0 - size;
    if (!backward) {
        X(i->rd) += size;
        X(i->rm) += size;
    }
    a64_flags_set(c, 0);
    TAIL return a64_next(c, i, bank, pc);
}

#define WORK(name, work, set, epilogue)                                                                      \
    A64_HANDLER(name)                                                                                        \
    {                                                                                                        \
        if (!allowed(c))                                                                                     \
            TAIL return a64_undefined(c, i, bank, pc);                                                       \
        if (!option_matches(c, i, set, epilogue))                                                            \
            TAIL return a64_raise(c, i, bank, pc);                                                           \
        switch (work(c, i)) {                                                                                \
        case FAULTED: TAIL return a64_raise(c, i, bank, pc);                                                 \
        case INTERRUPTED: TAIL return a64_again(c, i, bank, pc);                                             \
        default: TAIL return a64_next(c, i, bank, pc);                                                       \
        }                                                                                                    \
    }
WORK(setm, set_all, true, false)
WORK(sete, set_all, true, true)
WORK(cpym, copy_all, false, false)
WORK(cpye, copy_all, false, true)
WORK(cpyfm, copy_all, false, false)
WORK(cpyfe, copy_all, false, true)
