/* x86_64: 64-bit mode with the tender's GDT, the boot information in RDI, hypercalls by OUT. */
#include "base/bits.h"
#include "cpu/x86_64/core.h"
#include "modes/hvt/start.h"

/* Where the ABI has its tables; the guest sees none of this. */
#define GDT         0x1000
#define PML4        0x2000
#define PDPT        0x3000
#define DIRECTORIES 0x4000
#define PAGES       0x8000

#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10
#define GDT_ENTRIES   3

#define ATTRIBUTES_CODE (SEG_P | SEG_S | SEG_CODE | SEG_READABLE | SEG_ACCESSED | SEG_L | SEG_G)
#define ATTRIBUTES_DATA (SEG_P | SEG_S | SEG_WRITABLE | SEG_ACCESSED | SEG_DB | SEG_G)
#define ATTRIBUTES_TSS  (SEG_P | 11) /* a busy 64-bit one */

/* SDM vol. 3, 4.5: bits of an entry. */
#define ENTRY_PRESENT  (1ull << 0)
#define ENTRY_WRITABLE (1ull << 1)
#define ENTRY_USED     (3ull << 5) /* accessed and dirty */
#define ENTRY_LARGE    (1ull << 7)
#define ENTRY_NX       (1ull << 63)

#define FCW_INIT   0x37f /* what FNINIT sets: masked exceptions, 64-bit precision */
#define FTW_EMPTY  0xffff
#define MXCSR_INIT 0x1f80

static uint64_t table(uint64_t address)
{
    return address | ENTRY_PRESENT | ENTRY_WRITABLE;
}

static uint64_t leaf(uint64_t address, struct hvt_access access, bool large)
{
    return address | ENTRY_PRESENT | ENTRY_USED | (access.writable ? ENTRY_WRITABLE : 0) |
           (access.executable ? 0 : ENTRY_NX) | (large ? ENTRY_LARGE : 0);
}

static const struct hvt_paging paging = {
    .directories = DIRECTORIES, .pages = PAGES, .table = table, .leaf = leaf};

/* SDM vol. 3, 3.4.5: a descriptor of the whole address space. */
static uint64_t descriptor(uint16_t attributes)
{
    return 0xffffull | (uint64_t)attributes << 40 | (uint64_t)0xf << 48;
}

static void tables_make(const struct hvt_start *start)
{
    le64_store(start->memory + GDT + SELECTOR_CODE, descriptor(ATTRIBUTES_CODE));
    le64_store(start->memory + GDT + SELECTOR_DATA, descriptor(ATTRIBUTES_DATA));
    le64_store(start->memory + PML4, table(PDPT));
    for (uint64_t i = 0; i < HVT_MEMORY_MAX / GIB; i++)
        le64_store(start->memory + PDPT + 8 * i, table(DIRECTORIES + i * PAGE_SIZE));
    hvt_pages_make(&paging, start->image, start->memory, start->size);
}

static void segments_set(struct vcpu *vcpu)
{
    static const enum x86_segment_number data[] = {ES, SS, DS, FS, GS};
    x86_state(vcpu)->gdtr = (struct x86_table){GDT, 8 * GDT_ENTRIES - 1};
    x86_state(vcpu)->idtr = (struct x86_table){0, 0};
    x86_segment_set(vcpu, CS, SELECTOR_CODE, 0, UINT32_MAX, ATTRIBUTES_CODE);
    for (unsigned i = 0; i < ARRAY_LEN(data); i++)
        x86_segment_set(vcpu, data[i], SELECTOR_DATA, 0, UINT32_MAX, ATTRIBUTES_DATA);
    x86_segment_set(vcpu, TR, 0, 0, 0, ATTRIBUTES_TSS);
}

static void fpu_set(struct x86_state *s)
{
    s->fcw = FCW_INIT;
    s->fsw = 0;
    s->ftw = FTW_EMPTY;
    s->mxcsr = MXCSR_INIT;
}

static void start(struct machine_run *run, const struct hvt_start *at)
{
    struct vcpu *vcpu = run->vcpus[0];
    struct x86_state *s = x86_state(vcpu);
    tables_make(at);
    s->cr3 = PML4;
    s->cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    s->efer = EFER_LME | EFER_LMA | EFER_NXE;
    s->cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_WP | CR0_PG;
    segments_set(vcpu);
    fpu_set(s);
    s->rip = at->image->entry;
    s->gpr[RDI] = HVT_BOOT_INFO;
    s->gpr[RSP] = at->size - 8; /* as after a call: 16 bytes aligned but for the return address */
    s->rflags = FLAG_ONE;
    x86_state_changed(vcpu);
}

static uint64_t cycles(struct vcpu *vcpu)
{
    return x86_tsc_hz(vcpu);
}

/* --- core dumps --- */

/* Linux's struct user_regs_struct. */
enum {
    R15,
    R14,
    R13,
    R12,
    GREG_RBP,
    GREG_RBX,
    R11,
    R10,
    R9,
    R8,
    GREG_RAX,
    GREG_RCX,
    GREG_RDX,
    GREG_RSI,
    GREG_RDI,
    ORIG_RAX,
    RIP,
    GREG_CS,
    EFLAGS,
    GREG_RSP,
    GREG_SS,
    FS_BASE,
    GS_BASE,
    GREG_DS,
    GREG_ES,
    GREG_FS,
    GREG_GS,
    GREGS,
};

#define PRSTATUS_SIZE 336

/* What Solo5 says of a trap: CR2, error code, RIP, CS, RFLAGS, RSP, SS. */
enum {
    TRAP_RIP = 16,
    TRAP_CS = 24,
    TRAP_RFLAGS = 32,
    TRAP_RSP = 40,
    TRAP_SS = 48,
};

static void gregs(struct vcpu *vcpu, const uint8_t *cookie, struct hvt_gregs *out)
{
    static const uint8_t numbers[] = {[R15] = 15, 14, 13,  12,  RBP, RBX, 11, 10,
                                      9,          8,  RAX, RCX, RDX, RSI, RDI};
    static const uint8_t segments[] = {DS, ES, FS, GS};
    const struct x86_state *s = x86_state(vcpu);
    *out = (struct hvt_gregs){.count = GREGS, .prstatus_size = PRSTATUS_SIZE};
    for (unsigned i = 0; i < ARRAY_LEN(numbers); i++)
        out->regs[i] = s->gpr[numbers[i]];
    for (unsigned i = 0; i < ARRAY_LEN(segments); i++)
        out->regs[GREG_DS + i] = s->seg[segments[i]].selector;
    out->regs[ORIG_RAX] = UINT64_MAX;
    out->regs[RIP] = vcpu->ops->pc_get(vcpu);
    out->regs[GREG_CS] = s->seg[CS].selector;
    out->regs[EFLAGS] = s->rflags;
    out->regs[GREG_RSP] = s->gpr[RSP];
    out->regs[GREG_SS] = s->seg[SS].selector;
    out->regs[FS_BASE] = s->seg[FS].base;
    out->regs[GS_BASE] = s->seg[GS].base;
    if (!cookie)
        return;
    out->regs[RIP] = le64_load(cookie + TRAP_RIP);
    out->regs[GREG_CS] = le64_load(cookie + TRAP_CS);
    out->regs[EFLAGS] = le64_load(cookie + TRAP_RFLAGS);
    out->regs[GREG_RSP] = le64_load(cookie + TRAP_RSP);
    out->regs[GREG_SS] = le64_load(cookie + TRAP_SS);
}

const struct hvt_arch hvt_x86_64 = {
    .ops = &x86_64_ops,
    .start = start,
    .cycles = cycles,
    .gregs = gregs,
};
