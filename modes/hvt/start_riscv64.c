/*
 * riscv64: S-mode with Sv39, the boot information in a0, hypercalls by stores beyond 4 GiB. Solo5 has no hvt
 * for RISC-V; docs/hvt-riscv64.md defines it.
 */
#include "base/bits.h"
#include "cpu/riscv64/core.h"
#include "modes/hvt/start.h"

#define ROOT        0x1000
#define DIRECTORIES 0x2000
#define PAGES       0x6000

/* Priv. 4.3.1: bits of an entry. */
#define PTE_V    (1ull << 0)
#define PTE_R    (1ull << 1)
#define PTE_W    (1ull << 2)
#define PTE_X    (1ull << 3)
#define PTE_USED (3ull << 6) /* accessed and dirty */

#define SATP_SV39   (8ull << 60)
#define FS_INITIAL  (1ull << 13)
#define REG_SP      2
#define REG_A0      10
#define SBI_REFUSED (~(uint64_t)1) /* SBI_ERR_NOT_SUPPORTED, -2 */

static uint64_t pte(uint64_t address, uint64_t bits)
{
    return address >> 2 | bits;
}

static uint64_t table(uint64_t address)
{
    return pte(address, PTE_V);
}

static uint64_t leaf(uint64_t address, struct hvt_access access, bool large)
{
    (void)large; /* a leaf is told by its permissions */
    return pte(address,
               PTE_V | PTE_R | PTE_USED | (access.writable ? PTE_W : 0) | (access.executable ? PTE_X : 0));
}

static const struct hvt_paging paging = {
    .directories = DIRECTORIES, .pages = PAGES, .table = table, .leaf = leaf};

static void tables_make(const struct hvt_start *start)
{
    uint8_t *root = start->memory + ROOT;
    for (uint64_t i = 0; i < HVT_MEMORY_MAX / GIB; i++)
        le64_store(root + 8 * i, table(DIRECTORIES + i * PAGE_SIZE));
    le64_store(root + 8 * (HVT_MMIO / GIB), pte(HVT_MMIO, PTE_V | PTE_R | PTE_W | PTE_USED));
    hvt_pages_make(&paging, start->image, start->memory, start->size);
}

static void start(struct machine_run *run, const struct hvt_start *at)
{
    struct vcpu *vcpu = run->vcpus[0];
    tables_make(at);
    riscv_hart_start(vcpu, at->image->entry, 0);
    struct riscv_state *s = riscv_state(vcpu);
    s->x[REG_SP] = at->size - 16;
    s->x[REG_A0] = HVT_BOOT_INFO;
    s->satp = SATP_SV39 | ROOT >> 12;
    s->mstatus |= FS_INITIAL;
    void *object;
    vcpu->ops->state(vcpu, &object)->restored(object);
}

static uint64_t cycles(struct vcpu *vcpu)
{
    (void)vcpu;
    return RISCV_TIMEBASE_HZ;
}

static void call_refuse(struct vcpu *vcpu)
{
    riscv_state(vcpu)->x[REG_A0] = SBI_REFUSED;
}

/* --- core dumps --- */

/* Linux's struct user_regs_struct: the PC, then X1 to X31; a trap's cookie is the same. */
#define GREGS         32
#define PRSTATUS_SIZE 376

static void gregs(struct vcpu *vcpu, const uint8_t *cookie, struct hvt_gregs *out)
{
    *out = (struct hvt_gregs){.count = GREGS, .prstatus_size = PRSTATUS_SIZE};
    for (unsigned i = 0; i < GREGS; i++)
        out->regs[i] = cookie ? le64_load(cookie + 8 * i) : riscv_state(vcpu)->x[i];
    if (!cookie)
        out->regs[0] = vcpu->ops->pc_get(vcpu);
}

const struct hvt_arch hvt_riscv64 = {
    .ops = &riscv64_ops,
    .hypercalls = true,
    .start = start,
    .cycles = cycles,
    .call_refuse = call_refuse,
    .gregs = gregs,
    .wakes = true,
};
