/* aarch64: EL1 with the MMU on, the boot information in X0, hypercalls by stores beyond 4 GiB. */
#include "base/bits.h"
#include "cpu/aarch64/core.h"
#include "modes/hvt/start.h"

/* Where the ABI has its tables; the guest sees none of this. */
#define LEVEL0      0x1000
#define LEVEL1      0x2000
#define DIRECTORIES 0x3000
#define PAGES       0x7000

/* Arm ARM D8.3: bits of a descriptor. */
#define DESCRIPTOR_TABLE    3ull /* and of a page */
#define DESCRIPTOR_BLOCK    1ull
#define DESCRIPTOR_INDEX(n) ((uint64_t)(n) << 2) /* of the attributes in MAIR */
#define DESCRIPTOR_RO       (1ull << 7)
#define DESCRIPTOR_INNER    (3ull << 8) /* shareability */
#define DESCRIPTOR_AF       (1ull << 10)
#define DESCRIPTOR_PXN      (1ull << 53)
#define DESCRIPTOR_UXN      (1ull << 54)

/* The ABI's MAIR: nGnRnE, nGnRE, GRE, non-cacheable, write-back, write-through. */
#define MAIR         0xbbff440c0400ull
#define INDEX_DEVICE 1
#define INDEX_NORMAL 4

/* The ABI's TCR, for both halves alike: 40 bits of address, 4 KiB pages, inner-shareable write-back walks;
 * and 40-bit physical addresses, 16-bit ASIDs, top byte ignored in the lower half. */
#define TCR_WALKS   (24ull | 1ull << 8 | 1ull << 10 | 3ull << 12) /* TxSZ, IRGN, ORGN, SH */
#define TCR_TG1_4K  (2ull << 30)
#define TCR_IPS_40  (2ull << 32)
#define TCR_AS_TBI0 (3ull << 36)
#define TCR         (TCR_WALKS | TCR_WALKS << 16 | TCR_TG1_4K | TCR_IPS_40 | TCR_AS_TBI0)

#define SCTLR_ON    (1ull << 0 | 1ull << 2 | 1ull << 12) /* M, C, I */
#define CPACR_FPEN  (3ull << 20)
#define PSTATE_EL1H 0x3c5 /* with D, A, I and F masked */

static uint64_t table(uint64_t address)
{
    return address | DESCRIPTOR_TABLE;
}

static uint64_t leaf(uint64_t address, struct hvt_access access, bool large)
{
    return address | (large ? DESCRIPTOR_BLOCK : DESCRIPTOR_TABLE) | DESCRIPTOR_INDEX(INDEX_NORMAL) |
           DESCRIPTOR_INNER | DESCRIPTOR_AF | DESCRIPTOR_UXN | (access.writable ? 0 : DESCRIPTOR_RO) |
           (access.executable ? 0 : DESCRIPTOR_PXN);
}

static const struct hvt_paging paging = {
    .directories = DIRECTORIES, .pages = PAGES, .table = table, .leaf = leaf};

static void tables_make(const struct hvt_start *start)
{
    uint8_t *level1 = start->memory + LEVEL1;
    le64_store(start->memory + LEVEL0, table(LEVEL1));
    for (uint64_t i = 0; i < HVT_MEMORY_MAX / GIB; i++)
        le64_store(level1 + 8 * i, table(DIRECTORIES + i * PAGE_SIZE));
    le64_store(level1 + 8 * (HVT_MMIO / GIB), HVT_MMIO | DESCRIPTOR_BLOCK | DESCRIPTOR_INDEX(INDEX_DEVICE) |
                                                  DESCRIPTOR_INNER | DESCRIPTOR_AF | DESCRIPTOR_PXN |
                                                  DESCRIPTOR_UXN);
    hvt_pages_make(&paging, start->image, start->memory, start->size);
}

static void connect(struct machine_run *run)
{
    const struct aarch64_board board = {
        .lock = &run->machine.lock, .cpus = run->vcpus, .cpu_count = run->vcpu_count};
    aarch64_connect(run->vcpus[0], &board);
}

static void start(struct machine_run *run, const struct hvt_start *at)
{
    struct vcpu *vcpu = run->vcpus[0];
    tables_make(at);
    aarch64_start(vcpu, at->image->entry, HVT_BOOT_INFO);
    struct aarch64_state *s = aarch64_state(vcpu);
    s->x[REG_SP] = at->size - 16;
    s->pstate = PSTATE_EL1H;
    s->mair_el1 = MAIR;
    s->tcr_el1 = TCR;
    s->ttbr0_el1 = LEVEL0;
    s->sctlr_el1 |= SCTLR_ON;
    s->cpacr_el1 |= CPACR_FPEN;
    void *object;
    vcpu->ops->state(vcpu, &object)->restored(object);
}

static uint64_t cycles(struct vcpu *vcpu)
{
    return aarch64_timer_hz(vcpu);
}

/* --- core dumps --- */

/* Linux's struct user_pt_regs: X0 to X30, SP, PC, PSTATE. */
enum {
    GREG_SP = 31,
    GREG_PC,
    GREG_PSTATE,
    GREGS,
};

#define PRSTATUS_SIZE 392

static void gregs(struct vcpu *vcpu, const uint8_t *cookie, struct hvt_gregs *out)
{
    const struct aarch64_state *s = aarch64_state(vcpu);
    (void)cookie; /* Solo5 defines none for aarch64 */
    *out = (struct hvt_gregs){.count = GREGS, .prstatus_size = PRSTATUS_SIZE};
    for (unsigned i = 0; i <= REG_LR; i++)
        out->regs[i] = s->x[i];
    out->regs[GREG_SP] = s->x[REG_SP];
    out->regs[GREG_PC] = vcpu->ops->pc_get(vcpu);
    out->regs[GREG_PSTATE] = s->pstate;
}

const struct hvt_arch hvt_aarch64 = {
    .ops = &aarch64_ops,
    .connect = connect,
    .start = start,
    .cycles = cycles,
    .gregs = gregs,
};
