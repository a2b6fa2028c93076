/*
 * Frequent instructions that go straight on to a frequent successor: the host's prediction of an indirect
 * jump is what an instruction costs most in code that doesn't fit the predictor, as the way through a kernel,
 * and of two such instructions only the second one's is left. Each of these handlers does its instruction,
 * then jumps to the handler of the next slot by name; which may be one of these again, so that functions
 * begin and end with a single jump. What can't be done without a call is for the plain handler.
 */
#include "cpu/aarch64/fuse.h"

#include "cpu/aarch64/decode.h"
#include "cpu/aarch64/flags.h"
#include "cpu/aarch64/memory.h"
#include "cpu/aarch64/pauth.h"

#define X(n) (c->s.x[n])
#define W(n) ((uint32_t)c->s.x[n])

/* An instruction's inside: false when nothing was done, and the plain handler has to. */
#define DO(name)                                                                                             \
    INLINE bool do_##name(struct aarch64_core *c, const struct a64_insn *i, struct tlb_bank *bank,           \
                          uint64_t pc)
#define DO_RESULT(name, value)                                                                               \
    DO(name)                                                                                                 \
    {                                                                                                        \
        (void)bank, (void)pc;                                                                                \
        X(i->rd) = (value);                                                                                  \
        return true;                                                                                         \
    }
DO_RESULT(mov_x, X(i->rm))
DO_RESULT(mov_w, W(i->rm))
DO_RESULT(movz_x, (uint64_t)i->imm << i->rm)
DO_RESULT(movz_w, (uint32_t)i->imm << i->rm)
DO_RESULT(adrp, (pc & PAGE_MASK) + ((uint64_t)(int64_t)i->imm << PAGE_BITS))
DO_RESULT(add_i_x, X(i->rn) + (uint32_t)i->imm)
DO_RESULT(sub_i_x, X(i->rn) - (uint32_t)i->imm)
DO_RESULT(add_x, X(i->rn) + X(i->rm))
DO_RESULT(add_w, W(i->rn) + W(i->rm))
DO_RESULT(eor_w, W(i->rn) ^ W(i->rm))
DO_RESULT(and_i__wide_x, X(i->rn) & c->bitmasks[i->imm])
DO_RESULT(mrs__state, *(const uint64_t *)(const void *)((const uint8_t *)&c->s + i->imm))

#define DO_LOAD(name, size)                                                                                  \
    DO(name)                                                                                                 \
    {                                                                                                        \
        (void)pc;                                                                                            \
        const void *p = tlb_read_hit(bank, X(i->rn) + (uint64_t)(int64_t)i->imm, size);                      \
        if (unlikely(!p))                                                                                    \
            return false;                                                                                    \
        X(i->rd) = host_load(p, size);                                                                       \
        return true;                                                                                         \
    }
DO_LOAD(ldr_x_u, 8)
DO_LOAD(ldr_w_u, 4)

DO(str_x_u)
{
    (void)pc;
    void *p = tlb_write_hit(bank, X(i->rn) + (uint64_t)(int64_t)i->imm, 8);
    if (unlikely(!p))
        return false;
    host_store(p, 8, X(i->rd));
    return true;
}

/* As if at EL0. */
#define USER_ADDRESS (X(i->rn) + (uint64_t)(int64_t)i->imm)
DO(ldtr_x)
{
    (void)bank, (void)pc;
    const void *p = c->user_bank->key == c->user_key ? tlb_read_hit(c->user_bank, USER_ADDRESS, 8) : NULL;
    if (unlikely(!p))
        return false;
    X(i->rd) = host_load(p, 8);
    return true;
}

DO(sttr_x)
{
    (void)bank, (void)pc;
    void *p = c->user_bank->key == c->user_key ? tlb_write_hit(c->user_bank, USER_ADDRESS, 8) : NULL;
    if (unlikely(!p))
        return false;
    host_store(p, 8, X(i->rd));
    return true;
}

/* Pairs: before the access `offset` is added to the base, which becomes `base` after it. */
#define DO_LOAD_PAIR(name, offset, base)                                                                     \
    DO(name)                                                                                                 \
    {                                                                                                        \
        (void)pc;                                                                                            \
        uint64_t va = X(i->rn) + (uint64_t)(int64_t)(offset);                                                \
        const void *p = tlb_read_hit(bank, va, 16);                                                          \
        if (unlikely(!p))                                                                                    \
            return false;                                                                                    \
        host_u128 both = host_load16(p);                                                                     \
        X(i->rn) = (base);                                                                                   \
        X(i->rd) = both[0];                                                                                  \
        X(i->rm) = both[1];                                                                                  \
        return true;                                                                                         \
    }
DO_LOAD_PAIR(ldp_x, i->imm, X(i->rn))
DO_LOAD_PAIR(ldp_x__post, 0, va + (uint64_t)(int64_t)i->imm)

DO(subs_x)
{
    (void)bank, (void)pc;
    uint64_t a = X(i->rn), b = X(i->rm);
    a64_subs64(c, a, b);
    X(i->rd) = a - b;
    return true;
}

#define DO_STORE_PAIR(name, base)                                                                            \
    DO(name)                                                                                                 \
    {                                                                                                        \
        (void)pc;                                                                                            \
        uint64_t va = X(i->rn) + (uint64_t)(int64_t)i->imm;                                                  \
        void *p = tlb_write_hit(bank, va, 16);                                                               \
        if (unlikely(!p))                                                                                    \
            return false;                                                                                    \
        host_store16(p, X(i->rd), X(i->rm));                                                                 \
        X(i->rn) = (base);                                                                                   \
        return true;                                                                                         \
    }
DO_STORE_PAIR(stp_x, X(i->rn))
DO_STORE_PAIR(stp_x__pre, va)

DO(paciasp)
{
    (void)i, (void)bank, (void)pc;
    return aarch64_pauth_quick_sign(c, &X(REG_LR), X(REG_SP));
}

DO(autiasp)
{
    (void)i, (void)bank, (void)pc;
    return aarch64_pauth_quick_verify(c, &X(REG_LR), X(REG_SP));
}

/* The pairs, by how often they were seen in a kernel and in compiled programs. No second one is a comparison,
 * which has better company in its branch. A second one that goes on itself is above. */
/* clang-format off */
#define PAIRS(P)                                                                                             \
    P(mov_x, mov_x)           P(mov_x, mov_w)           P(mov_x, movz_w)          P(mov_x, add_i_x)          \
    P(mov_x, ldr_x_u)         P(mov_x, str_x_u)         P(mov_x, stp_x)           P(mov_x, paciasp)          \
    P(mov_x, tbz)             P(mov_x, cbz_x)           P(mov_x, bl)              P(mov_x, bl__far)          \
    P(mov_x, mrs__state)      P(mov_w, mov_x)           P(mov_w, bl__far)         P(movz_w, bl__far)         \
    P(movz_w, mov_x)          P(movz_x, mov_x)          P(movz_x, b_ne)           P(adrp, add_i_x)           \
    P(adrp, ldr_x_u)          P(add_i_x, add_i_x)       P(add_i_x, mov_x)         P(add_i_x, stp_x)          \
    P(add_i_x, str_x_u)       P(add_i_x, ldr_x_u)       P(add_i_x, ldp_x__post)   P(add_i_x, stp_x__post)    \
    P(add_i_x, str_x__post)   P(add_i_x, bl__far)       P(sub_i_x, mrs__state)    P(add_x, add_x)            \
    P(add_x, ldr_x_u)         P(add_w, add_w)           P(add_w, extr_w)          P(eor_w, eor_w)            \
    P(eor_w, add_w)           P(and_i__wide_x, ldr_x_u) P(and_i__wide_x, ldtr_x)  P(mrs__state, ldr_x_u)     \
    P(mrs__state, ldr_w_u)    P(mrs__state, add_x)      P(ldr_x_u, ldr_x_u)       P(ldr_x_u, ldr_w_u)        \
    P(ldr_x_u, str_x_u)       P(ldr_x_u, sttr_x)        P(ldr_x_u, mov_x)         P(ldr_x_u, movz_x)         \
    P(ldr_x_u, movz_w)        P(ldr_x_u, add_i_x)       P(ldr_x_u, tbz)           P(ldr_x_u, tbnz)           \
    P(ldr_x_u, cbz_x)         P(ldr_x_u, cbnz_x)        P(ldr_w_u, tbz)           P(ldr_w_u, tbnz)           \
    P(ldr_w_u, cbz_w)         P(ldr_w_u, cbnz_w)        P(ldr_w_u, mov_x)         P(str_x_u, mov_x)          \
    P(str_x_u, movz_x)        P(str_x_u, str_x_u)       P(str_x_u, ldr_x_u)       P(ldp_x, ldp_x)            \
    P(ldp_x, ldp_x__post)     P(ldp_x, mov_x)           P(ldp_x, add_i_x)         P(ldp_x__post, autiasp)    \
    P(ldp_x__post, ret)       P(stp_x__pre, add_i_x)    P(stp_x__pre, stp_x)      P(stp_x__pre, mov_x)       \
    P(stp_x, stp_x)           P(stp_x, mov_x)           P(stp_x, add_i_x)         P(ldtr_x, ldtr_x)          \
    P(ldtr_x, add_i_x)        P(sttr_x, sttr_x)         P(sttr_x, add_i_x)        P(stp_x, ldp_x)            \
    P(paciasp, stp_x__pre)    P(paciasp, sub_i_x)       P(autiasp, ret)                                      \
    /* Longer ones: the beginnings and ends of functions, */                                                 \
    P(paciasp, stp_x__pre_then_add_i_x)                 P(paciasp, stp_x__pre_then_stp_x)                    \
    P(paciasp, sub_i_x_then_mrs__state)                                                                      \
    P(mov_x, paciasp_then_stp_x__pre)                   P(mov_x, paciasp_then_sub_i_x)                       \
    P(mov_x, paciasp_then_stp_x__pre_then_add_i_x)      P(mov_x, paciasp_then_stp_x__pre_then_stp_x)         \
    P(mov_x, paciasp_then_sub_i_x_then_mrs__state)                                                           \
    P(ldp_x__post, autiasp_then_ret)                    P(add_i_x, autiasp_then_ret)                         \
    P(ldp_x, ldp_x__post_then_autiasp_then_ret)         P(ldp_x, add_i_x_then_autiasp_then_ret)              \
    P(ldr_x_u, ldp_x__post_then_autiasp_then_ret)                                                            \
    P(ldp_x, ldp_x_then_ldp_x__post_then_autiasp_then_ret)                                                   \
    P(ldp_x, ldp_x_then_add_i_x_then_autiasp_then_ret)                                                       \
    /* checking the stack, */                                                                                \
    P(subs_x, movz_x_then_b_ne)                         P(ldr_x_u, subs_x_then_movz_x_then_b_ne)             \
    P(ldr_x_u, ldr_x_u_then_subs_x_then_movz_x_then_b_ne)                                                    \
    P(mrs__state, ldr_x_u_then_ldr_x_u_then_subs_x_then_movz_x_then_b_ne)                                    \
    /* copying, from and to a user too. */                                                                   \
    P(mov_x, mov_x_then_mov_x)                          P(stp_x, stp_x_then_stp_x)                           \
    P(ldp_x, ldp_x_then_ldp_x)                          P(ldr_x_u, mov_x_then_tbz)                           \
    P(ldtr_x, add_i_x_then_str_x__post)                 P(and_i__wide_x, ldtr_x_then_add_i_x_then_str_x__post) \
    P(sttr_x, add_i_x_then_add_i_x)                     P(ldr_x_u, sttr_x_then_add_i_x_then_add_i_x)         \
    P(and_i__wide_x, ldr_x_u_then_sttr_x_then_add_i_x_then_add_i_x)                                          \
    P(ldtr_x, add_i_x_then_stp_x__post)                 P(ldtr_x, ldtr_x_then_add_i_x_then_stp_x__post)      \
    P(sttr_x, add_i_x_then_ldp_x__post)                 P(sttr_x, sttr_x_then_add_i_x_then_ldp_x__post)
/* clang-format on */

#define FOLLOWED(first, second)                                                                              \
    static A64_HANDLER(first##_then_##second)                                                                \
    {                                                                                                        \
        if (unlikely(!do_##first(c, i, bank, pc)))                                                           \
            TAIL return a64_##first(c, i, bank, pc);                                                         \
        TAIL return a64_##second(c, i + 1, bank, pc);                                                        \
    }
PAIRS(FOLLOWED)

#define ROW(first, second) {a64_##first, a64_##second, a64_##first##_then_##second},
static const struct {
    a64_handler *first, *second, *both;
} pairs[] = {PAIRS(ROW)};

a64_handler *a64_followed(const struct a64_insn *first, const struct a64_insn *second)
{
    for (size_t n = 0; n < ARRAY_LEN(pairs); n++) {
        if (pairs[n].first == first->run && pairs[n].second == second->run)
            return pairs[n].both;
    }
    return NULL;
}
