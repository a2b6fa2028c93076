#include "tests/insn/x86_compare.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "cpu/x86_64/kinds.h"

/* --- the table --- */

const struct x86_row x86_rows[] = {
#define INSN(id, map, prefix, opcode, modrm, operands, size, kind, feature, flags)                           \
    {#id,         MAP_##map, PREFIX_##prefix, opcode, MODRM_##modrm, OPS_##operands,                         \
     SIZE_##size, flags,     FEAT_##feature},
#include "cpu/x86_64/insns.def"
#undef INSN
};
const size_t x86_row_count = ARRAY_LEN(x86_rows);

bool x86_id_begins(const char *id, const char *with)
{
    return strncmp(id, with, strlen(with)) == 0;
}

bool x86_id_in(const char *id, const char *const *list)
{
    for (; *list; list++) {
        size_t len = strlen(*list);
        if ((*list)[len - 1] == '*' ? strncmp(id, *list, len - 1) == 0 : strcmp(id, *list) == 0)
            return true;
    }
    return false;
}

/* --- the guest --- */

#define PTE_USER   7u
#define PTE_KERNEL 3u

static void page_map(struct x86_bare *b, uint64_t *tables, uint64_t va, uint64_t pa, uint64_t attributes)
{
    uint64_t table = XB_PAGES;
    for (unsigned shift = 39; shift > 12; shift -= 9) {
        uint64_t at = table + (va >> shift & 511) * 8, entry = xb_load(b, at, 8);
        if (!(entry & 1) || entry & 0x80) {
            entry = *tables | PTE_USER;
            *tables += PAGE_SIZE;
            xb_store(b, at, 8, entry);
        }
        table = entry & ~(uint64_t)0xfff;
    }
    xb_store(b, table + (va >> 12 & 511) * 8, 8, pa | attributes);
}

void x86_twin_open(struct x86_twin *twin)
{
    uint64_t tables = XB_PAGES + 0x10000;
    struct x86_bare *b = twin->b = xb_create("max");
    const struct x86_model *model = x86_model(b->vcpu);
    xb_long(b);
    /* Memory that only the kernel sees, but for the pages of the test. */
    xb_store(b, XB_PAGES, 8, 0);
    for (uint64_t page = 0; page < 0x40000; page += PAGE_SIZE)
        page_map(b, &tables, page, page, PTE_KERNEL);
    twin->code = 0x400000;
    twin->data = 0x500000;
    page_map(b, &tables, NATIVE_CODE, twin->code, PTE_USER);
    for (uint64_t page = 0; page < NATIVE_DATA_SIZE; page += PAGE_SIZE)
        page_map(b, &tables, NATIVE_DATA + page, twin->data + page, PTE_USER);
    /* INT3 is the way out. */
    xb_store(b, XB_IDT + 16 * EXC_BP + 5, 1, 0xee);
    b->s->cr4 |= CR4_OSXSAVE;
    b->s->xcr0 = XCR0_X87 | (x86_model_has(model, FEAT_SSE) ? XCR0_SSE : 0) |
                 (x86_model_has(model, FEAT_AVX) ? XCR0_AVX : 0);
}

/* The tag word that goes with an FXSAVE image's bits: by what the registers hold (SDM vol. 2, FXSAVE). */
static uint16_t tags_expand(const struct x86_state *s, uint8_t bits)
{
    uint16_t tags = 0;
    for (unsigned n = 0; n < 8; n++) {
        unsigned exponent = s->st[n].se & 0x7fff, tag = 0;
        if (exponent == 0 && !s->st[n].mant)
            tag = 1;
        else if (exponent == 0 || exponent == 0x7fff || !(s->st[n].mant >> 63))
            tag = 2;
        tags |= (uint16_t)((bits >> n & 1 ? tag : 3) << 2 * n);
    }
    return tags;
}

void x86_twin_load(struct x86_twin *twin, const struct native_state *in)
{
    struct x86_state *s = twin->b->s;
    xb_user(twin->b);
    memcpy(s->gpr, in->gpr, sizeof(in->gpr));
    s->rflags = in->rflags | FLAG_IF | FLAG_ONE;
    s->fcw = le16_load(in->fx);
    s->fsw = le16_load(in->fx + 2);
    s->mxcsr = le32_load(in->fx + 24);
    s->fop = s->fcs = s->fds = 0;
    s->fip = s->fdp = 0;
    for (unsigned n = 0; n < 8; n++) {
        unsigned physical = ((s->fsw >> 11 & 7) + n) & 7;
        s->st[physical].mant = le64_load(in->fx + 32 + 16 * n);
        s->st[physical].se = le16_load(in->fx + 40 + 16 * n);
    }
    s->ftw = tags_expand(s, in->fx[4]);
    for (unsigned n = 0; n < 16; n++)
        memcpy(&s->vector[n], in->ymm[n], 32);
    x86_state_changed(twin->b->vcpu);
}

int x86_twin_run(struct x86_twin *twin, struct native_state *out)
{
    struct x86_bare *b = twin->b;
    int vector = xb_run(b, NATIVE_CODE);
    bool has_code =
        vector == EXC_PF || vector == EXC_GP || vector == EXC_SS || vector == EXC_AC || vector == EXC_NP;
    unsigned at = has_code ? 1 : 0;
    if (vector < 0)
        return vector;
    memcpy(out->gpr, b->s->gpr, sizeof(out->gpr));
    out->rip = xb_frame(b, at);
    out->rflags = xb_frame(b, at + 2);
    out->gpr[RSP] = xb_frame(b, at + 3);
    return vector;
}

/* --- comparing --- */

unsigned x86_mismatches;

void x86_agree(const char *text, const char *what, uint64_t guest, uint64_t host)
{
    if (guest == host)
        return;
    x86_mismatches++;
    FAIL("%s: %s is %#llx, the host has %#llx", text, what, (unsigned long long)guest,
         (unsigned long long)host);
}

void x86_registers_agree(const char *text, const struct native_state *guest, const struct native_state *host,
                         uint64_t flags)
{
    static const char *const names[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                        "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
    for (unsigned n = 0; n < ARRAY_LEN(names); n++)
        x86_agree(text, names[n], guest->gpr[n], host->gpr[n]);
    x86_agree(text, "flags", guest->rflags & flags, host->rflags & flags);
}

void x86_vectors_agree(const char *text, const struct x86_twin *twin, const struct native_state *host)
{
    const struct x86_state *s = twin->b->s;
    for (unsigned n = 0; n < 64; n++) {
        char name[16];
        snprintf(name, sizeof(name), "ymm%u.%u", n / 4, n % 4);
        x86_agree(text, name, s->vector[n / 4].q[n % 4], le64_load(host->ymm[n / 4] + 8 * (n % 4)));
    }
    x86_agree(text, "mxcsr", s->mxcsr, le32_load(host->fx + 24));
}

/* The first difference says enough. */
void x86_memory_agrees(const char *text, const struct x86_twin *twin)
{
    const uint8_t *guest = twin->b->memory + twin->data, *host = native_data();
    for (uint64_t n = 0; n < NATIVE_DATA_SIZE; n++) {
        if (guest[n] != host[n]) {
            char what[32];
            snprintf(what, sizeof(what), "data[%#x]", (unsigned)n);
            x86_agree(text, what, guest[n], host[n]);
            return;
        }
    }
}

bool x86_fault_agrees(const struct native_state *host, int vector, uint64_t cr2, uint64_t mask)
{
    switch (host->signal) {
    case SIGSEGV: return vector == EXC_GP || (vector == EXC_PF && ((cr2 ^ host->address) & mask) == 0);
    case SIGBUS: return vector == EXC_SS || vector == EXC_AC;
    case SIGFPE: return vector == EXC_DE || vector == EXC_MF || vector == EXC_XM;
    case SIGILL: return vector == EXC_UD;
    case SIGTRAP: return vector == EXC_DB || vector == EXC_BP;
    default: return false;
    }
}
