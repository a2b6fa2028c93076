/* Thread-local variables: a block for each of two threads, and the thread pointer between them. */
#include "guests/hvt/hvt.h"

MANIFEST(0);

extern char _tdata[], _tdata_end[], _tbss_size[];

#define ALIGNMENT 64

static __thread volatile uint64_t initialised __attribute__((aligned(ALIGNMENT))) = 0x0123456789abcdef;
static __thread volatile uint64_t zeroed;

static uint8_t buffers[2][1024] __attribute__((aligned(ALIGNMENT)));

static size_t align(size_t value)
{
    return (value + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

static void *thread_make(uint8_t *buffer)
{
    size_t data = (size_t)(_tdata_end - _tdata), all = align(data + (uintptr_t)_tbss_size);
    void *pointer;
    uint8_t *block = thread_block_place(buffer, sizeof(buffers[0]), all, &pointer);
    for (size_t i = 0; i < data; i++)
        block[i] = (uint8_t)_tdata[i];
    return pointer;
}

/* Functions of their own, so that the compiler does not keep a thread pointer that has changed since. */
__attribute__((noinline)) static bool variables_are(uint64_t first, uint64_t second)
{
    return initialised == first && zeroed == second;
}

__attribute__((noinline)) static void count(uint64_t *sum)
{
    zeroed += 1;
    initialised += 1;
    *sum = zeroed;
}

int guest_main(const struct boot_info *info)
{
    void *threads[2] = {thread_make(buffers[0]), thread_make(buffers[1])};
    uint64_t sum = 0;
    (void)info;
    thread_pointer_set(threads[0]);
    check(variables_are(0x0123456789abcdef, 0), "the first thread's variables");
    count(&sum);
    count(&sum);
    check(sum == 2, "the first thread counts");
    thread_pointer_set(threads[1]);
    check(variables_are(0x0123456789abcdef, 0), "the second thread has its own");
    count(&sum);
    check(sum == 1, "the second thread counts");
    thread_pointer_set(threads[0]);
    check(variables_are(0x0123456789abcdf1, 2), "the first thread's are as they were");
    return check_status();
}
