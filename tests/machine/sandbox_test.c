/*
 * A guest that has taken the program over, as far as a test can have one: its store to a device that only
 * this test's board has makes the process try what the sandbox takes away.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bits.h"
#include "host/sandbox.h"
#include "tests/machine/board_support.h"

#define DEVICE  0x05000000u /* lui a0, 0x5000 */
#define WORKED  0
#define REFUSED 100 /* and errno */

static char named[] = "/tmp/triarch-sandbox-XXXXXX"; /* the kernel: opened again at a reset */

/* --- what is tried; each returns what a system call does --- */

static long open_named(void)
{
    return open(named, O_RDONLY | O_CLOEXEC);
}

static long open_other(void)
{
    return open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static long write_named(void)
{
    return open(named, O_RDWR | O_CLOEXEC);
}

static long create_file(void)
{
    char path[64];
    snprintf(path, sizeof(path), "%s-new", named);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (fd >= 0)
        unlink(path);
    return fd;
}

static long make_connection(void)
{
    return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static long make_code(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? -1 : mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static long signal_parent(void)
{
    return kill(getppid(), 0);
}

static long make_process(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    if (child > 0)
        waitpid(child, NULL, 0);
    return child;
}

static long start_program(void)
{
    return execl("/bin/true", "true", NULL);
}

static const struct {
    const char *name;
    long (*attempt)(void);
    int refusal; /* errno in the sandbox; 0: it works there too; -1: the process ends */
    bool landlock;
} attempts[] = {
    {"open a named file", open_named, 0, false},
    {"open another file", open_other, EACCES, true},
    {"write to a named file", write_named, EACCES, true},
    {"create a file", create_file, EACCES, true},
    {"make a connection", make_connection, EPERM, false},
    {"make code", make_code, EPERM, false},
    {"signal another process", signal_parent, EPERM, false},
    {"make a process", make_process, EPERM, false},
    {"start a program", start_program, -1, false},
};

/* --- the guest --- */

static void device_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct machine *machine = opaque;
    (void)offset, (void)width;
    errno = 0;
    long result = attempts[value % ARRAY_LEN(attempts)].attempt();
    machine->request(machine, MACHINE_EXIT, result >= 0 ? WORKED : REFUSED + errno);
}

/* Stores the number of its attempt, then waits for the end. */
static bool guest_write(unsigned number)
{
    uint8_t code[16];
    le32_store(code, 0x05000537);                    /* lui a0, 0x5000 */
    le32_store(code + 4, 0x00000593 | number << 20); /* li a1, number */
    le32_store(code + 8, 0x00b52023);                /* sw a1, 0(a0) */
    le32_store(code + 12, 0x0000006f);               /* j . */
    int fd = open(named, O_WRONLY | O_TRUNC | O_CLOEXEC);
    bool ok = fd >= 0 && write(fd, code, sizeof(code)) == sizeof(code);
    if (fd >= 0)
        close(fd);
    return ok;
}

static int guest_run(bool inside)
{
    struct test_board test;
    struct error err = {0};
    struct host_sandbox sandbox = {.read = {named}, .read_count = 1};
    int status = 1;
    test_board_config(&test);
    test.config.kernel = named;
    test.config.firmware = FIRMWARE_NONE;
    test.config.timeout_ns = 60 * 1000000000ull;
    struct machine_run *run = riscv_virt_create(&test.config, &err);
    struct bus_region region = {.name = "attempts", .base = DEVICE, .size = 4, .write = device_write};
    if (run)
        region.opaque = &run->machine;
    if (!run || !bus_add(run->machine.mem.mmio, &region, NULL, &err) ||
        (inside && !host_sandbox_enter(&sandbox, &err)) || !machine_run(run, &status, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    return status;
}

/* How a process ends in which the guest makes one attempt: as waitpid says it. */
static int attempt_make(unsigned number, bool inside)
{
    int status = -1;
    if (!CHECK(guest_write(number)))
        return -1;
    pid_t child = fork();
    if (child == 0)
        _exit(guest_run(inside));
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    return status;
}

static void attempts_make(void)
{
    bool landlock = host_sandbox_landlock() > 0;
    for (unsigned i = 0; i < ARRAY_LEN(attempts); i++) {
        test_context("%s", attempts[i].name);
        if (attempts[i].attempt != start_program)
            CHECK_EQ(WEXITSTATUS(attempt_make(i, false)), WORKED);
        int status = attempt_make(i, true);
        if (attempts[i].refusal < 0)
            CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
        else if (landlock || !attempts[i].landlock)
            CHECK_EQ(WEXITSTATUS(status), attempts[i].refusal ? REFUSED + attempts[i].refusal : WORKED);
    }
    test_context(NULL);
}

static void guests_can_not_leave(void)
{
    if (!host_sandbox_there()) {
        SKIP("this host can't filter system calls, or libseccomp was not there when this was built");
        return;
    }
    int fd = mkstemp(named);
    if (!CHECK(fd >= 0))
        return;
    close(fd);
    attempts_make();
    unlink(named);
}

static const struct test_case cases[] = {
    {"guests_can_not_leave", guests_can_not_leave},
};

TEST_SUITE(sandbox_test, "unit", cases);
