/* vm-cli info: what this program and this host offer. */
#include <stdio.h>
#include <string.h>

#include "accel/accel.h"
#include "cli/commands.h"
#include "cli/info_image.h"
#include "cli/parse.h"
#include "cli/report.h"
#include "host/memory.h"
#include "host/sandbox.h"
#include "machine/firmware.h"
#include "machine/loader/detect.h"

/* Whether an engine can run a guest, and whether --accel auto takes it. */
static void engine_print(const struct accel *accel, const struct cpu_ops *ops)
{
    struct error why = {0};
    printf("           %-7s %-8s ", accel->engine->name, ops->name);
    if (!accel->engine->probe(ops, &why))
        printf("no: %s\n", why.text);
    else if (accel->suits && !accel->suits(ops, &why))
        printf("only when asked for: %s\n", why.text);
    else
        printf("yes\n");
}

static void engines_print(void)
{
    printf("engines:   the first that can is what --accel auto takes\n");
    for (unsigned i = 0; accel_get(i); i++) {
        for (int arch = 0; arch < GUEST_ARCH_COUNT; arch++)
            engine_print(accel_get(i), cpu_ops_find((enum guest_arch)arch));
    }
}

static void arches_print(void)
{
    printf("guests:   ");
    for (int i = 0; i < GUEST_ARCH_COUNT; i++)
        printf(" %s", guest_arch_name((enum guest_arch)i));
    printf("\n");
}

/* Names from a list that ends with NULL, broken into lines. */
static void names_print(const char *title, const char *(*name)(unsigned index))
{
    const char *last_line = strrchr(title, '\n');
    int column = (int)strlen(last_line ? last_line : title);
    printf("%s", title);
    for (unsigned i = 0; name(i); i++) {
        if (column > 90)
            column = printf("\n          ") - 1;
        column += printf(" %s", name(i));
    }
    printf("\n");
}

static void models_print(void)
{
    for (int i = 0; i < GUEST_ARCH_COUNT; i++) {
        const struct cpu_ops *ops = cpu_ops_find((enum guest_arch)i);
        printf("%s\n", ops->name);
        names_print("  models: ", ops->model_name);
        names_print("  features (--cpu MODEL,+FEATURE,-FEATURE):\n          ", ops->feature_name);
    }
}

static void libraries_print(void)
{
    static const struct {
        const char *name;
        bool there;
        const char *for_what;
    } libraries[] = {
        {"zlib", true, "gzip kernels, qcow2"},
        {"libfdt", true, "device trees"},
        {"libuv", true, "the event loop"},
        {"zstd", HAVE_ZSTD, "zstd kernels and qcow2 clusters"},
        {"libslirp", HAVE_SLIRP, "the user network"},
        {"capstone", HAVE_CAPSTONE, "disassembly"},
        {"libpng", HAVE_PNG, "screenshots"},
        {"SDL2", HAVE_SDL2, "the window"},
        {"libvncserver", HAVE_VNCSERVER, "the VNC server"},
        {"toml++", HAVE_TOML, "configuration files"},
        {"seccomp", HAVE_SECCOMP, "the sandbox"},
    };
    for (size_t i = 0; i < ARRAY_LEN(libraries); i++)
        printf("%s%-12s %s (%s)\n", i ? "           " : "libraries: ", libraries[i].name,
               libraries[i].there ? "yes" : "no, left out", libraries[i].for_what);
}

static void firmware_print(void)
{
    char path[FIRMWARE_PATH_MAX];
    for (int i = 0; i < FIRMWARE_KINDS; i++) {
        bool found = firmware_find((enum firmware_kind)i, path);
        printf("%s%s: %s\n", i ? "           " : "firmware:  ", firmware_name((enum firmware_kind)i),
               found ? path : "not found");
    }
}

static void sandbox_print(void)
{
    int landlock = host_sandbox_landlock();
    printf("sandbox:   system calls %s, files ",
           host_sandbox_there() ? "yes" : "no (built without libseccomp, or the kernel has no filters)");
    if (landlock)
        printf("yes (Landlock %d)\n", landlock);
    else
        printf("no (this kernel has no Landlock)\n");
}

static int images_print(int count, char **words)
{
    struct error err = {0};
    for (int i = 0; i < count; i++) {
        if (words[i][0] == '-')
            error_set(&err, ERROR_USAGE, "info takes names of images and no options, and was given %s",
                      words[i]);
        if (err.kind != ERROR_NONE || !info_image(words[i], &err))
            return report_error(&err);
    }
    return EXIT_STATUS_OK;
}

static const char help[] =
    "usage: vm-cli info [IMAGE]...\n\n"
    "Without an image: the engines, guests, processor models, libraries and firmware that there are.\n"
    "With images: what each is, for which architecture, and how it would be started.\n";

int info_command(int count, char **words)
{
    char memory[32];
    if (count == 1 && (strcmp(words[0], "--help") == 0 || strcmp(words[0], "-h") == 0)) {
        fputs(help, stdout);
        return EXIT_STATUS_OK;
    }
    if (count > 0)
        return images_print(count, words);
    format_size(host_memory_total(), memory, sizeof(memory));
    printf("vm-cli " TRIARCH_VERSION "\nhost:      %s of memory\n", memory);
    engines_print();
    arches_print();
    models_print();
    libraries_print();
    firmware_print();
    sandbox_print();
    return EXIT_STATUS_OK;
}
