/*
 * What goes through the kernel: system calls, processes, signals and page faults; and atomics, which don't,
 * but need two threads.
 */
#include "bench.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A round is one call that does next to nothing. */
uint64_t bench_syscalls(uint64_t rounds)
{
    long parent = syscall(SYS_getppid);
    uint64_t same = 0;

    for (uint64_t round = 0; round < rounds; round++)
        same += syscall(SYS_getppid) == parent;
    return same;
}

static void wait_for(pid_t child, int expected)
{
    int status;

    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            bench_fail("waitpid");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != expected)
        bench_fail("a child's exit status");
}

/* The other end of the pipes: adds one to what comes and sends it back until nothing comes. */
static _Noreturn void pipe_answer(int in, int out)
{
    uint64_t token;

    while (read(in, &token, sizeof(token)) == sizeof(token)) {
        token++;
        if (write(out, &token, sizeof(token)) != sizeof(token))
            _exit(1);
    }
    _exit(0);
}

/* A round is a token's way to another process and back. */
uint64_t bench_pipe(uint64_t rounds)
{
    int there[2], back[2];
    uint64_t token = 0;

    if (pipe(there) != 0 || pipe(back) != 0)
        bench_fail("pipe");
    pid_t child = fork();
    if (child < 0)
        bench_fail("fork");
    if (child == 0) {
        close(there[1]);
        pipe_answer(there[0], back[1]);
    }
    close(there[0]);
    close(back[1]);
    for (uint64_t round = 0; round < rounds; round++) {
        token++;
        if (write(there[1], &token, sizeof(token)) != sizeof(token))
            bench_fail("write");
        if (read(back[0], &token, sizeof(token)) != sizeof(token))
            bench_fail("read");
    }
    close(there[1]);
    close(back[0]);
    wait_for(child, 0);
    return token;
}

/* A round is a child that ends at once with a status of its own. */
uint64_t bench_fork(uint64_t rounds)
{
    uint64_t sum = 0;

    for (uint64_t round = 0; round < rounds; round++) {
        int status = (int)(round % 100);
        pid_t child = fork();
        if (child < 0)
            bench_fail("fork");
        if (child == 0)
            _exit(status);
        wait_for(child, status);
        sum += (uint64_t)status;
    }
    return sum;
}

enum { FAULT_PAGES = 1024, PAGE = 4096 };

/* A round maps fresh memory, writes to every page, reads it back and unmaps it. */
uint64_t bench_faults(uint64_t rounds)
{
    uint64_t sum = 0;

    for (uint64_t round = 0; round < rounds; round++) {
        const size_t length = (size_t)FAULT_PAGES * PAGE;
        char *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
            bench_fail("mmap");
        /* A kernel without huge pages refuses, and is right to. */
        madvise(memory, length, MADV_NOHUGEPAGE);
        for (size_t i = 0; i < FAULT_PAGES; i++)
            memory[i * PAGE] += (char)(i % 100 + 1);
        for (size_t i = 0; i < FAULT_PAGES; i++)
            sum += (uint64_t)memory[i * PAGE];
        if (munmap(memory, length) != 0)
            bench_fail("munmap");
    }
    return sum;
}

static volatile sig_atomic_t signals_seen;

static void on_signal(int number)
{
    signals_seen += number == SIGUSR1 ? 1 : 2;
}

/* A round is a signal to oneself, handled before kill() returns. */
uint64_t bench_signals(uint64_t rounds)
{
    struct sigaction action = {.sa_handler = on_signal};

    signals_seen = 0;
    if (sigaction(SIGUSR1, &action, NULL) != 0 || sigaction(SIGUSR2, &action, NULL) != 0)
        bench_fail("sigaction");
    for (uint64_t round = 0; round < rounds; round++)
        if (kill(getpid(), round % 2 ? SIGUSR2 : SIGUSR1) != 0)
            bench_fail("kill");
    return (uint64_t)signals_seen;
}

static struct {
    _Alignas(64) atomic_uint_least64_t counter;
    _Alignas(64) atomic_uint_least64_t total;
} shared;

static void *add_atomically(void *argument)
{
    const uint64_t *rounds = argument;

    for (uint64_t round = 0; round < *rounds; round++) {
        atomic_fetch_add(&shared.counter, 1);
        uint64_t total = atomic_load(&shared.total);
        while (!atomic_compare_exchange_weak(&shared.total, &total, total + round))
            continue;
    }
    return NULL;
}

/* Two threads; a round of each is one addition and one compare-and-swap that succeeds, on words that both
 * write. */
uint64_t bench_atomics(uint64_t rounds)
{
    pthread_t other;

    atomic_store(&shared.counter, 0);
    atomic_store(&shared.total, 0);
    errno = pthread_create(&other, NULL, add_atomically, &rounds);
    if (errno != 0)
        bench_fail("pthread_create");
    add_atomically(&rounds);
    errno = pthread_join(other, NULL);
    if (errno != 0)
        bench_fail("pthread_join");
    return fold(atomic_load(&shared.counter), atomic_load(&shared.total));
}
