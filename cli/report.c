#include "cli/report.h"

#include <stdio.h>
#include <string.h>

#include "base/types.h"
#include "cli/commands.h"

int report_error(const struct error *err)
{
    fprintf(stderr, "vm-cli: %s\n", err->text);
    switch (err->kind) {
    case ERROR_USAGE: return EXIT_STATUS_USAGE;
    case ERROR_IMAGE: return EXIT_STATUS_IMAGE;
    default: return EXIT_STATUS_HOST;
    }
}

void report_progress(const char *path, uint64_t done, uint64_t total)
{
    const char *name = strrchr(path, '/');
    if (done == total)
        fprintf(stderr, "\r\033[K");
    else
        fprintf(stderr, "\rloading %s: %llu of %llu MiB", name ? name + 1 : path,
                (unsigned long long)(done / MIB), (unsigned long long)(total / MIB));
    fflush(stderr);
}
