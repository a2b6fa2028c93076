/*
 * The functions of Capstone that are used here, each handing on to the library, which is loaded when one is
 * first called: its tables would cost every start of the program a millisecond and 3 MiB, and few look at
 * instructions. A library that has gone since the build is one that disassembles nothing.
 */
#if HAVE_CAPSTONE
#include <capstone/capstone.h>
#include <dlfcn.h>
#include <pthread.h>

#define TEXT(number)  TEXT_(number)
#define TEXT_(number) #number

static struct {
    cs_err (*open)(cs_arch arch, cs_mode mode, csh *handle);
    cs_err (*close)(csh *handle);
    size_t (*disasm)(csh handle, const uint8_t *code, size_t size, uint64_t address, size_t count,
                     cs_insn **insn);
    void (*free)(cs_insn *insn, size_t count);
} library;

static void library_load(void)
{
    void *opened = dlopen("libcapstone.so." TEXT(CS_API_MAJOR), RTLD_NOW | RTLD_LOCAL);
    if (!opened)
        return;
    *(void **)&library.close = dlsym(opened, "cs_close");
    *(void **)&library.disasm = dlsym(opened, "cs_disasm");
    *(void **)&library.free = dlsym(opened, "cs_free");
    if (library.close && library.disasm && library.free)
        *(void **)&library.open = dlsym(opened, "cs_open");
}

/* Nothing else is called without a handle from here. */
cs_err cs_open(cs_arch arch, cs_mode mode, csh *handle)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, library_load);
    return library.open ? library.open(arch, mode, handle) : CS_ERR_ARCH;
}

cs_err cs_close(csh *handle)
{
    return library.close(handle);
}

size_t cs_disasm(csh handle, const uint8_t *code, size_t code_size, uint64_t address, size_t count,
                 cs_insn **insn)
{
    return library.disasm(handle, code, code_size, address, count, insn);
}

void cs_free(cs_insn *insn, size_t count)
{
    library.free(insn, count);
}
#endif
