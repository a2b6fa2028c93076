/*
 * What the files of the KVM engine share: kvm.c (machines, vCPUs, the loop of run), kvm_memory.c (RAM as
 * memory slots), kvm_io.c (device accesses), kvm_probe.c (what this host has), and one kvm_<architecture>.c.
 *
 * The struct of the core is the truth outside run(). Inside, the truth moves to the kernel when the guest is
 * entered (kvm_state_load) and comes back when somebody wants to look (kvm_state_save): an exit that is a
 * device access moves nothing.
 */
#pragma once

#include <linux/kvm.h>

#include "accel/kvm/kvm.h"
#include "host/kvm.h"

/* A machine. */
struct kvm_vm {
    struct kvm_vm *next; /* of all machines of this program */
    struct ram *ram;
    int kvm, fd;
    size_t run_size;
    unsigned vcpus; /* in use */

    struct host_mutex lock; /* the slots */
    bool started;           /* some vCPU has run: changes of the map are followed at once */
    struct kvm_slot *slots;

    void *arch; /* of kvm_<architecture>.c */
};

struct kvm_vcpu {
    struct vcpu *vcpu;
    struct kvm_vm *vm;
    int fd;
    struct kvm_run *run;
    struct host_kvm_thread thread;
    bool ready;      /* kvm_arch_vcpu_start has succeeded */
    bool in_kernel;  /* the kernel's state is the truth */
    bool io_pending; /* the instruction that made the last exit ends when the guest is entered again */
    uint32_t inside; /* in KVM_RUN, or about to be; atomic */
    struct host_mutex kick_lock;
    uint32_t debug;      /* KVM_GUESTDBG_ flags in effect */
    bool stopped;        /* the last run() ended at a breakpoint */
    uint64_t stopped_at; /* the program counter when run() ended */
    void *arch;
};

static inline struct kvm_vcpu *kvm_of(struct vcpu *vcpu)
{
    return vcpu->engine_data;
}

/* EXIT_ERROR with a text. Returns false: run() is over. */
bool kvm_fail(struct vcpu_exit *exit, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Move the truth. save completes a device access that is under way. On the vCPU's thread; false: *exit says
 * why. */
bool kvm_state_load(struct kvm_vcpu *kv, struct vcpu_exit *exit);
bool kvm_state_save(struct kvm_vcpu *kv, struct vcpu_exit *exit);

/* What is to be done next. */
enum kvm_step {
    KVM_STEP_ENTER,
    KVM_STEP_AGAIN, /* look again, for stop requests too */
    KVM_STEP_EXIT,  /* run() is over: *exit says why */
};

/*
 * Do up to `insns` instructions in the interpreter: what this KVM can't do, and what is rare enough not to be
 * done twice in this program (system-management mode, a closed A20 gate, many watchpoints). It takes
 * interrupts as always. Never ENTER.
 */
enum kvm_step kvm_interpret(struct kvm_vcpu *kv, uint64_t insns, struct vcpu_exit *exit);

/* One ONE_REG register of up to 16 bytes; false when the kernel has none of that number. */
bool kvm_register_get(struct kvm_vcpu *kv, uint64_t id, void *value);
bool kvm_register_set(struct kvm_vcpu *kv, uint64_t id, const void *value);

/* ---- kvm_memory.c ---- */

bool kvm_memory_create(struct kvm_vm *vm, struct error *err);
void kvm_memory_destroy(struct kvm_vm *vm);
/* Before the first vCPU runs. False and err: a slot is refused. */
bool kvm_memory_start(struct kvm_vm *vm, struct error *err);

/* ---- kvm_io.c ---- */

/* KVM_EXIT_IO and KVM_EXIT_MMIO. Reads of nothing give all ones. */
void kvm_port_access(struct kvm_vcpu *kv);
void kvm_memory_access(struct kvm_vcpu *kv);

/* ---- kvm_probe.c ---- */

bool kvm_probe(const struct cpu_ops *ops, struct error *err);

struct kvm_need {
    const char *name;
    int capability;
};
/* Whether a capability is there, of the system or a machine. */
int kvm_has(int fd, int capability);
/* False and err, naming what is missing. */
bool kvm_needs(int fd, const struct kvm_need *needs, size_t count, struct error *err);

/* ---- kvm_<architecture>.c ---- */

/* The guests this host can have; NULL: none that this program knows. */
extern const struct cpu_ops *const kvm_arch_guest;

/* Without these nothing runs; what an operating system takes beyond that. Both list capabilities; suits tries
 * the rest. `kvm` is the open device. */
extern const struct kvm_need kvm_arch_needs[];
extern const size_t kvm_arch_need_count;
bool kvm_arch_suits(int kvm, struct error *err);

/* The type for KVM_CREATE_VM. */
unsigned long kvm_arch_vm_type(int kvm);
bool kvm_arch_vm_create(struct kvm_vm *vm, struct error *err);
void kvm_arch_vm_destroy(struct kvm_vm *vm);

/* create: the fd is there, the machine is still being built; start: before its first run, on its thread. */
bool kvm_arch_vcpu_create(struct kvm_vcpu *kv, struct error *err);
bool kvm_arch_vcpu_start(struct kvm_vcpu *kv, struct error *err);
void kvm_arch_vcpu_destroy(struct kvm_vcpu *kv);

/* Struct to kernel, kernel to struct. Negative: an errno; *what names the part. */
int kvm_arch_load(struct kvm_vcpu *kv, const char **what);
int kvm_arch_save(struct kvm_vcpu *kv, const char **what);

/* Events that are taken outside the guest, sleep, and what the interpreter must do instead; the truth may be
 * on either side. */
enum kvm_step kvm_arch_prepare(struct kvm_vcpu *kv, struct vcpu_exit *exit);
/* The truth is in the kernel: interrupts in. False: *exit. */
bool kvm_arch_enter(struct kvm_vcpu *kv, struct vcpu_exit *exit);
/* Back out of KVM_RUN, whatever it gave. */
void kvm_arch_left(struct kvm_vcpu *kv);
/* An exit that is not common to all. False: run() is over. */
bool kvm_arch_exit(struct kvm_vcpu *kv, struct vcpu_exit *exit);

/* What KVM_SET_GUEST_DEBUG does here; the interpreter does the rest. */
extern const struct kvm_debugging {
    bool steps;
    unsigned breakpoints; /* so many at the most */
    /* Number n of them. */
    void (*breakpoint_set)(struct kvm_guest_debug *debug, unsigned n, uint64_t address);
} kvm_arch_debugging;
/* KVM_EXIT_DEBUG: fill in exit->debug. */
void kvm_arch_debug_exit(struct kvm_vcpu *kv, struct vcpu_exit *exit);
