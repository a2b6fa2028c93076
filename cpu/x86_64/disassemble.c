#include "cpu/x86_64/disassemble.h"

#include <stdio.h>

#if HAVE_CAPSTONE
#include <capstone/capstone.h>

unsigned x86_disassemble_code(unsigned bits, uint64_t pc, const uint8_t *bytes, size_t len, char *text,
                              size_t size)
{
    cs_mode mode = bits == 64 ? CS_MODE_64 : bits == 32 ? CS_MODE_32 : CS_MODE_16;
    csh handle;
    cs_insn *insn;
    unsigned length = 0;
    if (cs_open(CS_ARCH_X86, mode, &handle) != CS_ERR_OK)
        return 0;
    if (cs_disasm(handle, bytes, len, pc, 1, &insn) == 1) {
        snprintf(text, size, "%s %s", insn->mnemonic, insn->op_str);
        length = insn->size;
        cs_free(insn, 1);
    }
    cs_close(&handle);
    return length;
}
#else
unsigned x86_disassemble_code(unsigned bits, uint64_t pc, const uint8_t *bytes, size_t len, char *text,
                              size_t size)
{
    (void)bits, (void)pc, (void)bytes, (void)len;
    snprintf(text, size, "(built without Capstone)");
    return 0;
}
#endif
