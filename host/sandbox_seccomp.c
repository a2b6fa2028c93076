/* System calls, by libseccomp: by name, so that the list is the same on every architecture. */
#include "base/types.h"
#include "host/sandbox_internal.h"

#if HAVE_SECCOMP

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

/* What running a machine takes: memory, threads, time, and what is open already. */
static const char *const always[] = {
    /* memory */
    "brk",
    "mmap",
    "munmap",
    "mremap",
    "madvise",
    "membarrier",
    "mincore",
    /* threads */
    "futex",
    "rseq",
    "set_robust_list",
    "sched_yield",
    "sched_getaffinity",
    "exit",
    "exit_group",
    "gettid",
    "getpid",
    "tgkill",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "rt_sigtimedwait",
    "sigaltstack",
    "restart_syscall",
    /* time */
    "clock_gettime",
    "clock_getres",
    "clock_nanosleep",
    "nanosleep",
    "gettimeofday",
    "time",
    "timerfd_create",
    "timerfd_settime",
    "timerfd_gettime",
    "times",
    "getrusage",
    /* files and devices that are open */
    "read",
    "write",
    "readv",
    "writev",
    "pread64",
    "pwrite64",
    "preadv",
    "pwritev",
    "preadv2",
    "pwritev2",
    "lseek",
    "_llseek",
    "fsync",
    "fdatasync",
    "fallocate",
    "ftruncate",
    "ftruncate64",
    "fstat",
    "fstat64",
    "newfstatat",
    "fstatfs",
    "statx",
    "close",
    "dup",
    "dup3",
    "fcntl",
    "fcntl64",
    "flock",
    "ioctl",
    "copy_file_range",
    /* waiting */
    "poll",
    "ppoll",
    "select",
    "pselect6",
    "epoll_create1",
    "epoll_ctl",
    "epoll_wait",
    "epoll_pwait",
    "epoll_pwait2",
    "eventfd2",
    "pipe2",
    /* sockets that are there, and who calls at those that listen */
    "accept",
    "accept4",
    "sendto",
    "sendmsg",
    "sendmmsg",
    "recvfrom",
    "recvmsg",
    "recvmmsg",
    "getsockname",
    "getpeername",
    "getsockopt",
    "setsockopt",
    "shutdown",
    /* the rest of what libraries ask */
    "getrandom",
    "uname",
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "sysinfo",
    "prlimit64",
};

/* A user network opens a socket for each connection of the guest. */
static const char *const connecting[] = {"socket", "connect", "bind", "listen"};

/* Files named beforehand, which Landlock checks; without it, any that the user could open. */
static const char *const opening[] = {"open",       "openat", "access", "faccessat", "faccessat2", "readlink",
                                      "readlinkat", "stat",   "stat64", "lstat",     "getdents64"};

/* Nothing that has gone wrong by itself asks for these. */
static const char *const deadly[] = {
    "execve",
    "execveat",
    "fork",
    "vfork",
    "ptrace",
    "process_vm_readv",
    "mount",
    "umount2",
    "pivot_root",
    "chroot",
    "setns",
    "unshare",
    "bpf",
    "kexec_load",
    "init_module",
    "finit_module",
    "delete_module",
    "perf_event_open",
    "reboot",
    "swapon",
    "keyctl",
    "add_key",
    "request_key",
    "open_by_handle_at",
    "setuid",
    "setgid",
    "setreuid",
    "setregid",
    "setresuid",
    "setresgid",
    "capset",
    "userfaultfd",
    "io_uring_setup",
    "process_vm_writev",
    "personality",
};

/* A name that this architecture has no call of is passed over. */
static bool rules_add(scmp_filter_ctx filter, uint32_t action, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int number = seccomp_syscall_resolve_name(names[i]);
        if (number >= 0 && seccomp_rule_add(filter, action, number, 0) != 0)
            return false;
    }
    return true;
}

/* Calls of which a part is allowed: threads but no processes, memory but no new code, a thread's name. */
static bool rules_of_parts(scmp_filter_ctx filter)
{
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                            SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD)) == 0 &&
           /* Its flags lie in memory, out of a filter's sight; the C library then uses clone. */
           seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
                            SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME, 0)) == 0;
}

static bool filter_fill(scmp_filter_ctx filter, const struct host_sandbox *sandbox)
{
    bool opens = sandbox->read_count || sandbox->write_count;
    /* Threads that other libraries have started are bound as well. */
    return seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) == 0 &&
           rules_add(filter, SCMP_ACT_ALLOW, always, ARRAY_LEN(always)) &&
           rules_add(filter, SCMP_ACT_KILL_PROCESS, deadly, ARRAY_LEN(deadly)) &&
           (!sandbox->connects || rules_add(filter, SCMP_ACT_ALLOW, connecting, ARRAY_LEN(connecting))) &&
           (!opens || rules_add(filter, SCMP_ACT_ALLOW, opening, ARRAY_LEN(opening))) &&
           rules_of_parts(filter);
}

/* A user-mode emulator, for one, has no filters for those it runs. */
bool host_sandbox_there(void)
{
    return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0;
}

bool sandbox_seccomp_enter(const struct host_sandbox *sandbox, struct error *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int failed = !filter || !filter_fill(filter, sandbox) ? -EINVAL : seccomp_load(filter);
    if (filter)
        seccomp_release(filter);
    return failed == 0 ||
           error_set(err, ERROR_HOST, "the host refused the filter of system calls: %s", strerror(-failed));
}

#else

bool host_sandbox_there(void)
{
    return false;
}

bool sandbox_seccomp_enter(const struct host_sandbox *sandbox, struct error *err)
{
    (void)sandbox;
    return error_set(err, ERROR_HOST,
                     "the sandbox is not built in (libseccomp-dev was missing): use --sandbox off");
}

#endif
