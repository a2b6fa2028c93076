/* The stack: PUSH, POP and all that is made of them, but for segment registers (segment.c). */
#include "cpu/x86_64/far.h"
#include "cpu/x86_64/flags.h"
#include "cpu/x86_64/kinds.h"
#include "cpu/x86_64/segment.h"

/* ---- 64-bit mode, 64-bit operands ---- */

static COLD X86_HANDLER(push_slow)
{
    uint64_t sp = c->s.gpr[RSP] - 8;
    if (!x86_write(c, SS, sp, 8, c->pushed))
        TAIL return x86_raise(c, i, bank, pc);
    c->s.gpr[RSP] = sp;
    TAIL return x86_next_slow(c, i, bank, pc);
}

#define PUSH(name, value)                                                                                    \
    X86_HANDLER(x86_##name)                                                                                  \
    {                                                                                                        \
        uint64_t sp = c->s.gpr[RSP] - 8, v = value;                                                          \
        void *p = tlb_write_hit(bank, sp, 8);                                                                \
        if (unlikely(!p)) {                                                                                  \
            c->pushed = v;                                                                                   \
            TAIL return push_slow(c, i, bank, pc);                                                           \
        }                                                                                                    \
        x86_host_store(p, 8, v);                                                                             \
        c->s.gpr[RSP] = sp;                                                                                  \
        TAIL return x86_next(c, i, bank, pc);                                                                \
    }
PUSH(push_r_f, c->s.gpr[i->rm])
PUSH(push_i_f, (uint64_t)(int64_t)i->imm)
PUSH(push_e_r, c->s.gpr[i->rm])

X86_HANDLER(x86_push_e_m)
{
    struct x86_loaded loaded = x86_read(c, i->seg, x86_offset(c, i, pc), 8);
    c->pushed = loaded.value;
    if (!loaded.ok)
        TAIL return x86_raise(c, i, bank, pc);
    TAIL return push_slow(c, i, bank, pc);
}

static COLD X86_HANDLER(pop_slow)
{
    struct x86_loaded loaded = x86_read(c, SS, c->s.gpr[RSP], 8);
    if (!loaded.ok)
        TAIL return x86_raise(c, i, bank, pc);
    c->s.gpr[RSP] += 8;
    c->s.gpr[i->rm] = loaded.value;
    TAIL return x86_next_slow(c, i, bank, pc);
}

X86_HANDLER(x86_pop_r_f)
{
    const void *p = tlb_read_hit(bank, c->s.gpr[RSP], 8);
    if (unlikely(!p))
        TAIL return pop_slow(c, i, bank, pc);
    uint64_t v = x86_host_load(p, 8);
    c->s.gpr[RSP] += 8;
    c->s.gpr[i->rm] = v;
    TAIL return x86_next(c, i, bank, pc);
}

static COLD X86_HANDLER(leave_slow)
{
    uint64_t frame = c->s.gpr[RBP];
    struct x86_loaded loaded = x86_read(c, SS, frame, 8);
    if (!loaded.ok)
        TAIL return x86_raise(c, i, bank, pc);
    c->s.gpr[RSP] = frame + 8;
    c->s.gpr[RBP] = loaded.value;
    TAIL return x86_next_slow(c, i, bank, pc);
}

X86_HANDLER(x86_leave_f)
{
    uint64_t frame = c->s.gpr[RBP];
    const void *p = tlb_read_hit(bank, frame, 8);
    if (unlikely(!p))
        TAIL return leave_slow(c, i, bank, pc);
    c->s.gpr[RSP] = frame + 8;
    c->s.gpr[RBP] = x86_host_load(p, 8);
    TAIL return x86_next(c, i, bank, pc);
}

/* ---- other modes and sizes ---- */

static void stack_set(struct x86_core *c, uint64_t sp)
{
    c->s.gpr[RSP] = c->stack_mask == 0xffffffff ? sp & 0xffffffff
                                                : (c->s.gpr[RSP] & ~c->stack_mask) | (sp & c->stack_mask);
}

static bool push(struct x86_core *c, unsigned width, uint64_t value)
{
    uint64_t sp = (c->s.gpr[RSP] - width) & c->stack_mask;
    if (!x86_write(c, SS, sp, width, value))
        return false;
    stack_set(c, sp);
    return true;
}

static bool pop(struct x86_core *c, unsigned width, uint64_t *value)
{
    struct x86_loaded loaded = x86_read(c, SS, c->s.gpr[RSP] & c->stack_mask, width);
    if (!loaded.ok)
        return false;
    *value = loaded.value;
    stack_set(c, c->s.gpr[RSP] + width);
    return true;
}

X86_DO(push_r_c)
{
    return push(c, 1u << i->opsize, c->s.gpr[i->rm]);
}
X86_HELPER(push_r_c)

X86_DO(push_i_c)
{
    return push(c, 1u << i->opsize, (uint64_t)(int64_t)i->imm);
}
X86_HELPER(push_i_c)

X86_DO(push_e_c)
{
    struct x86_loaded loaded = {.value = c->s.gpr[i->rm], .ok = true};
    if (i->flags & INSN_MEM)
        loaded = x86_read(c, i->seg, x86_operand_offset(c, i), 1u << i->opsize);
    return loaded.ok && push(c, 1u << i->opsize, loaded.value);
}
X86_HELPER(push_e_c)

X86_DO(pop_r_c)
{
    uint64_t value;
    if (!pop(c, 1u << i->opsize, &value))
        return false;
    x86_operand_reg_set(c, i->rm, i->opsize, value);
    return true;
}
X86_HELPER(pop_r_c)

/* An address made with RSP uses its value after the pop. */
X86_DO(pop_e)
{
    uint64_t old = c->s.gpr[RSP], value;
    if (!pop(c, 1u << i->opsize, &value))
        return false;
    if (!(i->flags & INSN_MEM)) {
        x86_operand_reg_set(c, i->rm, i->opsize, value);
        return true;
    }
    if (x86_write(c, i->seg, x86_operand_offset(c, i), 1u << i->opsize, value))
        return true;
    c->s.gpr[RSP] = old;
    return false;
}
X86_HELPER(pop_e)

X86_DO(leave_c)
{
    unsigned width = 1u << i->opsize;
    struct x86_loaded loaded = x86_read(c, SS, c->s.gpr[RBP] & c->stack_mask, width);
    if (!loaded.ok)
        return false;
    stack_set(c, c->s.gpr[RBP] + width);
    x86_operand_reg_set(c, RBP, i->opsize, loaded.value);
    return true;
}
X86_HELPER(leave_c)

X86_DO(enter)
{
    unsigned width = 1u << i->opsize, level = (unsigned)i->disp & 31;
    struct x86_stack stack = x86_stack_current(c), check;
    uint64_t frame, display = c->s.gpr[RBP];
    if (!x86_stack_push(c, &stack, width, c->s.gpr[RBP]))
        return false;
    frame = (c->s.gpr[RSP] & ~c->stack_mask) | stack.sp;
    for (unsigned n = 1; n < level; n++) {
        display -= width;
        struct x86_loaded loaded = x86_read(c, SS, display & c->stack_mask, width);
        if (!loaded.ok || !x86_stack_push(c, &stack, width, loaded.value))
            return false;
    }
    if (level && !x86_stack_push(c, &stack, width, frame))
        return false;
    stack.sp -= (uint64_t)i->imm;
    check = stack;
    if (!x86_write_check(c, SS, check.sp & c->stack_mask, width))
        return false;
    stack_set(c, stack.sp);
    x86_operand_reg_set(c, RBP, i->opsize, frame);
    return true;
}
X86_HELPER(enter)

X86_DO(pusha)
{
    unsigned width = 1u << i->opsize;
    struct x86_stack stack = x86_stack_current(c);
    for (unsigned n = RAX; n <= RDI; n++) {
        if (!x86_stack_push(c, &stack, width, c->s.gpr[n]))
            return false;
    }
    x86_stack_commit(c, &stack);
    return true;
}
X86_HELPER(pusha)

X86_DO(popa)
{
    unsigned width = 1u << i->opsize;
    struct x86_stack stack = x86_stack_current(c);
    uint64_t values[8];
    for (unsigned n = 8; n-- > 0;) {
        if (!x86_stack_pop(c, &stack, width, &values[n]))
            return false;
    }
    for (unsigned n = RAX; n <= RDI; n++) {
        if (n != RSP)
            x86_operand_reg_set(c, n, i->opsize, values[n]);
    }
    x86_stack_commit(c, &stack);
    return true;
}
X86_HELPER(popa)

/* ---- flags ---- */

/* A virtual-8086 program with IOPL below 3: whether VME has VIF stand for IF, or it is #GP(0). */
static bool v86_virtual(struct x86_core *c, const struct x86_insn *i, bool *virtual_if)
{
    *virtual_if = x86_v86(c) && x86_iopl(c) < 3;
    return !*virtual_if || (c->s.cr4 & CR4_VME && i->opsize == 1) || x86_fault_gp(c, 0);
}

X86_DO(pushf)
{
    bool virtual_if;
    uint64_t flags = x86_flags_get(c) & ~(FLAG_VM | FLAG_RF);
    if (!v86_virtual(c, i, &virtual_if))
        return false;
    if (virtual_if)
        flags = (flags & ~FLAG_IF) | FLAG_IOPL | (flags & FLAG_VIF ? FLAG_IF : 0);
    return push(c, 1u << i->opsize, flags);
}
X86_HELPER(pushf)

static bool popf_virtual(struct x86_core *c, uint64_t flags)
{
    if (flags & FLAG_TF || (flags & FLAG_IF && c->s.rflags & FLAG_VIP))
        return x86_fault_gp(c, 0);
    flags = (flags & ~FLAG_VIF) | (flags & FLAG_IF ? FLAG_VIF : 0);
    x86_flags_write(c, FLAGS_STATUS | FLAG_TF | FLAG_DF | FLAG_NT | FLAG_VIF, flags);
    return true;
}

X86_DO(popf)
{
    bool virtual_if;
    uint64_t old = c->s.gpr[RSP], flags;
    if (!v86_virtual(c, i, &virtual_if) || !pop(c, 1u << i->opsize, &flags))
        return false;
    if (virtual_if && !popf_virtual(c, flags)) {
        c->s.gpr[RSP] = old;
        return false;
    }
    if (!virtual_if) {
        /* In virtual-8086 mode with IOPL 3, CPL and IOPL allow IF and not IOPL, as they should. */
        x86_flags_write(c, x86_flags_popped(c, 1u << i->opsize) | FLAG_RF, flags & ~FLAG_RF);
    }
    return true;
}
X86_SYSTEM(popf)
