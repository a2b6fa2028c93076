#include "cli/ports.h"

#include <string.h>

#include "cli/parse.h"

static bool name_taken(const struct port_config *ports, unsigned count, const char *name)
{
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(ports[i].name, name) == 0)
            return true;
    }
    return false;
}

bool ports_parse(const struct run_options *options, struct port_config *ports, unsigned *count,
                 struct error *err)
{
    *count = 0;
    for (unsigned i = 0; i < options->ports.count; i++) {
        const char *spec = options->ports.items[i];
        size_t len = strcspn(spec, "=");
        if (len == 0 || !spec[len] || !spec[len + 1])
            return error_set(err, ERROR_USAGE,
                             "--port %s is not understood: write NAME=unix:PATH,server, for example", spec);
        if (len > VIRTIO_CONSOLE_NAME_MAX)
            return error_set(err, ERROR_USAGE, "--port %s: a port's name has %u bytes at most", spec,
                             VIRTIO_CONSOLE_NAME_MAX);
        const char *name = text_keep("%.*s", (int)len, spec);
        if (name_taken(ports, *count, name))
            return error_set(err, ERROR_USAGE, "--port %s is there twice: give each port a name of its own",
                             name);
        if (*count == VIRTIO_CONSOLE_PORTS_MAX - 1)
            return error_set(err, ERROR_USAGE, "a machine has %u named ports at most: %s is one too many",
                             VIRTIO_CONSOLE_PORTS_MAX - 1, name);
        ports[(*count)++] = (struct port_config){.name = name, .end = spec + len + 1};
    }
    return true;
}
