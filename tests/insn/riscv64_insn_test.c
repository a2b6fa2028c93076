/*
 * Every user-level instruction of the table with random operands, compared with the peer emulator: one
 * program is run here on a bare core and there as a process, and the memory it leaves must be the same.
 *
 * The program goes through slots. For each it loads all registers from the slot, runs one instruction, and
 * stores all registers and the slot's scratch memory back. x31 holds the slot's address throughout, so no
 * instruction under test uses it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "cpu/riscv64/core.h"
#include "cpu/riscv64/decode.h"
#include "tests/harness/test.h"
#include "tests/insn/peer.h"

#define BASE         0x10000000u
#define SLOT_SIZE    2048u
#define CODE_SIZE    1024u /* of one slot, at most */
#define VARIANTS     24    /* of each instruction */
#define COMPRESSED   6000  /* random ones */
#define SLOTS_MAX    16000u
#define SCRATCH_SIZE 256u
#define POINTER      31

/* A slot. Offsets are immediates of loads and stores. */
struct slot {
    uint64_t x[32], f[32], fcsr;
    uint8_t pad[56];
    uint8_t scratch[SCRATCH_SIZE];
    uint64_t x_out[32], f_out[32], fcsr_out;
    uint8_t rest[SLOT_SIZE - 4 * 256 - 2 * 8 - 56 - SCRATCH_SIZE];
};
_Static_assert(sizeof(struct slot) == SLOT_SIZE && offsetof(struct slot, scratch) % 64 == 0,
               "slots are laid out");

struct row {
    const char *id;
    uint32_t match, mask;
    enum riscv_format format;
};

static const struct row rows[] = {
#define INSN(id, match, mask, format, ext, flags) {#id, match, mask, FMT_##format},
#include "cpu/riscv64/insns.def"
#undef INSN
};

/* What a process can't do, what has no fixed result, and what isn't there to be compared. */
static const char *const left_out[] = {
    "ecall",          "ebreak",          "mret",    "sret",    "wfi",       "sfence_vma", "sinval_vma",
    "sfence_w_inval", "sfence_inval_ir", "wrs_nto", "wrs_sto", "cbo_inval", "cbo_clean",  "cbo_flush"};

static struct {
    uint8_t *image; /* code, then slots */
    size_t code_len;
    unsigned slots;
    uint32_t insns[SLOTS_MAX];
    const char *names[SLOTS_MAX];
    struct slot *slot; /* those of the image */
    size_t data_offset, size;
    uint64_t end; /* address of the code behind the last slot */
} program;

static void emit(uint32_t insn)
{
    le32_store(program.image + program.code_len, insn);
    program.code_len += 4;
}

static void emit_i(uint32_t opcode, unsigned rd, unsigned rs1, unsigned imm)
{
    emit(opcode | rd << 7 | rs1 << 15 | (imm & 0xfff) << 20);
}

static void emit_s(uint32_t opcode, unsigned rs2, unsigned rs1, unsigned imm)
{
    emit(opcode | (imm & 31) << 7 | rs1 << 15 | rs2 << 20 | (imm >> 5 & 0x7f) << 25);
}

#define LD   0x3003u
#define SD   0x3023u
#define FLD  0x3007u
#define FSD  0x3027u
#define ADDI 0x0013u

static void emit_li(unsigned rd, uint32_t value)
{
    uint32_t high = (value + 0x800) & 0xfffff000;
    emit(0x37 | rd << 7 | high);
    emit_i(0x1b, rd, rd, value - high); /* addiw */
}

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
    case 2: exponent = top / 2 + r / 16 % 70 - 3; break;
    case 3: exponent = top - 1; break;
    case 4: exponent = 1; break;
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

static uint64_t interesting_fp_register(void)
{
    switch (test_random() % 9) {
    case 0:
    case 1:
    case 2: return 0xffffffff00000000 | interesting_float(8, 23);
    case 3:
    case 4: return 0xffffffffffff0000 | interesting_float(5, 10);
    case 5: return test_random();
    default: return interesting_float(11, 52);
    }
}

static bool is(const struct row *row, const char *id)
{
    return strcmp(row->id, id) == 0;
}

static bool is_left_out(const struct row *row)
{
    for (size_t i = 0; i < ARRAY_LEN(left_out); i++)
        if (is(row, left_out[i]))
            return true;
    return false;
}

static bool is_jump(const struct row *row)
{
    return row->format == FMT_J || row->format == FMT_B || is(row, "jalr");
}

static bool is_memory(const struct row *row)
{
    switch (row->format) {
    case FMT_LOAD: return !is(row, "jalr");
    case FMT_STORE:
    case FMT_FLOAD:
    case FMT_FSTORE:
    case FMT_AMO:
    case FMT_LR:
    case FMT_CBO: return true;
    default: return false;
    }
}

static bool has_rounding_mode(const struct row *row)
{
    switch (row->format) {
    case FMT_F_FFF:
    case FMT_F_FF_RM:
    case FMT_F_F_RM:
    case FMT_X_F_RM:
    case FMT_F_X_RM: return true;
    default: return false;
    }
}

/* Which of the three register fields are integer registers. */
static bool uses_pointer(const struct row *row, uint32_t insn)
{
    unsigned rd = insn >> 7 & 31, rs1 = insn >> 15 & 31, rs2 = insn >> 20 & 31;
    bool pair = is(row, "amocas_q");
    switch (row->format) {
    case FMT_NONE:
    case FMT_F_FFF:
    case FMT_F_FF_RM:
    case FMT_F_FF:
    case FMT_F_F_RM:
    case FMT_F_F:
    case FMT_F_I: return false;
    case FMT_U:
    case FMT_AUIPC:
    case FMT_J:
    case FMT_X_FF:
    case FMT_X_F_RM:
    case FMT_X_F:
    case FMT_CSRI: return rd == POINTER;
    case FMT_FLOAD:
    case FMT_FSTORE:
    case FMT_F_X_RM:
    case FMT_F_X:
    case FMT_CBO:
    case FMT_PREFETCH: return rs1 == POINTER;
    case FMT_B:
    case FMT_STORE: return rs1 == POINTER || rs2 == POINTER;
    case FMT_R:
    case FMT_AMO:
        return rd == POINTER || rs1 == POINTER || rs2 == POINTER || (pair && (rd == 30 || rs2 == 30));
    default: return rd == POINTER || rs1 == POINTER;
    }
}

static int32_t memory_offset(const struct row *row, uint32_t insn)
{
    switch (row->format) {
    case FMT_LOAD:
    case FMT_FLOAD: return (int32_t)insn >> 20;
    case FMT_STORE:
    case FMT_FSTORE: return ((int32_t)insn >> 25 << 5) | (int32_t)(insn >> 7 & 31);
    default: return 0;
    }
}

static uint64_t slot_address(unsigned n)
{
    return BASE + program.data_offset + (uint64_t)n * SLOT_SIZE;
}

/* Registers at random; rs1 points into the scratch memory, or behind the jump's neighbour. */
static void slot_fill(unsigned n, const struct row *row, uint32_t insn, unsigned length)
{
    struct slot *slot = &program.slot[n];
    unsigned rs1 = insn >> 15 & 31;
    for (unsigned i = 1; i < POINTER; i++)
        slot->x[i] = interesting();
    for (unsigned i = 0; i < 32; i++)
        slot->f[i] = interesting_fp_register();
    slot->fcsr = test_random() % 5 << 5 | (test_random() & (test_random() % 2 ? 0x1f : 0));
    for (unsigned i = 0; i < SCRATCH_SIZE; i += 8)
        le64_store(&slot->scratch[i], interesting());
    bool atomic = row->format == FMT_AMO || row->format == FMT_LR || row->format == FMT_CBO;
    uint64_t place =
        slot_address(n) + offsetof(struct slot, scratch) + 64 + (atomic ? 0 : test_random() % 64);
    if (is_memory(row))
        slot->x[rs1] = place - (uint64_t)(int64_t)memory_offset(row, insn);
    if (is(row, "jalr"))
        slot->x[rs1] = BASE + program.code_len + length + 4 - (uint64_t)(int64_t)((int32_t)insn >> 20);
    /* Make comparisons of equal registers and successful compare-and-swaps happen. */
    if (test_random() % 4 == 0 && !is_memory(row) && !is_jump(row) && (insn >> 20 & 31) < POINTER)
        slot->x[insn >> 20 & 31] = slot->x[rs1];
    unsigned rd = insn >> 7 & 31;
    if (row->format == FMT_AMO && test_random() % 2 && rd != rs1 && rd)
        slot->x[rd] = le64_load(&slot->scratch[64]);
    slot->x[0] = 0;
}

/* The code of one slot: load, run, store, move on. `raw` is the instruction as it stands, `insn` expanded. */
static void slot_add(const struct row *row, uint32_t raw, uint32_t insn, unsigned length)
{
    unsigned n = program.slots++;
    program.insns[n] = raw;
    program.names[n] = row->id;
    for (unsigned i = 0; i < 32; i++)
        emit_i(FLD, i, POINTER, (unsigned)offsetof(struct slot, f) + 8 * i);
    emit_i(LD, 1, POINTER, offsetof(struct slot, fcsr));
    emit_i(0x1073, 0, 1, 0x003); /* csrw fcsr, x1 */
    for (unsigned i = 1; i < POINTER; i++)
        emit_i(LD, i, POINTER, 8 * i);
    slot_fill(n, row, insn, length);
    le_store(program.image + program.code_len, length, raw);
    program.code_len += length;
    if (is_jump(row))
        emit_i(ADDI, 30, 30, 1); /* jumped over, or not */
    for (unsigned i = 1; i < POINTER; i++)
        emit_s(SD, i, POINTER, (unsigned)offsetof(struct slot, x_out) + 8 * i);
    for (unsigned i = 0; i < 32; i++)
        emit_s(FSD, i, POINTER, (unsigned)offsetof(struct slot, f_out) + 8 * i);
    emit_i(0x2073, 1, 0, 0x003); /* csrr x1, fcsr */
    emit_s(SD, 1, POINTER, offsetof(struct slot, fcsr_out));
    emit_i(ADDI, POINTER, POINTER, SLOT_SIZE / 2 - 1);
    emit_i(ADDI, POINTER, POINTER, SLOT_SIZE / 2 - 1);
    emit_i(ADDI, POINTER, POINTER, 2);
}

static const struct row *row_of(uint32_t insn)
{
    const struct row *best = NULL;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if ((insn & rows[i].mask) == rows[i].match &&
            (!best || __builtin_popcount(rows[i].mask) > __builtin_popcount(best->mask)))
            best = &rows[i];
    return best;
}

/* Whether a word, expanded if it was compressed, can be put to the test. */
static bool testable(const struct row *row, uint32_t insn)
{
    unsigned rs1 = insn >> 15 & 31;
    if (!row || row_of(insn) != row || is_left_out(row) || uses_pointer(row, insn))
        return false;
    if (has_rounding_mode(row) && ((insn >> 12 & 7) == 5 || (insn >> 12 & 7) == 6))
        return false;
    if ((is_memory(row) || is(row, "jalr")) && rs1 == 0)
        return false;
    if (row->format == FMT_RNUM && (insn >> 20 & 15) > 10)
        return false;
    if (is(row, "amocas_q") && ((insn >> 7 & 1) || (insn >> 20 & 1)))
        return false;
    if (row->format == FMT_CSR || row->format == FMT_CSRI)
        return (insn >> 20) >= 1 && (insn >> 20) <= 3;
    return true;
}

/* Jumps go over the one instruction that is put behind them. */
static uint32_t jump_fix(const struct row *row, uint32_t insn)
{
    if (row->format == FMT_B)
        return (insn & ~0xfe000f80u) | 8u << 7; /* imm = 8 */
    if (row->format == FMT_J)
        return (insn & 0xfff) | 8u << 20;
    return insn;
}

static void program_make(const struct riscv_model *model)
{
    program.data_offset = align_up((size_t)SLOTS_MAX * CODE_SIZE + 4096, 4096);
    program.size = program.data_offset + (size_t)SLOTS_MAX * SLOT_SIZE;
    program.image = calloc(1, program.size);
    program.slot = (struct slot *)(void *)(program.image + program.data_offset);
    program.code_len = program.slots = 0;
    emit_li(POINTER, (uint32_t)slot_address(0));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (unsigned done = 0, tries = 0; done < VARIANTS && tries < 100 * VARIANTS; tries++) {
            uint32_t insn = rows[i].match | ((uint32_t)test_random() & ~rows[i].mask);
            if (rows[i].format == FMT_CSR || rows[i].format == FMT_CSRI)
                insn = (insn & 0xfffff) | (uint32_t)(1 + test_random() % 3) << 20;
            insn = jump_fix(&rows[i], insn);
            if (!testable(&rows[i], insn))
                continue;
            slot_add(&rows[i], insn, insn, 4);
            done++;
        }
    }
    for (unsigned i = 0; i < COMPRESSED && program.slots < SLOTS_MAX; i++) {
        uint16_t half = (uint16_t)test_random();
        uint32_t insn = (half & 3) == 3 ? 0 : riscv_expand(model, half);
        const struct row *row = insn ? row_of(insn) : NULL;
        if (!testable(row, insn) || is_jump(row))
            continue;
        slot_add(row, half, insn, 2);
    }
    program.end = BASE + program.code_len;
    emit_li(10, 1); /* write(1, slots, length) */
    emit_li(11, (uint32_t)slot_address(0));
    emit_li(12, program.slots * SLOT_SIZE);
    emit_li(17, 64);
    emit(0x73);
    emit_li(10, 0); /* exit(0) */
    emit_li(17, 93);
    emit(0x73);
}

/* Run the program under the peer; its slots, or NULL and the test failed. */
static struct slot *their_run(void)
{
    const struct peer_program as_file = {
        .emulator = "qemu-riscv64",
        .elf_machine = 243, /* EM_RISCV */
        .elf_flags = 5,     /* RVC, double-float ABI */
        .base = BASE,
        .pieces = {{program.image, program.size}},
    };
    return peer_run(&as_file, (size_t)program.slots * SLOT_SIZE);
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
    struct vcpu *vcpu = riscv64_ops.create(&config, &err);
    if (!vcpu) {
        FAIL("%s", err.text);
        return false;
    }
    struct vcpu_exit exit;
    riscv64_ops.reset(vcpu);
    riscv_state(vcpu)->mstatus |= MSTATUS_FS;
    riscv64_ops.pc_set(vcpu, BASE);
    vcpu->engine = &interpreter_engine;
    vcpu->slice_end = (uint64_t)program.slots * 200;
    vcpu_run(vcpu, &exit);
    bool good = exit.reason == EXIT_DEBUG && riscv64_ops.pc_get(vcpu) == program.end;
    if (!good) {
        uint64_t slot = (riscv_state(vcpu)->x[POINTER] - slot_address(0)) / SLOT_SIZE;
        FAIL("the core stopped with reason %d at %#llx, exception %lld at %#llx; slot %llu: %s %08x",
             exit.reason, (unsigned long long)riscv64_ops.pc_get(vcpu), (long long)riscv_state(vcpu)->mcause,
             (unsigned long long)riscv_state(vcpu)->mepc, (unsigned long long)slot,
             slot < program.slots ? program.names[slot] : "?",
             slot < program.slots ? program.insns[slot] : 0);
    }
    ram_read(mem.ram, gpa(slot_address(0)), slots, (uint64_t)program.slots * SLOT_SIZE);
    riscv64_ops.destroy(vcpu);
    ram_destroy(mem.ram);
    bus_destroy(mem.mmio);
    clock_destroy(clock);
    host_mutex_destroy(&lock);
    return good;
}

/* Tell what differs in one slot. */
static void slot_report(unsigned n, const struct slot *ours, const struct slot *theirs)
{
    uint32_t insn = program.insns[n];
    const struct slot *in = &program.slot[n];
    char text[1024];
    int len = snprintf(text, sizeof(text), "%s %08x fcsr %#llx", program.names[n], insn,
                       (unsigned long long)in->fcsr);
    for (unsigned i = 1; i < POINTER && len < 900; i++)
        if (ours->x_out[i] != theirs->x_out[i])
            len += snprintf(text + len, sizeof(text) - (size_t)len, "; x%u was %llx, is %llx, expected %llx",
                            i, (unsigned long long)in->x[i], (unsigned long long)ours->x_out[i],
                            (unsigned long long)theirs->x_out[i]);
    for (unsigned i = 0; i < 32 && len < 900; i++)
        if (ours->f_out[i] != theirs->f_out[i])
            len += snprintf(text + len, sizeof(text) - (size_t)len, "; f%u was %llx, is %llx, expected %llx",
                            i, (unsigned long long)in->f[i], (unsigned long long)ours->f_out[i],
                            (unsigned long long)theirs->f_out[i]);
    if (ours->fcsr_out != theirs->fcsr_out)
        len += snprintf(text + len, sizeof(text) - (size_t)len, "; fcsr is %llx, expected %llx",
                        (unsigned long long)ours->fcsr_out, (unsigned long long)theirs->fcsr_out);
    if (memcmp(ours->scratch, theirs->scratch, SCRATCH_SIZE) != 0)
        len += snprintf(text + len, sizeof(text) - (size_t)len, "; memory differs");
    snprintf(text + len, sizeof(text) - (size_t)len, " (f%u %llx, f%u %llx, x%u %llx, x%u %llx)",
             insn >> 15 & 31, (unsigned long long)in->f[insn >> 15 & 31], insn >> 20 & 31,
             (unsigned long long)in->f[insn >> 20 & 31], insn >> 15 & 31,
             (unsigned long long)in->x[insn >> 15 & 31], insn >> 20 & 31,
             (unsigned long long)in->x[insn >> 20 & 31]);
    FAIL("%s", text);
}

static void agrees_with_the_peer(void)
{
    /* Zabha, Zimop and Zcmop came with 9.1. */
    if (!peer_can_judge("qemu-riscv64", 9, 1))
        return;
    struct riscv_model model;
    struct error err;
    riscv_decode_init();
    if (!CHECK(riscv_model_parse(&model, "max", &err)))
        return;
    program_make(&model);
    struct slot *ours = malloc((size_t)program.slots * SLOT_SIZE), *theirs = their_run();
    if (theirs && core_run(ours)) {
        unsigned shown = 0;
        for (unsigned i = 0; i < program.slots && shown < 20; i++) {
            if (memcmp(&ours[i], &theirs[i], SLOT_SIZE) != 0) {
                slot_report(i, &ours[i], &theirs[i]);
                shown++;
            }
        }
    }
    CHECK(program.slots > 5000);
    free(ours);
    free(theirs);
    free(program.image);
}

static const struct test_case cases[] = {{"agrees_with_the_peer", agrees_with_the_peer}};
TEST_SUITE(riscv64_insn_test, "insn", cases);
