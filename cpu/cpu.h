/*
 * What every core offers and what every engine does with it. A guest architecture is a table (struct
 * cpu_ops), an engine is a table (struct engine), and a vCPU is one of the first run by one of the second.
 * The architectural state is one plain struct per architecture, true whenever `run` has returned.
 */
#pragma once

#include "base/clock.h"
#include "base/irq_line.h"
#include "base/state.h"
#include "host/thread.h"
#include "softmmu/physmem.h"
#include "softmmu/tlb.h"
#include "softmmu/walk.h"

struct vcpu;
struct insn_text;

enum guest_arch {
    GUEST_RISCV64,
    GUEST_X86_64,
    GUEST_AARCH64,
    GUEST_ARCH_COUNT,
};

/*
 * Why the guest's own code was left. An engine that deals with the reason itself (an interpreter with device
 * accesses, interrupts and exceptions) stays in run(), and counts it with vcpu_exit_count() all the same.
 */
enum exit_reason {
    EXIT_KICKED,    /* somebody asked: a pause, a stop, the end of a slice of instructions */
    EXIT_INTERRUPT, /* an external interrupt is taken; from run(): one of the host's, and nothing is to do */
    EXIT_EXCEPTION, /* the guest's instruction raised one; from run(): nobody in the guest can take it */
    EXIT_PIO,       /* an access of an I/O port */
    EXIT_MMIO,      /* an access of an address where there is no RAM */
    EXIT_HALT,      /* waiting for an interrupt (WFI, HLT): the thread sleeps until vcpu_has_work */
    EXIT_SHUTDOWN,  /* the core can't go on by its own rules (x86 triple fault) */
    EXIT_HYPERCALL, /* an environment call the board implements (built-in SBI, PSCI, Solo5) */
    EXIT_SEMIHOSTING, /* a request to the debugger that cpu_config.semihosting stands in for; the PC is behind
                         it */
    EXIT_DEBUG,       /* a breakpoint, a watchpoint or a completed step */
    EXIT_ERROR,       /* the engine failed; `text` says how */
    EXIT_REASON_COUNT,
};

struct vcpu_exit {
    enum exit_reason reason;
    union {
        struct {
            uint64_t address;
            enum walk_access access;
            bool watchpoint; /* else breakpoint or step */
        } debug;
        struct {
            uint64_t address, value;
            uint8_t width;
            bool write;
        } io;
        char text[128];
    };
};

/* Breakpoints and watchpoints of a debugger; one table for all vCPUs of a machine, changed only while they
 * are stopped. */
#define DEBUG_POINTS 64
struct debug_points {
    struct {
        uint64_t address, len;
        enum walk_access access; /* WALK_FETCH: a breakpoint */
    } points[DEBUG_POINTS];
    unsigned count;
    bool any_break, any_watch;
};

/* Whether one of them (NULL: there are none) watches a byte of [va, va + len) for this. */
static inline bool debug_points_watch(const struct debug_points *debug, uint64_t va, uint64_t len,
                                      enum walk_access access)
{
    for (unsigned n = 0; debug && debug->any_watch && n < debug->count; n++) {
        if (debug->points[n].access == access &&
            ranges_overlap(debug->points[n].address, debug->points[n].len, va, len))
            return true;
    }
    return false;
}

/* Work handed to a vCPU, run on its thread between two blocks (or by the caller while the vCPU is not
 * running). */
struct vcpu_work {
    void (*fn)(struct vcpu *vcpu, void *arg);
    void *arg;
    struct vcpu *waiter; /* the vCPU that waits for it; NULL: another thread */
    bool done;           /* under the waiter's work_lock, or without one under this vCPU's */
    bool free_after;     /* nobody waits */
    struct vcpu_work *next;
};

/* The part of a vCPU that is the same for all architectures; a core's own struct begins with it. */
struct vcpu {
    const struct cpu_ops *ops;
    const struct engine *engine;
    const struct physmem *mem;
    struct clock *clock;
    struct tlb *tlb;
    void *engine_data;
    unsigned index;

    /*
     * Guest instructions retired, brought up to date at block ends. The interpreter leaves its loop when it
     * reaches `limit`; others make that happen at once by storing 0 (vcpu_kick). Owner: the vCPU's thread;
     * limit: any thread.
     */
    uint64_t icount;
    uint64_t limit;
    uint64_t
        slice_end; /* what limit is set to on entry: run() retires exactly up to here. At first: no end */

    uint32_t stop;     /* leave run() with EXIT_KICKED; cleared by who set it */
    bool running;      /* inside run(); under work_lock */
    bool borrowed;     /* another thread runs work for it while it is not running; under work_lock */
    uint32_t sleeping; /* in vcpu_sleep; atomic */
    bool halted;       /* in WFI or HLT, or not started */
    bool single_step;  /* run() does one instruction and returns EXIT_DEBUG */

    uint64_t exits[EXIT_REASON_COUNT]; /* how often each; any thread may look (vcpu_exits) */

    struct host_mutex work_lock;
    struct host_cond wake;      /* work, an interrupt, or a change of `stop` arrived */
    struct host_cond work_done; /* a work item of this vCPU is done, or it is not borrowed any more */
    struct vcpu_work *work;
    const struct debug_points *debug;

    /* The machine's view of this core (board, hypercall handler): not the core's business. */
    void *owner;
};

/* A model: a name, what it has, for --cpu and `vm-cli info`. */
struct cpu_config {
    const char *model; /* "rva22s64,+zbc,-sstc"; NULL or "": the default */
    unsigned index;    /* hart id, APIC id, MPIDR affinity */
    unsigned count;    /* vCPUs of the machine; 0 is taken for 1 */
    const struct physmem *mem;
    struct clock *clock;
    const struct debug_points *debug;
    bool
        hypercalls; /* the board implements the supervisor's environment calls: they exit as EXIT_HYPERCALL */
    bool semihosting; /* aarch64, riscv64: privileged software's requests exit as EXIT_SEMIHOSTING */
};

struct translation {
    bool ok;
    gpa_t pa;
    uint8_t permission; /* enum tlb_permission */
    uint8_t page_bits;
    bool let_in; /* the vCPU sees guarded memory (softmmu/ram.h) */
};

/* One register as a debugger sees it. */
struct debug_register {
    const char *name;
    const char *type; /* GDB's type name, e.g. "int64", "code_ptr", "ieee_double"; NULL: by width */
    uint16_t bits;
    uint16_t number;     /* GDB's number */
    const char *group;   /* "general", "float", "csr"... */
    const char *feature; /* GDB's feature it belongs to, e.g. "org.gnu.gdb.riscv.cpu" */
};

struct cpu_ops {
    enum guest_arch arch;
    const char *name;     /* "riscv64" */
    const char *gdb_arch; /* "riscv:rv64" */
    const char *default_model;
    /* The names of a model specification MODEL,+FEATURE,-FEATURE, from 0 to the NULL at the end. */
    const char *(*model_name)(unsigned index);
    const char *(*feature_name)(unsigned index);
    unsigned irq_lines; /* inputs irq_set takes; their numbers are in the core's own header */

    /* A vCPU in its reset state. NULL and err (ERROR_USAGE for an unknown model or feature). */
    struct vcpu *(*create)(const struct cpu_config *config, struct error *err);
    void (*destroy)(struct vcpu *vcpu);

    /* The architectural state table and the object it describes. */
    const struct state_table *(*state)(struct vcpu *vcpu, void **object);

    /* Reset, then start address; what else a boot protocol sets goes through the core's own header. */
    void (*reset)(struct vcpu *vcpu);
    void (*pc_set)(struct vcpu *vcpu, uint64_t pc);
    uint64_t (*pc_get)(struct vcpu *vcpu);

    /* An interrupt input. Any thread; wakes the vCPU. */
    void (*irq_set)(struct vcpu *vcpu, unsigned line, bool level);

    /* Whether a halted vCPU has a reason to go on. On its thread, or while it is not running. */
    bool (*has_work)(struct vcpu *vcpu);

    /* The interpreter: run until there is an exit. */
    void (*interpret)(struct vcpu *vcpu, struct vcpu_exit *exit);

    /* The debugger's view, side-effect free. The vCPU is not running. */
    struct translation (*translate)(struct vcpu *vcpu, gva_t va, enum walk_access access);
    const struct debug_register *(*registers)(struct vcpu *vcpu, size_t *count);
    bool (*register_get)(struct vcpu *vcpu, unsigned number,
                         uint8_t *out); /* `bits` / 8 bytes, little-endian */
    bool (*register_set)(struct vcpu *vcpu, unsigned number, const uint8_t *in);

    /* Print the page tables in effect, one line a range of equal attributes, through `line`. */
    void (*page_tables)(struct vcpu *vcpu, void (*line)(void *opaque, const char *text), void *opaque);

    /* The instruction at `bytes` (`len` of them readable) in words, from the core's own table; returns its
     * length, 0: none. */
    unsigned (*disassemble)(struct vcpu *vcpu, uint64_t pc, const uint8_t *bytes, size_t len, char *text,
                            size_t size);

    /* Drop everything decoded and translated from guest memory; or only what was made from [p, p + len). On
     * its thread. */
    void (*code_drop)(struct vcpu *vcpu, gpa_t p, uint64_t len);
    void (*code_drop_all)(struct vcpu *vcpu);
};

/* An engine runs a vCPU from its architectural state and leaves that state true at every exit. */
struct engine {
    const char *name;
    /* Whether this host can run this guest with it; if not, err says why. */
    bool (*probe)(const struct cpu_ops *ops, struct error *err);
    bool (*vcpu_init)(struct vcpu *vcpu, struct error *err);
    void (*run)(struct vcpu *vcpu, struct vcpu_exit *exit);
    /* Make run() return or look at its work soon. Any thread. */
    void (*kick)(struct vcpu *vcpu);
    void (*vcpu_fini)(struct vcpu *vcpu);
};

extern const struct engine interpreter_engine;

/* The cores in this program; each has a header of its own for what only its boards need. */
extern const struct cpu_ops riscv64_ops, x86_64_ops, aarch64_ops;

/* Never NULL. */
const struct cpu_ops *cpu_ops_find(enum guest_arch arch);

/* Memory for a core's struct, zeroed, which free() takes. Never NULL. */
void *vcpu_alloc(size_t size);

/* For a core's create and destroy: the common part, its TLB and its place among the RAM's listeners. */
bool vcpu_init(struct vcpu *vcpu, const struct cpu_ops *ops, const struct cpu_config *config,
               struct error *err);
void vcpu_fini(struct vcpu *vcpu);

/* Run on the vCPU's own thread: takes work, runs the engine, keeps `running` true meanwhile. */
void vcpu_run(struct vcpu *vcpu, struct vcpu_exit *exit);

/* Have the vCPU to oneself on its own thread, outside run(), as a hypercall needs it: work of others waits as
 * during run(), and is done by the release. */
void vcpu_hold(struct vcpu *vcpu);
void vcpu_release(struct vcpu *vcpu);

/* Make the vCPU look at its work, interrupts and `stop` soon; wake it when it sleeps. Any thread. */
void vcpu_kick(struct vcpu *vcpu);

/*
 * Sleep on the vCPU's thread until it has work, an interrupt, a stop request, or host time `deadline` has
 * come.
 */
void vcpu_sleep(struct vcpu *vcpu, uint64_t deadline);

/*
 * For a device register whose access takes as long as the guest asked for (a hypercall that waits), on the
 * vCPU's thread, inside run(), with no lock held: sleep until ready(opaque), which may be called with the
 * vCPU's lock held, or host time `deadline`; work of others is done meanwhile. A request to stop ends it
 * early. Who makes it ready calls vcpu_kick. Returns whether it is ready.
 */
bool vcpu_wait(struct vcpu *vcpu, uint64_t deadline, bool (*ready)(void *opaque), void *opaque);

/*
 * Run fn(vcpu, arg) on the vCPU's thread between two blocks; or at once, on this thread, while the vCPU is
 * not running. With wait, return when it has run; a vCPU that waits (`self`, NULL for other threads) does its
 * own work meanwhile, so two may wait for each other. Machine lock not held when waiting; fn must not wait
 * for a vCPU.
 */
void vcpu_call(struct vcpu *vcpu, struct vcpu *self, void (*fn)(struct vcpu *vcpu, void *arg), void *arg,
               bool wait);

/* Do the work that is queued. For engines, on the vCPU's thread, where state is true. */
void vcpu_work_do(struct vcpu *vcpu);

/* One exit more, on the vCPU's thread; and how many there were, on any. */
void vcpu_exit_count(struct vcpu *vcpu, enum exit_reason reason);
uint64_t vcpu_exits(const struct vcpu *vcpu, enum exit_reason reason);
/* In a word, for the monitor: "mmio". */
const char *exit_reason_name(enum exit_reason reason);

/* physmem_load and physmem_store for a core's own accesses, which count as EXIT_MMIO where there is no RAM.
 */
bool vcpu_load(struct vcpu *vcpu, gpa_t p, unsigned width, uint64_t *value);
bool vcpu_store(struct vcpu *vcpu, gpa_t p, unsigned width, uint64_t value);

/* The vCPU whose run() the calling thread is in, or NULL. */
struct vcpu *vcpu_self(void);

/*
 * For interpreters, at the start of run() and whenever a block end found `limit` reached: sets limit again,
 * does the queued work, and says whether run() is to return EXIT_KICKED (a stop request, the end of the
 * slice).
 */
bool interpreter_attend(struct vcpu *vcpu);

static inline bool vcpu_limit_reached(const struct vcpu *vcpu)
{
    return vcpu->icount >= __atomic_load_n(&vcpu->limit, __ATOMIC_RELAXED);
}

/* Lower the limit, unless somebody has asked for attention already. */
static inline void vcpu_limit_lower(struct vcpu *vcpu, uint64_t to)
{
    uint64_t old = __atomic_load_n(&vcpu->limit, __ATOMIC_RELAXED);
    if (to < old)
        __atomic_compare_exchange_n(&vcpu->limit, &old, to, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/*
 * An exception was taken: no instruction is retired by that, but a slice gets shorter. A guest whose handler
 * faults itself, for ever, would never come to its end otherwise.
 */
static inline void vcpu_slice_shorten(struct vcpu *vcpu)
{
    if (vcpu->slice_end == UINT64_MAX || vcpu->slice_end == 0)
        return;
    vcpu->slice_end--;
    vcpu_limit_lower(vcpu, vcpu->slice_end);
}
