/* Breakpoints and watchpoints, registers as GDB numbers them, and the trace of instructions. */
#include "cpu/x86_64/debug.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/bits.h"
#include "base/trace.h"
#include "cpu/x86_64/blocks.h"
#include "cpu/x86_64/disassemble.h"
#include "cpu/x86_64/flags.h"
#include "cpu/x86_64/mmu.h"
#include "cpu/x86_64/run.h"
#include "cpu/x86_64/xstate.h"

/* ---- the debug registers ---- */

enum dr7_access {
    DR7_EXECUTE,
    DR7_WRITE,
    DR7_IO,
    DR7_READ_WRITE,
};

static bool dr7_enabled(const struct x86_core *c, unsigned n)
{
    return c->s.dr[7] >> (2 * n) & 3;
}

static enum dr7_access dr7_access(const struct x86_core *c, unsigned n)
{
    return (enum dr7_access)(c->s.dr[7] >> (16 + 4 * n) & 3);
}

static unsigned dr7_length(const struct x86_core *c, unsigned n)
{
    static const uint8_t lengths[] = {1, 2, 8, 4};
    return lengths[c->s.dr[7] >> (18 + 4 * n) & 3];
}

/* Breakpoints cover aligned places (SDM vol. 3, 17.2.5). */
static bool dr_covers(const struct x86_core *c, unsigned n, uint64_t va, unsigned len)
{
    unsigned length = dr7_length(c, n);
    return ranges_overlap(align_down(c->s.dr[n], length), length, va, len);
}

/* The debug registers that a data access hits, as bits of DR6. */
static uint32_t dr_data_hits(const struct x86_core *c, uint64_t va, unsigned len, enum walk_access access)
{
    uint32_t hits = 0;
    for (unsigned n = 0; n < 4 && c->s.dr[7] & 0xff; n++) {
        enum dr7_access kind = dr7_access(c, n);
        bool fits = kind == DR7_READ_WRITE || (kind == DR7_WRITE && access == WALK_WRITE);
        if (dr7_enabled(c, n) && fits && access != WALK_FETCH && dr_covers(c, n, va, len))
            hits |= 1u << n;
    }
    return hits;
}

/* There is none behind MOV SS, which holds it back with all else (SDM vol. 3, 6.8.3). */
static uint32_t dr_code_hits(const struct x86_core *c, uint64_t linear)
{
    uint32_t hits = 0;
    if (c->s.shadow == SHADOW_MOV_SS)
        return 0;
    for (unsigned n = 0; n < 4; n++) {
        if (dr7_enabled(c, n) && dr7_access(c, n) == DR7_EXECUTE && c->s.dr[n] == linear)
            hits |= 1u << n;
    }
    return hits;
}

void x86_debug_condition(struct x86_core *c, uint32_t dr6_bits)
{
    c->s.dr[6] = (c->s.dr[6] & ~(uint64_t)DR6_B0_B3) | dr6_bits;
}

void x86_data_hit(struct x86_core *c, uint64_t va, unsigned len, enum walk_access access)
{
    if (likely(!(c->s.dr[7] & 0xff)))
        return;
    uint32_t hits = dr_data_hits(c, va, len, access);
    c->debug_hits |= hits;
    c->leave_after |= hits != 0;
}

void x86_port_hit(struct x86_core *c, uint16_t port, unsigned width)
{
    for (unsigned n = 0; n < 4 && c->s.dr[7] & 0xff && c->s.cr4 & CR4_DE; n++) {
        if (dr7_enabled(c, n) && dr7_access(c, n) == DR7_IO && dr_covers(c, n, port, width)) {
            c->debug_hits |= 1u << n;
            c->leave_after = true;
        }
    }
}

/* ---- the debugger's points ---- */

static bool point_at(const struct x86_core *c, uint64_t linear)
{
    const struct debug_points *debug = c->vcpu.debug;
    for (unsigned n = 0; debug && n < debug->count; n++) {
        if (debug->points[n].access == WALK_FETCH && debug->points[n].address == linear)
            return true;
    }
    return false;
}

bool x86_data_watched(const struct x86_core *c, uint64_t va, unsigned len, enum walk_access access)
{
    return debug_points_watch(c->vcpu.debug, va, len, access) || dr_data_hits(c, va, len, access);
}

bool x86_watch_passes(struct x86_core *c, uint64_t va, unsigned len, enum walk_access access)
{
    if (likely(!debug_points_watch(c->vcpu.debug, va, len, access)) || c->stopped.passing)
        return true;
    *c->exit = (struct vcpu_exit){.reason = EXIT_DEBUG,
                                  .debug = {.address = va, .access = access, .watchpoint = true}};
    c->fault = (struct x86_fault){.vector = FAULT_STOP};
    return false;
}

bool x86_breakpoints_on(const struct x86_core *c)
{
    for (unsigned n = 0; n < 4; n++) {
        if (dr7_enabled(c, n) && dr7_access(c, n) == DR7_EXECUTE)
            return true;
    }
    return c->vcpu.debug && c->vcpu.debug->any_break;
}

/* Blocks are known by physical address, so only the place in the page counts here. */
bool x86_may_break(const struct x86_core *c, uint64_t linear)
{
    const struct debug_points *debug = c->vcpu.debug;
    for (unsigned n = 0; debug && n < debug->count; n++) {
        if (debug->points[n].access == WALK_FETCH && ((debug->points[n].address ^ linear) & ~PAGE_MASK) == 0)
            return true;
    }
    for (unsigned n = 0; n < 4; n++) {
        if (dr7_enabled(c, n) && dr7_access(c, n) == DR7_EXECUTE && ((c->s.dr[n] ^ linear) & ~PAGE_MASK) == 0)
            return true;
    }
    return false;
}

bool x86_code_break(struct x86_core *c, uint64_t linear)
{
    /* Right behind a load of SS a breakpoint is passed over (SDM vol. 3, 18.3.1.1). */
    uint32_t hits = c->s.shadow == SHADOW_MOV_SS ? 0 : dr_code_hits(c, linear);
    if (point_at(c, linear)) {
        *c->exit =
            (struct vcpu_exit){.reason = EXIT_DEBUG, .debug = {.address = linear, .access = WALK_FETCH}};
        c->leaving = true;
        c->stopped.valid = true;
        c->stopped.linear = linear;
        c->stopped.icount = c->vcpu.icount;
        return true;
    }
    if (!hits)
        return false;
    x86_debug_condition(c, hits);
    c->s.dr[7] &= ~(uint64_t)DR7_GD;
    x86_fault(c, EXC_DB);
    x86_exception(c);
    return true;
}

/* The outer loop looks at every instruction that comes first. */
X86_HANDLER(x86_break_check)
{
    uint64_t linear = x86_code_linear(c, x86_rip(i, pc));
    if (!point_at(c, linear) && !dr_code_hits(c, linear))
        TAIL return x86_next(c, i, bank, pc);
    c->vcpu.icount -= i->left;
    c->s.rip = x86_rip(i, pc) & x86_rip_mask(c);
    x86_resync(c);
    return x86_leave();
}

/* ---- registers ---- */

/* GDB's numbers in its own order of features. */
enum {
    GDB_GPR = 0,
    GDB_RIP = 16,
    GDB_EFLAGS = 17,
    GDB_SEGMENTS = 18,
    GDB_ST = 24,
    GDB_FCTRL = 32,
    GDB_XMM = 40,
    GDB_MXCSR = 56,
    GDB_FS_BASE = 57,
    GDB_YMM_UPPER = 59,
    GDB_CR = 75,
    GDB_COUNT = 81,
};

#define CORE    "org.gnu.gdb.i386.core"
#define SSE     "org.gnu.gdb.i386.sse"
#define AVX     "org.gnu.gdb.i386.avx"
#define BASES   "org.gnu.gdb.i386.segments"
#define CONTROL "org.gnu.gdb.i386.control"

#define GPR(n, name, type)                                                                                   \
    {                                                                                                        \
        name, type, 64, GDB_GPR + (n), "general", CORE                                                       \
    }
#define SEG(n, name)                                                                                         \
    {                                                                                                        \
        name, "int32", 32, GDB_SEGMENTS + (n), "general", CORE                                               \
    }
#define ST(n)                                                                                                \
    {                                                                                                        \
        "st" #n, "i387_ext", 80, GDB_ST + (n), "float", CORE                                                 \
    }
#define FP(n, name)                                                                                          \
    {                                                                                                        \
        name, "int", 32, GDB_FCTRL + (n), "float", CORE                                                      \
    }
#define XMM(n)                                                                                               \
    {                                                                                                        \
        "xmm" #n, "vec128", 128, GDB_XMM + (n), "vector", SSE                                                \
    }
#define YMM(n)                                                                                               \
    {                                                                                                        \
        "ymm" #n "h", "uint128", 128, GDB_YMM_UPPER + (n), "vector", AVX                                     \
    }
#define CR(n, name)                                                                                          \
    {                                                                                                        \
        name, "int64", 64, GDB_CR + (n), "system", CONTROL                                                   \
    }

static const struct debug_register registers[] = {
    GPR(0, "rax", "int64"),
    GPR(1, "rbx", "int64"),
    GPR(2, "rcx", "int64"),
    GPR(3, "rdx", "int64"),
    GPR(4, "rsi", "int64"),
    GPR(5, "rdi", "int64"),
    GPR(6, "rbp", "data_ptr"),
    GPR(7, "rsp", "data_ptr"),
    GPR(8, "r8", "int64"),
    GPR(9, "r9", "int64"),
    GPR(10, "r10", "int64"),
    GPR(11, "r11", "int64"),
    GPR(12, "r12", "int64"),
    GPR(13, "r13", "int64"),
    GPR(14, "r14", "int64"),
    GPR(15, "r15", "int64"),
    {"rip", "code_ptr", 64, GDB_RIP, "general", CORE},
    {"eflags", "int32", 32, GDB_EFLAGS, "general", CORE},
    SEG(0, "cs"),
    SEG(1, "ss"),
    SEG(2, "ds"),
    SEG(3, "es"),
    SEG(4, "fs"),
    SEG(5, "gs"),
    ST(0),
    ST(1),
    ST(2),
    ST(3),
    ST(4),
    ST(5),
    ST(6),
    ST(7),
    FP(0, "fctrl"),
    FP(1, "fstat"),
    FP(2, "ftag"),
    FP(3, "fiseg"),
    FP(4, "fioff"),
    FP(5, "foseg"),
    FP(6, "fooff"),
    FP(7, "fop"),
    XMM(0),
    XMM(1),
    XMM(2),
    XMM(3),
    XMM(4),
    XMM(5),
    XMM(6),
    XMM(7),
    XMM(8),
    XMM(9),
    XMM(10),
    XMM(11),
    XMM(12),
    XMM(13),
    XMM(14),
    XMM(15),
    {"mxcsr", "int32", 32, GDB_MXCSR, "vector", SSE},
    {"fs_base", "int64", 64, GDB_FS_BASE, "general", BASES},
    {"gs_base", "int64", 64, GDB_FS_BASE + 1, "general", BASES},
    YMM(0),
    YMM(1),
    YMM(2),
    YMM(3),
    YMM(4),
    YMM(5),
    YMM(6),
    YMM(7),
    YMM(8),
    YMM(9),
    YMM(10),
    YMM(11),
    YMM(12),
    YMM(13),
    YMM(14),
    YMM(15),
    CR(0, "cr0"),
    CR(1, "cr2"),
    CR(2, "cr3"),
    CR(3, "cr4"),
    CR(4, "efer"),
    CR(5, "kernel_gs_base"),
};
_Static_assert(ARRAY_LEN(registers) == GDB_COUNT, "a row for each number");

/* GDB's order of the general registers, in ours. */
static const uint8_t gdb_gpr[] = {RAX, RBX, RCX, RDX, RSI, RDI, RBP, RSP, 8, 9, 10, 11, 12, 13, 14, 15};
static const uint8_t gdb_segment[] = {CS, SS, DS, ES, FS, GS};

const struct debug_register *x86_registers(struct vcpu *vcpu, size_t *count)
{
    (void)vcpu;
    *count = ARRAY_LEN(registers);
    return registers;
}

/* A register that is a 64-bit variable, or NULL. */
static uint64_t *variable(struct x86_core *c, unsigned number)
{
    uint64_t *control[] = {&c->s.cr0, &c->s.cr2, &c->s.cr3, &c->s.cr4, &c->s.efer, &c->s.kernel_gs_base};
    if (number < GDB_RIP)
        return &c->s.gpr[gdb_gpr[number]];
    if (number == GDB_RIP)
        return &c->s.rip;
    if (number == GDB_FS_BASE || number == GDB_FS_BASE + 1)
        return &c->s.seg[number == GDB_FS_BASE ? FS : GS].base;
    if (number >= GDB_CR && number < GDB_COUNT)
        return control[number - GDB_CR];
    return NULL;
}

static uint32_t fp_register(const struct x86_core *c, unsigned n)
{
    const uint32_t values[] = {c->s.fcw,           c->s.fsw, c->s.ftw,           c->s.fcs,
                               (uint32_t)c->s.fip, c->s.fds, (uint32_t)c->s.fdp, c->s.fop};
    return values[n];
}

bool x86_register_get(struct vcpu *vcpu, unsigned number, uint8_t *out)
{
    struct x86_core *c = x86_core_of(vcpu);
    const uint64_t *plain = variable(c, number);
    if (plain) {
        le64_store(out, *plain);
    } else if (number == GDB_EFLAGS) {
        le32_store(out, (uint32_t)c->s.rflags);
    } else if (number < GDB_ST) {
        le32_store(out, c->s.seg[gdb_segment[number - GDB_SEGMENTS]].selector);
    } else if (number < GDB_FCTRL) {
        const struct x86_st *st = &c->s.st[((c->s.fsw >> 11 & 7) + number - GDB_ST) & 7];
        le64_store(out, st->mant);
        le16_store(out + 8, st->se);
    } else if (number < GDB_XMM) {
        le32_store(out, fp_register(c, number - GDB_FCTRL));
    } else if (number < GDB_MXCSR) {
        memcpy(out, &c->s.vector[number - GDB_XMM], 16);
    } else if (number == GDB_MXCSR) {
        le32_store(out, c->s.mxcsr);
    } else if (number >= GDB_YMM_UPPER && number < GDB_CR) {
        memcpy(out, &c->s.vector[number - GDB_YMM_UPPER].q[2], 16);
    } else {
        return false;
    }
    return true;
}

/* Registers whose change means more than the value are left to the guest: control registers, selectors. */
bool x86_register_set(struct vcpu *vcpu, unsigned number, const uint8_t *in)
{
    struct x86_core *c = x86_core_of(vcpu);
    uint64_t *plain = variable(c, number);
    if (plain && number < GDB_CR) {
        *plain = le64_load(in);
    } else if (number == GDB_EFLAGS) {
        uint64_t fixed = FLAG_VM | FLAG_ONE;
        c->s.rflags = (c->s.rflags & fixed) | (le32_load(in) & FLAGS_ALL & ~fixed);
    } else if (number >= GDB_ST && number < GDB_FCTRL) {
        struct x86_st *st = &c->s.st[((c->s.fsw >> 11 & 7) + number - GDB_ST) & 7];
        st->mant = le64_load(in);
        st->se = le16_load(in + 8);
    } else if (number >= GDB_XMM && number < GDB_MXCSR) {
        memcpy(&c->s.vector[number - GDB_XMM], in, 16);
    } else if (number == GDB_MXCSR) {
        c->s.mxcsr = le32_load(in) & MXCSR_MASK;
    } else if (number >= GDB_YMM_UPPER && number < GDB_CR) {
        memcpy(&c->s.vector[number - GDB_YMM_UPPER].q[2], in, 16);
    } else {
        return false;
    }
    x86_resync(c);
    return true;
}

/* ---- disassembly and the trace ---- */

unsigned x86_disassemble(struct vcpu *vcpu, uint64_t pc, const uint8_t *bytes, size_t len, char *text,
                         size_t size)
{
    const struct x86_core *c = x86_core_of(vcpu);
    bool code64 = x86_long_mode(c) && c->s.seg[CS].attributes & SEG_L;
    unsigned bits = code64 ? 64 : c->s.seg[CS].attributes & SEG_DB ? 32 : 16;
    return x86_disassemble_code(bits, pc, bytes, len, text, size);
}

void x86_trace_insn(struct x86_core *c)
{
    uint8_t bytes[X86_LENGTH_MAX];
    char text[96] = "?";
    unsigned len = 0;
    for (; len < sizeof(bytes); len++) {
        struct x86_code code = x86_fetch(c, x86_code_linear(c, c->s.rip + len));
        if (!code.host)
            break;
        bytes[len] = *code.host;
    }
    x86_disassemble(&c->vcpu, c->s.rip, bytes, len, text, sizeof(text));
    trace_line(TRACE_INSN, (int)c->vcpu.index, "%u %04x:%016" PRIx64 " %-40s", c->s.cpl,
               c->s.seg[CS].selector, c->s.rip, text);
    trace_line(TRACE_INSN, (int)c->vcpu.index,
               "   a=%" PRIx64 " b=%" PRIx64 " c=%" PRIx64 " d=%" PRIx64 " si=%" PRIx64 " di=%" PRIx64
               " bp=%" PRIx64 " sp=%" PRIx64 " f=%" PRIx64,
               c->s.gpr[RAX], c->s.gpr[RBX], c->s.gpr[RCX], c->s.gpr[RDX], c->s.gpr[RSI], c->s.gpr[RDI],
               c->s.gpr[RBP], c->s.gpr[RSP], x86_flags_get(c));
}
