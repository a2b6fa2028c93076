#include "tests/insn/peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "tests/harness/test.h"

#define ELF_HEAD  120  /* file header and one program header */
#define ELF_START 4096 /* of the segment, in the file */

bool peer_can_judge(const char *emulator, unsigned major, unsigned minor)
{
    char command[64], format[64];
    unsigned its_major = 0, its_minor = 0;
    snprintf(command, sizeof(command), "%s --version 2>/dev/null", emulator);
    snprintf(format, sizeof(format), "%s version %%u.%%u", emulator);
    FILE *output = popen(command, "r");
    char line[128] = "";
    if (output) {
        if (!fgets(line, sizeof(line), output))
            line[0] = 0;
        pclose(output);
    }
    if (sscanf(line, format, &its_major, &its_minor) != 2) {
        SKIP("%s is missing: scripts/peers fetches it", emulator);
        return false;
    }
    if (its_major * 100 + its_minor >= major * 100 + minor)
        return true;
    SKIP("%s is version %u.%u, and lacks instructions that %u.%u has: scripts/peers fetches a newer one", emulator, its_major,
         its_minor, major, minor);
    return false;
}

static bool elf_write(FILE *file, const struct peer_program *program)
{
    uint8_t head[ELF_HEAD] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    uint64_t size = 0;
    for (size_t n = 0; n < ARRAY_LEN(program->pieces); n++)
        size += program->pieces[n].len;
    le16_store(head + 16, 2); /* ET_EXEC */
    le16_store(head + 18, program->elf_machine);
    le32_store(head + 20, 1);
    le64_store(head + 24, program->base); /* entry */
    le64_store(head + 32, 64);            /* program headers */
    le32_store(head + 48, program->elf_flags);
    le16_store(head + 52, 64);
    le16_store(head + 54, 56);
    le16_store(head + 56, 1);
    le32_store(head + 64, 1); /* PT_LOAD */
    le32_store(head + 68, 7); /* RWX */
    le64_store(head + 72, ELF_START);
    le64_store(head + 80, program->base);
    le64_store(head + 88, program->base);
    le64_store(head + 96, size);
    le64_store(head + 104, size);
    le64_store(head + 112, 4096);
    bool ok = fwrite(head, sizeof(head), 1, file) == 1 && fseek(file, ELF_START, SEEK_SET) == 0;
    for (size_t n = 0; ok && n < ARRAY_LEN(program->pieces) && program->pieces[n].len; n++)
        ok = fwrite(program->pieces[n].bytes, program->pieces[n].len, 1, file) == 1;
    return ok;
}

/* A new executable file; its path is completed. */
static bool file_make(char *path, const struct peer_program *program)
{
    int fd = mkstemp(path);
    FILE *file = fd >= 0 ? fdopen(fd, "wb") : NULL;
    bool ok = file && elf_write(file, program);
    if (file)
        ok &= fclose(file) == 0;
    return ok && chmod(path, 0700) == 0;
}

void *peer_run(const struct peer_program *program, size_t len)
{
    char path[] = "/tmp/triarch-insn-XXXXXX", command[256];
    bool made = file_make(path, program);
    snprintf(command, sizeof(command), "%s -cpu max %s", program->emulator, path);
    void *bytes = malloc(len);
    FILE *output = made && bytes ? popen(command, "r") : NULL;
    size_t got = output ? fread(bytes, 1, len, output) : 0;
    int status = output ? pclose(output) : -1;
    if (!test_env("TRIARCH_TEST_KEEP"))
        unlink(path);
    if (got == len && status == 0)
        return bytes;
    FAIL("%s gave %zu of %zu bytes, status %#x", program->emulator, got, len, (unsigned)status);
    free(bytes);
    return NULL;
}
