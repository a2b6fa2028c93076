/*
 * Every instruction of the table that a process may use, with random operands, compared with the peer emulator: one
 * program is run here on a bare core and there as a process, and the memory it leaves must be the same.
 *
 * The program goes through slots. For each it loads all registers from the slot, runs one instruction, and stores all
 * registers and the slot's scratch memory back. SP holds the slot's address throughout, so no instruction under test
 * uses it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "cpu/aarch64/core.h"
#include "cpu/aarch64/decode.h"
#include "tests/harness/test.h"

#define BASE         0x10000000u
#define SLOT_SIZE    2048u
#define CODE_SIZE    640u /* of one slot, at most */
#define VARIANTS     10   /* of each instruction */
#define SCRATCH_SIZE 320u
#define SP           31u
#define SHOWN        20 /* differences told of */

struct registers {
    uint64_t x[31];
    uint64_t nzcv;
    union aarch64_vector v[32];
    uint64_t fpcr, fpsr;
};

/* A slot. Offsets are immediates of loads and stores. */
struct slot {
    struct registers in;
    uint8_t pad[16];
    uint8_t scratch[SCRATCH_SIZE];
    struct registers out;
    uint8_t rest[SLOT_SIZE - 2 * sizeof(struct registers) - 16 - SCRATCH_SIZE];
};
_Static_assert(sizeof(struct slot) == SLOT_SIZE && sizeof(struct registers) % 16 == 0, "slots are laid out");

/* What a process can't do, what has no fixed result, and what takes more than one instruction. */
static const char *const left_out[] = {
    "svc",   "hvc",   "smc",   "brk",   "hlt",   "dcps1", "dcps2", "dcps3", "eret",   "eretaa", "eretab",
    "drps",  "wfe",   "wfi",   "wfet",  "wfit",  "mrs",   "msr",   "sys",   "sysl",   "sev",    "sevl",
    "pacia", "pacib", "pacda", "pacdb", "pacga", "autia", "autib", "autda", "autdb",  "paciza", "pacizb",
    "pacdza", "pacdzb", "autiza", "autizb", "autdza", "autdzb", "braa", "brab", "braaz", "brabz", "blraa",
    "blrab", "blraaz", "blrabz", "retaa", "retab", "ldraa", "ldrab", "br", "blr", "ret", "adrp", "udf",
    "pacia1716", "pacib1716", "autia1716", "autib1716", "paciasp", "pacibsp", "autiasp", "autibsp", "paciaz",
    "pacibz", "autiaz", "autibz"};

static struct {
    struct a64_decoder *decoder;
    uint8_t *image; /* code, then slots */
    size_t code_len;
    unsigned slots, slots_max;
    uint32_t *insns;
    const char **names;
    struct slot *slot; /* those of the image */
    size_t data_offset, size;
    uint64_t end; /* address of the code behind the last slot */
} program;

static void emit(uint32_t insn)
{
    le32_store(program.image + program.code_len, insn);
    program.code_len += 4;
}

#define IN(field)  (unsigned)(offsetof(struct slot, in) + offsetof(struct registers, field))
#define OUT(field) (unsigned)(offsetof(struct slot, out) + offsetof(struct registers, field))

static void emit_ldr_x(unsigned x, unsigned offset)
{
    emit(0xf9400000 | offset / 8 << 10 | SP << 5 | x);
}

static void emit_str_x(unsigned x, unsigned offset)
{
    emit(0xf9000000 | offset / 8 << 10 | SP << 5 | x);
}

static void emit_ldr_q(unsigned v, unsigned offset)
{
    emit(0x3dc00000 | offset / 16 << 10 | SP << 5 | v);
}

static void emit_str_q(unsigned v, unsigned offset)
{
    emit(0x3d800000 | offset / 16 << 10 | SP << 5 | v);
}

static void emit_mov(unsigned x, uint32_t value)
{
    emit(0xd2800000 | (value & 0xffff) << 5 | x);
    emit(0xf2a00000 | value >> 16 << 5 | x);
}

#define MSR(x, number) emit(0xd5100000 | (number) << 5 | (x))
#define MRS(x, number) emit(0xd5300000 | (number) << 5 | (x))
#define NZCV           A64_SYSREG(1, 3, 4, 2, 0)
#define FPCR           A64_SYSREG(1, 3, 4, 4, 0)
#define FPSR           A64_SYSREG(1, 3, 4, 4, 1)

/* ---- random values ---- */

static uint64_t interesting(void)
{
    static const uint64_t values[] = {0,      1,      2,          0x7f,       0x80,
                                      0x7fff, 0x8000, 0x7fffffff, 0x80000000, 0xffffffff};
    uint64_t r = test_random();
    switch (r % 8) {
    case 0: return values[r / 8 % ARRAY_LEN(values)];
    case 1: return ~values[r / 8 % ARRAY_LEN(values)];
    case 2: return (uint64_t)1 << (r / 8 % 64);
    case 3: return r >> (r / 8 % 64);
    case 4: return (uint64_t)(int64_t)(int32_t)r;
    default: return test_random();
    }
}

/* A number of `exponent_bits` and `fraction_bits`, often a special or borderline one. */
static uint64_t interesting_float(unsigned exponent_bits, unsigned fraction_bits)
{
    uint64_t r = test_random(), top = ((uint64_t)1 << exponent_bits) - 1, exponent = r >> 32 & top;
    uint64_t fraction = test_random() & (((uint64_t)1 << fraction_bits) - 1);
    switch (r % 10) {
    case 0: exponent = 0; break;
    case 1: exponent = top; break;
    case 2:
    case 3:
    case 4: exponent = top / 2 + r / 16 % 70 - 3; break;
    case 5: exponent = top - 1; break;
    case 6: exponent = 1; break;
    default: break;
    }
    switch (r / 256 % 5) {
    case 0: fraction = 0; break;
    case 1: fraction = ((uint64_t)1 << fraction_bits) - 1; break;
    case 2: fraction = (uint64_t)1 << (r / 4096 % fraction_bits); break;
    default: break;
    }
    return (r >> 63) << (exponent_bits + fraction_bits) | (exponent & top) << fraction_bits | fraction;
}

static uint64_t interesting_element(unsigned kind)
{
    switch (kind) {
    case 0: return interesting_float(11, 52);
    case 1: return interesting_float(8, 23) | interesting_float(8, 23) << 32;
    case 2: return (interesting_float(5, 10) | interesting_float(5, 10) << 16) * 0x100000001;
    case 3: return interesting_float(8, 7) * 0x0001000100010001;
    case 4: return (uint64_t)(int64_t)((int)(test_random() % 160) - 80); /* shifts */
    case 5: return interesting() * 0x0001000100010001;
    case 6: return interesting() * 0x0101010101010101;
    default: return interesting();
    }
}

static uint32_t random_fpcr(void)
{
    uint64_t r = test_random();
    if (r % 3 == 0)
        return 0;
    uint32_t optional = 7u << 24 | 1u << 19; /* AHP, DN, FZ, FZ16 */
    return (uint32_t)(r >> 8 & 3u << 22) | (uint32_t)(r >> 32 & r >> 3 & optional);
}

/* Registers, alike in their vectors' format, since most operations want operands of one. */
static void registers_fill(struct registers *in)
{
    for (unsigned n = 0; n < 31; n++)
        in->x[n] = interesting();
    in->nzcv = test_random() & 0xf0000000;
    unsigned kind = (unsigned)(test_random() % 9);
    for (unsigned n = 0; n < 32; n++)
        for (unsigned half = 0; half < 2; half++)
            in->v[n].d[half] = interesting_element(test_random() % 8 ? kind : (unsigned)(test_random() % 9));
    in->fpcr = random_fpcr();
    in->fpsr = test_random() & (test_random() % 2 ? 0x0800009f : 0);
}

/* ---- what instructions need ---- */

static unsigned field(uint32_t insn, unsigned lo, unsigned len)
{
    return (unsigned)bits_get(insn, lo, len);
}

static bool is(const struct a64_row *row, const char *mnemonic)
{
    char name[32];
    a64_row_mnemonic(row, name, sizeof(name));
    return strcmp(name, mnemonic) == 0;
}

static bool is_left_out(const struct a64_row *row)
{
    for (size_t n = 0; n < ARRAY_LEN(left_out); n++)
        if (is(row, left_out[n]))
            return true;
    switch ((enum a64_format)row->format) {
    case FMT_EXC:
    case FMT_BR:
    case FMT_BR_M:
    case FMT_MRS:
    case FMT_MSR:
    case FMT_SYS:
    case FMT_MSR_I:
    case FMT_RT:
    case FMT_MOPS_CPY:
    case FMT_MOPS_SET:
    case FMT_MEM_PAC: return true;
    default: return row->feature == FEAT_RNG;
    }
}

static bool is_jump(const struct a64_row *row)
{
    return row->format == FMT_B || row->format == FMT_CB || row->format == FMT_TB;
}

/* An access through the base register in bits 9:5. */
static bool is_memory(const struct a64_row *row)
{
    switch ((enum a64_format)row->format) {
    case FMT_MEM_U:
    case FMT_MEM_S:
    case FMT_MEM_R:
    case FMT_MEM_PAIR:
    case FMT_MEM_N:
    case FMT_STX:
    case FMT_LDX:
    case FMT_AMO:
    case FMT_CAS:
    case FMT_CASP:
    case FMT_V_SP: return true;
    default: return false;
    }
}

static bool uses_stack_pointer(const struct a64_row *row, uint32_t insn)
{
    unsigned rd = field(insn, 0, 5), rn = field(insn, 5, 5), rm = field(insn, 16, 5);
    switch ((enum a64_format)row->format) {
    case FMT_ADD_I:
    case FMT_ADD_X: return rd == SP || rn == SP;
    case FMT_LOGIC_I: return rd == SP;
    case FMT_ADDS_I:
    case FMT_ADDS_X:
    case FMT_R_SP: return rn == SP;
    case FMT_RRR_SP: return rm == SP;
    default: return is_memory(row) && rn == SP;
    }
}

/* Register combinations that are CONSTRAINED UNPREDICTABLE. */
static bool is_unpredictable(const struct a64_row *row, uint32_t insn)
{
    unsigned rt = field(insn, 0, 5), rn = field(insn, 5, 5), rt2 = field(insn, 10, 5), rs = field(insn, 16, 5);
    bool vector = row->flags & ROW_VREG, load = !(row->flags & ROW_ST);
    switch ((enum a64_format)row->format) {
    case FMT_MEM_S: return (row->flags & ROW_WB) && !vector && rt == rn;
    case FMT_MEM_PAIR:
        return (load && rt == rt2) || ((row->flags & ROW_WB) && !vector && (rt == rn || rt2 == rn));
    case FMT_STX: return rs == rt || rs == rn || rs == rt2;
    case FMT_LDX: return rt == rt2;
    default: return false;
    }
}

/* The immediate offset of an access, in bytes. */
static int64_t access_offset(const struct a64_row *row, uint32_t insn)
{
    bool vector = row->flags & ROW_VREG;
    unsigned scale = field(insn, 30, 2);
    switch ((enum a64_format)row->format) {
    case FMT_MEM_U: return (int64_t)field(insn, 10, 12) << (vector ? scale | field(insn, 23, 1) << 2 : scale);
    case FMT_MEM_S: return row->pattern && field(insn, 10, 2) == 1 && !field(insn, 21, 1) && field(insn, 27, 3) == 7
                               ? 0
                               : sign_extend(field(insn, 12, 9), 9);
    case FMT_MEM_PAIR: {
        bool post = field(insn, 23, 2) == 1;
        return post ? 0 : sign_extend(field(insn, 15, 7), 7) * (1 << (vector ? scale + 2 : scale == 2 ? 3 : 2));
    }
    default: return 0;
    }
}

/* The offset in a register, as extended and shifted. */
static int64_t register_offset(uint32_t insn, uint64_t rm)
{
    bool quad = field(insn, 26, 1) && field(insn, 23, 1);
    unsigned shift = field(insn, 12, 1) ? (quad ? 4 : field(insn, 30, 2)) : 0;
    switch (field(insn, 13, 3)) {
    case 2: rm = (uint32_t)rm; break;
    case 6: rm = (uint64_t)(int64_t)(int32_t)rm; break;
    default: break;
    }
    return (int64_t)(rm << shift);
}

/* Whether a word can be put to the test. */
static bool testable(const struct a64_row *row, uint32_t insn)
{
    if (a64_row_find(program.decoder, insn) != row || is_left_out(row) || uses_stack_pointer(row, insn) ||
        is_unpredictable(row, insn))
        return false;
    switch ((enum a64_format)row->format) {
    case FMT_LOGIC_I:
    case FMT_TEST_I: {
        uint64_t mask = a64_bitmask(field(insn, 10, 13));
        return mask != 0;
    }
    case FMT_ADD_X:
    case FMT_ADDS_X: return field(insn, 10, 3) <= 4;
    case FMT_CASP: return !(field(insn, 0, 1) | field(insn, 16, 1));
    case FMT_MEM_R: return field(insn, 16, 5) != field(insn, 5, 5);
    default: return true;
    }
}

/* Jumps go over the one instruction that is put behind them; literals are among the code that follows. */
static uint32_t displacement_fix(const struct a64_row *row, uint32_t insn)
{
    switch ((enum a64_format)row->format) {
    case FMT_B: return field(insn, 26, 5) == 5 ? (insn & 0xfc000000) | 2 : (insn & 0xff00001f) | 2 << 5;
    case FMT_CB: return (insn & 0xff00001f) | 2 << 5;
    case FMT_TB: return (insn & 0xfff8001f) | 2 << 5;
    case FMT_MEM_LIT: return (insn & 0xff00001f) | (uint32_t)(1 + test_random() % 16) << 5;
    default: return insn;
    }
}

static uint64_t slot_address(unsigned n)
{
    return BASE + program.data_offset + (uint64_t)n * SLOT_SIZE;
}

/* Input registers: as they come, but the base of an access points into the scratch memory. */
static void slot_fill(unsigned n, const struct a64_row *row, uint32_t insn)
{
    struct slot *slot = &program.slot[n];
    unsigned rn = field(insn, 5, 5), rm = field(insn, 16, 5), rd = field(insn, 0, 5);
    registers_fill(&slot->in);
    for (unsigned offset = 0; offset < SCRATCH_SIZE; offset += 8)
        le64_store(&slot->scratch[offset], interesting());
    if (test_random() % 4 == 0 && rm < 31 && rn < 31)
        slot->in.x[rm] = slot->in.x[rn];
    if (test_random() % 4 == 0)
        slot->in.v[rm] = slot->in.v[rn];
    if (!is_memory(row))
        return;
    enum a64_format format = (enum a64_format)row->format;
    bool aligned = format == FMT_STX || format == FMT_LDX || format == FMT_AMO || format == FMT_CAS ||
                   format == FMT_CASP || format == FMT_MEM_N;
    uint64_t place = slot_address(n) + offsetof(struct slot, scratch) + 128 + (aligned ? 0 : test_random() % 64);
    slot->in.x[rn] = place - (uint64_t)access_offset(row, insn);
    if (format == FMT_MEM_R)
        slot->in.x[rn] = place - (uint64_t)register_offset(insn, rm == 31 ? 0 : slot->in.x[rm]);
    /* Let compare-and-swaps succeed. */
    if ((format == FMT_CAS || format == FMT_CASP) && test_random() % 2)
        for (unsigned k = 0; k < 2; k++)
            if (rm + k < 31 && rm + k != rn)
                slot->in.x[rm + k] = le64_load(&slot->scratch[128 + 8 * k]);
    (void)rd;
}

/* The code of one slot: load, run, store, move on. */
static void slot_add(const struct a64_row *row, uint32_t insn)
{
    unsigned n = program.slots++;
    program.insns[n] = insn;
    program.names[n] = row->name;
    slot_fill(n, row, insn);
    for (unsigned v = 0; v < 32; v++)
        emit_ldr_q(v, IN(v) + 16 * v);
    emit_ldr_x(0, IN(fpcr));
    MSR(0, FPCR);
    emit_ldr_x(0, IN(fpsr));
    MSR(0, FPSR);
    emit_ldr_x(0, IN(nzcv));
    MSR(0, NZCV);
    for (unsigned x = 0; x < 31; x++)
        emit_ldr_x(x, IN(x) + 8 * x);
    emit(insn);
    if (is_jump(row))
        emit(0x91000400 | 5 << 5 | 5); /* add x5, x5, #1: jumped over, or not */
    for (unsigned x = 0; x < 31; x++)
        emit_str_x(x, OUT(x) + 8 * x);
    MRS(0, NZCV);
    emit_str_x(0, OUT(nzcv));
    MRS(0, FPSR);
    emit_str_x(0, OUT(fpsr));
    for (unsigned v = 0; v < 32; v++)
        emit_str_q(v, OUT(v) + 16 * v);
    emit(0x91000000 | SLOT_SIZE << 10 | SP << 5 | SP); /* add sp, sp, #SLOT_SIZE */
}

static void program_make(const struct a64_row *rows, size_t count)
{
    program.slots_max = (unsigned)count * VARIANTS;
    program.data_offset = align_up((size_t)program.slots_max * CODE_SIZE + 4096, 4096);
    program.size = program.data_offset + (size_t)program.slots_max * SLOT_SIZE;
    program.image = calloc(1, program.size);
    program.insns = calloc(program.slots_max, sizeof(*program.insns));
    program.names = calloc(program.slots_max, sizeof(*program.names));
    program.slot = (struct slot *)(void *)(program.image + program.data_offset);
    program.code_len = program.slots = 0;
    emit_mov(0, (uint32_t)slot_address(0));
    emit(0x9100001f); /* mov sp, x0 */
    for (size_t r = 0; r < count; r++) {
        for (unsigned done = 0, tries = 0; done < VARIANTS && tries < 50 * VARIANTS; tries++) {
            uint32_t insn = rows[r].match | ((uint32_t)test_random() & ~rows[r].mask);
            insn = displacement_fix(&rows[r], insn);
            if (!testable(&rows[r], insn))
                continue;
            slot_add(&rows[r], insn);
            done++;
        }
    }
    program.end = BASE + program.code_len;
    emit_mov(0, 1); /* write(1, slots, length) */
    emit_mov(1, (uint32_t)slot_address(0));
    emit_mov(2, program.slots * SLOT_SIZE);
    emit_mov(8, 64);
    emit(0xd4000001);
    emit_mov(0, 0); /* exit(0) */
    emit_mov(8, 93);
    emit(0xd4000001);
}

static void program_free(void)
{
    free(program.image);
    free(program.insns);
    free(program.names);
    a64_decoder_destroy(program.decoder);
}

/* ---- running it ---- */

/* An executable file: one segment that holds everything. */
static bool elf_write(FILE *file)
{
    uint8_t head[120] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    le16_store(head + 16, 2);   /* ET_EXEC */
    le16_store(head + 18, 183); /* EM_AARCH64 */
    le32_store(head + 20, 1);
    le64_store(head + 24, BASE); /* entry */
    le64_store(head + 32, 64);   /* program headers */
    le16_store(head + 52, 64);
    le16_store(head + 54, 56);
    le16_store(head + 56, 1);
    le32_store(head + 64, 1); /* PT_LOAD */
    le32_store(head + 68, 7); /* RWX */
    le64_store(head + 72, 4096);
    le64_store(head + 80, BASE);
    le64_store(head + 88, BASE);
    le64_store(head + 96, program.size);
    le64_store(head + 104, program.size);
    le64_store(head + 112, 4096);
    return fwrite(head, sizeof(head), 1, file) == 1 && fseek(file, 4096, SEEK_SET) == 0 &&
           fwrite(program.image, program.size, 1, file) == 1;
}

/* Run the program under the peer; its slots, or NULL and the test failed. */
static struct slot *peer_run(void)
{
    char path[] = "/tmp/triarch-insn-XXXXXX", command[256];
    size_t len = (size_t)program.slots * SLOT_SIZE;
    struct slot *slots = malloc(len);
    int fd = mkstemp(path);
    FILE *file = fd >= 0 ? fdopen(fd, "wb") : NULL;
    bool written = file && elf_write(file);
    if (file)
        fclose(file);
    chmod(path, 0700);
    snprintf(command, sizeof(command), "qemu-aarch64 -cpu max %s", path);
    FILE *output = written ? popen(command, "r") : NULL;
    size_t got = output ? fread(slots, 1, len, output) : 0;
    int status = output ? pclose(output) : -1;
    unlink(path);
    if (got == len && status == 0)
        return slots;
    FAIL("qemu-aarch64 gave %zu of %zu bytes, status %#x", got, len, status);
    free(slots);
    return NULL;
}

/* Run it on a bare core with the same memory. */
static bool core_run(struct slot *slots)
{
    struct physmem mem = {.ram = ram_create()};
    struct host_mutex lock;
    host_mutex_init(&lock);
    mem.mmio = bus_create("mmio", &lock);
    struct clock *clock = clock_create(&(struct clock_config){0});
    struct debug_points points = {.count = 1, .any_break = true};
    points.points[0].address = program.end;
    points.points[0].len = 1;
    points.points[0].access = WALK_FETCH;
    struct ram_block *block = ram_block_create(mem.ram, "program", program.size, NULL);
    ram_map(mem.ram, block, 0, gpa(BASE), program.size, RAM_MAPPED, NULL);
    ram_write(mem.ram, gpa(BASE), program.image, program.size);

    struct error err;
    struct cpu_config config = {.model = "max", .mem = &mem, .clock = clock, .debug = &points};
    struct vcpu *vcpu = aarch64_ops.create(&config, &err);
    if (!vcpu) {
        FAIL("%s", err.text);
        return false;
    }
    struct vcpu_exit exit;
    aarch64_ops.reset(vcpu);
    aarch64_start(vcpu, BASE, 0);
    aarch64_state(vcpu)->cpacr_el1 = 3 << 20; /* FPEN */
    vcpu->slice_end = (uint64_t)program.slots * 200;
    vcpu_run(vcpu, &exit);
    const struct aarch64_state *state = aarch64_state(vcpu);
    bool good = exit.reason == EXIT_DEBUG && aarch64_ops.pc_get(vcpu) == program.end;
    if (!good) {
        uint64_t slot = (state->x[REG_SP] - slot_address(0)) / SLOT_SIZE;
        FAIL("the core stopped with reason %d at %#llx, ESR %#llx, ELR %#llx, FAR %#llx; slot %llu: %s %08x",
             exit.reason, (unsigned long long)state->pc, (unsigned long long)state->esr_el1,
             (unsigned long long)state->elr_el1, (unsigned long long)state->far_el1, (unsigned long long)slot,
             slot < program.slots ? program.names[slot] : "?", slot < program.slots ? program.insns[slot] : 0);
    }
    ram_read(mem.ram, gpa(slot_address(0)), slots, (uint64_t)program.slots * SLOT_SIZE);
    aarch64_ops.destroy(vcpu);
    ram_destroy(mem.ram);
    bus_destroy(mem.mmio);
    clock_destroy(clock);
    host_mutex_destroy(&lock);
    return good;
}

/* ---- comparing ---- */

struct text {
    char text[2048];
    size_t len;
};

static void __attribute__((format(printf, 2, 3))) say(struct text *text, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text->text + text->len, sizeof(text->text) - text->len, fmt, args);
    va_end(args);
    text->len += (size_t)len;
    if (text->len >= sizeof(text->text))
        text->len = sizeof(text->text) - 1;
}

static void say_vector(struct text *text, const char *what, union aarch64_vector v)
{
    say(text, " %s %016llx:%016llx", what, (unsigned long long)v.d[1], (unsigned long long)v.d[0]);
}

/* Tell what differs in one slot. */
static void slot_report(unsigned n, const struct slot *ours, const struct slot *theirs)
{
    struct text text = {.len = 0};
    uint32_t insn = program.insns[n];
    const struct registers *in = &program.slot[n].in, *a = &ours->out, *b = &theirs->out;
    say(&text, "%s %08x fpcr %llx fpsr %llx;", program.names[n], insn, (unsigned long long)in->fpcr,
        (unsigned long long)in->fpsr);
    for (unsigned x = 0; x < 31; x++)
        if (a->x[x] != b->x[x])
            say(&text, " x%u was %llx, is %llx, expected %llx;", x, (unsigned long long)in->x[x],
                (unsigned long long)a->x[x], (unsigned long long)b->x[x]);
    for (unsigned v = 0; v < 32; v++)
        if (memcmp(&a->v[v], &b->v[v], sizeof(a->v[v])) != 0) {
            say(&text, " v%u", v);
            say_vector(&text, "was", in->v[v]);
            say_vector(&text, "is", a->v[v]);
            say_vector(&text, "expected", b->v[v]);
        }
    if (a->nzcv != b->nzcv)
        say(&text, " nzcv is %llx, expected %llx;", (unsigned long long)a->nzcv, (unsigned long long)b->nzcv);
    if (a->fpsr != b->fpsr)
        say(&text, " fpsr is %llx, expected %llx;", (unsigned long long)a->fpsr, (unsigned long long)b->fpsr);
    if (memcmp(ours->scratch, theirs->scratch, SCRATCH_SIZE) != 0)
        say(&text, " memory differs;");
    unsigned rn = field(insn, 5, 5), rm = field(insn, 16, 5), ra = field(insn, 10, 5);
    say(&text, " (x%u %llx, x%u %llx;", rn, (unsigned long long)(rn < 31 ? in->x[rn] : 0), rm,
        (unsigned long long)(rm < 31 ? in->x[rm] : 0));
    say_vector(&text, "n", in->v[rn]);
    say_vector(&text, "m", in->v[rm]);
    say_vector(&text, "a", in->v[ra]);
    FAIL("%s)", text.text);
}

static void agrees_with_the_peer(void)
{
    if (system("qemu-aarch64 --version >/dev/null 2>&1") != 0) {
        SKIP("qemu-aarch64 is missing: scripts/peers fetches it");
        return;
    }
    struct aarch64_model model;
    struct error err;
    if (!CHECK(aarch64_model_parse(&model, "max", &err)))
        return;
    program.decoder = a64_decoder_create(&model);
    size_t count;
    const struct a64_row *rows = a64_rows(program.decoder, &count);
    program_make(rows, count);
    struct slot *ours = malloc((size_t)program.slots * SLOT_SIZE), *theirs = peer_run();
    if (theirs && core_run(ours)) {
        unsigned shown = 0;
        for (unsigned n = 0; n < program.slots && shown < SHOWN; n++) {
            if (memcmp(&ours[n], &theirs[n], SLOT_SIZE) != 0) {
                slot_report(n, &ours[n], &theirs[n]);
                shown++;
            }
        }
    }
    CHECK(program.slots > 15000);
    free(ours);
    free(theirs);
    program_free();
}

static const struct test_case cases[] = {{"agrees_with_the_peer", agrees_with_the_peer}};
TEST_SUITE(aarch64_insn_test, "insn", cases);
