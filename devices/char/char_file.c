/* Output to a file, no input. */
#include <stdlib.h>

#include "devices/char/char_backends.h"
#include "host/stream.h"

struct char_file {
    struct char_port port;
    int fd;
    bool failed;
};

static size_t file_write(struct char_port *port, const uint8_t *bytes, size_t len)
{
    struct char_file *file = container_of(port, struct char_file, port);
    for (size_t done = 0, put; done < len && !file->failed; done += put) {
        if (host_stream_write(file->fd, bytes + done, len - done, &put) == HOST_STREAM_OK)
            continue;
        log_warn("the serial output file can't be written any more: its output is lost from here on");
        file->failed = true;
    }
    return len;
}

static void file_close(struct char_port *port)
{
    struct char_file *file = container_of(port, struct char_file, port);
    host_stream_close(file->fd);
    free(file);
}

static const struct char_ops file_ops = {.write = file_write, .close = file_close};

struct char_port *char_file_create(const char *path, struct error *err)
{
    int fd = host_stream_create(path, err);
    if (fd < 0)
        return NULL;
    struct char_file *file = machine_alloc(sizeof(*file));
    file->port.ops = &file_ops;
    file->fd = fd;
    return &file->port;
}
