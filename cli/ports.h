/* --port: the named ports of the virtio console, NAME=END. */
#pragma once

#include "cli/options.h"
#include "devices/virtio/virtio_console.h"
#include "machine/config.h"

/*
 * Fill in `ports` (room for VIRTIO_CONSOLE_PORTS_MAX). What they point to lives as long as the program. False
 * and err (ERROR_USAGE).
 */
bool ports_parse(const struct run_options *options, struct port_config *ports, unsigned *count,
                 struct error *err);
