#include "cpu/riscv64/disassemble.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "cpu/riscv64/csr.h"
#include "cpu/riscv64/decode.h"

const char *const riscv_x_names[32] = {"zero", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
                                       "a1",   "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
                                       "s6",   "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"};
const char *const riscv_f_names[32] = {"ft0", "ft1", "ft2",  "ft3",  "ft4", "ft5", "ft6",  "ft7",
                                       "fs0", "fs1", "fa0",  "fa1",  "fa2", "fa3", "fa4",  "fa5",
                                       "fa6", "fa7", "fs2",  "fs3",  "fs4", "fs5", "fs6",  "fs7",
                                       "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11"};

/* An instruction being put into words. */
struct words {
    const struct riscv_model *model;
    const struct riscv_insn *insn; /* decoded at offset 0 */
    uint32_t bits;                 /* the 32-bit form */
    uint64_t pc;
    char *text;
    size_t size;
};

/*
 * What a format prints, letter by letter: d s t are rd rs1 rs2 as integer registers, D S T R as
 * floating-point ones (R: rs3); i the immediate; u an upper immediate; p an absolute target; c a CSR; z the
 * immediate in rs1; f fence sets; r the rounding mode unless dynamic; other characters stand for themselves.
 */
static const char *const patterns[] = {
    [FMT_NONE] = "",          [FMT_R] = "d,s,t",      [FMT_R1] = "d,s",        [FMT_I] = "d,s,i",
    [FMT_SHIFT6] = "d,s,i",   [FMT_SHIFT5] = "d,s,i", [FMT_RNUM] = "d,s,i",    [FMT_U] = "d,u",
    [FMT_AUIPC] = "d,u",      [FMT_J] = "d,p",        [FMT_B] = "s,t,p",       [FMT_LOAD] = "d,i(s)",
    [FMT_STORE] = "t,i(s)",   [FMT_CSR] = "d,c,s",    [FMT_CSRI] = "d,c,z",    [FMT_FENCE] = "f",
    [FMT_RS1_RS2] = "s,t",    [FMT_AMO] = "d,t,(s)",  [FMT_LR] = "d,(s)",      [FMT_CBO] = "(s)",
    [FMT_PREFETCH] = "i(s)",  [FMT_FLOAD] = "D,i(s)", [FMT_FSTORE] = "T,i(s)", [FMT_F_FFF] = "D,S,T,Rr",
    [FMT_F_FF_RM] = "D,S,Tr", [FMT_F_FF] = "D,S,T",   [FMT_F_F_RM] = "D,Sr",   [FMT_F_F] = "D,S",
    [FMT_X_FF] = "d,S,T",     [FMT_X_F_RM] = "d,Sr",  [FMT_X_F] = "d,S",       [FMT_F_X_RM] = "D,sr",
    [FMT_F_X] = "D,s",        [FMT_F_XX] = "D,s,t",   [FMT_F_I] = "D,z",       [FMT_MOP_R] = "d,s",
};

static void fence_print(struct words *w)
{
    static const char letters[] = "iorw";
    char sets[2][5] = {{0}};
    for (unsigned set = 0; set < 2; set++) {
        unsigned bits = (unsigned)bits_get(w->bits, set ? 20 : 24, 4), n = 0;
        for (unsigned i = 0; i < 4; i++) {
            if (bits >> (3 - i) & 1)
                sets[set][n++] = letters[i];
        }
        if (!n)
            sets[set][0] = '0';
    }
    snprintf(w->text, w->size, "%s,%s", sets[0], sets[1]);
}

/* Print the operand a letter stands for at w->text. */
static void operand_print(struct words *w, char letter)
{
    static const char *const modes[8] = {",rne", ",rtz", ",rdn", ",rup", ",rmm", "", "", ""};
    const struct riscv_insn *insn = w->insn;
    char name[32];
    switch (letter) {
    case 'd': snprintf(w->text, w->size, "%s", riscv_x_names[insn->rd & 31]); break;
    case 's': snprintf(w->text, w->size, "%s", riscv_x_names[insn->rs1]); break;
    case 't': snprintf(w->text, w->size, "%s", riscv_x_names[insn->rs2]); break;
    case 'D': snprintf(w->text, w->size, "%s", riscv_f_names[insn->rd & 31]); break;
    case 'S': snprintf(w->text, w->size, "%s", riscv_f_names[insn->rs1]); break;
    case 'T': snprintf(w->text, w->size, "%s", riscv_f_names[insn->rs2]); break;
    case 'R': snprintf(w->text, w->size, "%s", riscv_f_names[insn->imm >> 8 & 31]); break;
    case 'i': snprintf(w->text, w->size, "%" PRId32, insn->imm); break;
    case 'u': snprintf(w->text, w->size, "%#" PRIx32, w->bits >> 12); break;
    case 'p': snprintf(w->text, w->size, "%#" PRIx64, w->pc + (uint64_t)(int64_t)insn->imm); break;
    case 'z': snprintf(w->text, w->size, "%u", insn->rs1); break;
    case 'f': fence_print(w); break;
    case 'r': snprintf(w->text, w->size, "%s", modes[insn->imm & 7]); break;
    case 'c':
        if (riscv_csr_name(w->model, (unsigned)insn->imm, name, sizeof(name)))
            snprintf(w->text, w->size, "%s", name);
        else
            snprintf(w->text, w->size, "%#" PRIx32, insn->imm);
        break;
    default: snprintf(w->text, w->size, "%c", letter); break;
    }
    size_t used = strlen(w->text);
    w->text += used;
    w->size -= used;
}

static void mnemonic_print(struct words *w, const char *id)
{
    char name[32];
    size_t n = 0;
    for (; id[n] && n < sizeof(name) - 1; n++)
        name[n] = id[n] == '_' ? '.' : id[n];
    name[n] = 0;
    snprintf(w->text, w->size, "%-12s ", name);
    size_t used = strlen(w->text);
    w->text += used;
    w->size -= used;
}

unsigned riscv_disassemble(const struct riscv_model *model, uint64_t pc, const uint8_t *bytes, size_t len,
                           char *text, size_t size)
{
    if (len < 2 || size == 0)
        return 0;
    unsigned length = riscv_length(le16_load(bytes));
    if (len < length)
        return 0;
    uint32_t raw = length == 4 ? le32_load(bytes) : le16_load(bytes);
    uint32_t bits = length == 4 ? raw : riscv_expand(model, (uint16_t)raw);
    const struct riscv_row *row = riscv_row_find(model, bits);
    struct riscv_insn insn;
    if (!row || !riscv_operands(row, bits, &insn)) {
        snprintf(text, size, length == 4 ? ".word        0x%08" PRIx32 : ".half        0x%04" PRIx32, raw);
        return length;
    }
    struct words words = {model, &insn, bits, pc, text, size};
    mnemonic_print(&words, row->id);
    for (const char *letter = patterns[row->format]; *letter; letter++)
        operand_print(&words, *letter);
    while (words.text > text && words.text[-1] == ' ')
        *--words.text = 0;
    return length;
}
