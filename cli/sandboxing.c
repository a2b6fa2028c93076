#include "cli/sandboxing.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/types.h"
#include "cli/parse.h"
#include "host/sandbox.h"
#include "machine/firmware.h"

bool sandboxing_wanted(const struct run_options *options, bool standard, bool *wanted, struct error *err)
{
    *wanted = options->sandbox ? strcmp(options->sandbox, "on") == 0 : standard && host_sandbox_there();
    if (!options->sandbox || *wanted || strcmp(options->sandbox, "off") == 0)
        return true;
    return error_set(err, ERROR_USAGE, "--sandbox is on or off, not %s", options->sandbox);
}

static void path_add(const char **paths, unsigned *count, const char *path)
{
    if (path && *count < SANDBOX_PATHS_MAX)
        paths[(*count)++] = path;
}

static void reads_add(struct host_sandbox *sandbox, const char *path)
{
    path_add(sandbox->read, &sandbox->read_count, path);
}

/* A reset reads the images again. One inside a CD image is in the file before the colon. */
static void images_add(struct host_sandbox *sandbox, const char *path)
{
    const char *colon = path ? strrchr(path, ':') : NULL;
    reads_add(sandbox, path);
    if (colon)
        reads_add(sandbox, text_keep("%.*s", (int)(colon - path), path));
}

static void firmware_add(struct host_sandbox *sandbox, const char *given)
{
    static char paths[FIRMWARE_KINDS][FIRMWARE_PATH_MAX];
    reads_add(sandbox, given);
    for (int i = 0; i < FIRMWARE_KINDS; i++) {
        if (firmware_find((enum firmware_kind)i, paths[i]))
            reads_add(sandbox, paths[i]);
    }
}

/* "SECONDS:FILE.png": the folder of the file, where it is made. */
static void screenshot_add(struct host_sandbox *sandbox, const char *spec)
{
    const char *colon = strchr(spec, ':');
    const char *file = colon ? colon + 1 : "";
    const char *slash = strrchr(file, '/');
    path_add(sandbox->write, &sandbox->write_count,
             !slash          ? "."
             : slash == file ? "/"
                             : text_keep("%.*s", (int)(slash - file), file));
}

/* A user network makes connections: a machine has one when nothing is said. */
static bool connections_wanted(const struct run_options *options, bool unikernel)
{
    bool wanted = !unikernel && options->nets.count == 0;
    for (unsigned i = 0; !unikernel && i < options->nets.count; i++)
        wanted |= strncmp(options->nets.items[i], "user", 4) == 0;
    for (unsigned i = 0; unikernel && i < options->hvt_nets.count; i++)
        wanted |= strstr(options->hvt_nets.items[i], "=user") != NULL;
    return wanted;
}

bool sandboxing_enter(const struct run_options *options, bool unikernel, struct error *err)
{
    struct host_sandbox sandbox = {.connects = connections_wanted(options, unikernel)};
    images_add(&sandbox, options->kernel);
    images_add(&sandbox, options->initrd);
    reads_add(&sandbox, options->dtb);
    if (!unikernel)
        firmware_add(&sandbox, options->firmware);
    for (unsigned i = 0; i < options->screenshots.count; i++)
        screenshot_add(&sandbox, options->screenshots.items[i]);
    path_add(sandbox.write, &sandbox.write_count, options->hvt_dumpcore);
    if (sandbox.connects)
        reads_add(&sandbox, "/etc/resolv.conf"); /* the user network's name server is the host's */
    if (host_sandbox_landlock() == 0)
        log_info("sandbox: this kernel has no Landlock: system calls are filtered, files are not");
    return host_sandbox_enter(&sandbox, err);
}
