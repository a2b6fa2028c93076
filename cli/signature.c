#include "cli/signature.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "machine/loader/elf_symbol.h"

struct signature {
    const char *path;
    FILE *file; /* opened at once: later the process may not be allowed to */
    uint64_t begin, end;
};

static bool symbols_find(const char *kernel, uint64_t *begin, uint64_t *end, struct error *err)
{
    struct elf_symbol symbols[] = {{.name = "begin_signature"}, {.name = "end_signature"}};
    struct source source;
    if (!kernel)
        return error_set(err, ERROR_USAGE, "--signature is a test program's: give --kernel FILE as well");
    if (!source_open(&source, kernel, NULL, err))
        return false;
    bool found = elf_symbols_find(&source, symbols, ARRAY_LEN(symbols));
    source_close(&source);
    *begin = symbols[0].value;
    *end = symbols[1].value;
    if (!found)
        return error_set(err, ERROR_IMAGE,
                         "%s has no signature: it is no ELF file with the symbols begin_signature and "
                         "end_signature",
                         kernel);
    if (*begin > *end || *begin % 4 || *end % 4)
        return error_set(err, ERROR_IMAGE,
                         "the signature of %s is from 0x%" PRIx64 " to 0x%" PRIx64
                         ", which are no whole words",
                         kernel, *begin, *end);
    return true;
}

static bool file_bad(const char *path, struct error *err)
{
    return error_set(err, ERROR_HOST, "can't write the signature to %s: %s", path, strerror(errno));
}

struct signature *signature_create(const char *path, const char *kernel, struct error *err)
{
    uint64_t begin = 0, end = 0;
    if (!symbols_find(kernel, &begin, &end, err))
        return NULL;
    FILE *file = fopen(path, "w");
    struct signature *signature = file ? malloc(sizeof(*signature)) : NULL;
    if (!signature) {
        file_bad(path, err);
        if (file)
            fclose(file);
        return NULL;
    }
    *signature = (struct signature){.path = path, .file = file, .begin = begin, .end = end};
    return signature;
}

bool signature_write(struct signature *signature, struct ram *ram, struct error *err)
{
    for (uint64_t at = signature->begin; at < signature->end; at += 4) {
        uint8_t word[4];
        if (!ram_read(ram, gpa(at), word, sizeof(word)))
            return error_set(err, ERROR_IMAGE,
                             "the signature at 0x%" PRIx64 " does not lie in the machine's memory", at);
        fprintf(signature->file, "%08" PRIx32 "\n", le32_load(word));
    }
    return (!fflush(signature->file) && !ferror(signature->file)) || file_bad(signature->path, err);
}

void signature_destroy(struct signature *signature)
{
    if (!signature)
        return;
    fclose(signature->file);
    free(signature);
}
