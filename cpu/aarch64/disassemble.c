#include "cpu/aarch64/disassemble.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/bits.h"
#include "base/trace.h"
#include "cpu/aarch64/mmu.h"

#if HAVE_CAPSTONE
#include <capstone/capstone.h>

static bool in_words(uint64_t pc, const uint8_t *bytes, char *text, size_t size)
{
    csh handle;
    cs_insn *insn;
    if (cs_open(CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN, &handle) != CS_ERR_OK)
        return false;
    size_t count = cs_disasm(handle, bytes, 4, pc, 1, &insn);
    if (count) {
        snprintf(text, size, "%s %s", insn->mnemonic, insn->op_str);
        cs_free(insn, count);
    }
    cs_close(&handle);
    return count;
}
#else
static bool in_words(uint64_t pc, const uint8_t *bytes, char *text, size_t size)
{
    (void)pc, (void)bytes, (void)text, (void)size;
    return false;
}
#endif

unsigned aarch64_disassemble(const struct a64_decoder *decoder, uint64_t pc, const uint8_t *bytes, size_t len,
                             char *text, size_t size)
{
    if (len < 4)
        return 0;
    /* Capstone may be older than some of the instructions. */
    uint32_t bits = le32_load(bytes);
    const struct a64_row *row = a64_row_find(decoder, bits);
    if (in_words(pc, bytes, text, size))
        return 4;
    if (row)
        a64_row_mnemonic(row, text, size);
    else
        snprintf(text, size, ".word 0x%08" PRIx32, bits);
    return 4;
}

/* ---- the trace of instructions ---- */

void aarch64_trace_before(struct aarch64_core *c)
{
    char text[96] = "?";
    uint32_t bits = 0;
    struct aarch64_code code = aarch64_fetch(c, c->s.pc);
    if (code.host) {
        bits = le32_load(code.host);
        aarch64_disassemble(c->decoder, c->s.pc, code.host, 4, text, sizeof(text));
    }
    trace_line(TRACE_INSN, (int)c->vcpu.index, "EL%u %016" PRIx64 " %08" PRIx32 "  %s", aarch64_el(c),
               c->s.pc, bits, text);
    memcpy(c->trace_x, c->s.x, sizeof(c->trace_x));
}

void aarch64_trace_after(struct aarch64_core *c)
{
    char text[512];
    int used = 0;
    for (unsigned n = 0; n < REG_COUNT; n++) {
        if (n == REG_ZERO || n == REG_DISCARD || c->s.x[n] == c->trace_x[n] || used > (int)sizeof(text) - 32)
            continue;
        if (n == REG_SP)
            used += snprintf(text + used, sizeof(text) - (size_t)used, " sp=%" PRIx64, c->s.x[n]);
        else
            used += snprintf(text + used, sizeof(text) - (size_t)used, " x%u=%" PRIx64, n, c->s.x[n]);
    }
    if (used)
        trace_line(TRACE_INSN, (int)c->vcpu.index, "   %s", text);
}
