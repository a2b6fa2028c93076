/*
 * A frame buffer in guest RAM: the guest says through the fw_cfg file "etc/ramfb" where it is and what its
 * pixels look like.
 */
#pragma once

#include "devices/display/display.h"
#include "devices/machine.h"
#include "devices/misc/fw_cfg.h"

struct ramfb_config {
    struct fw_cfg *fw_cfg;
    struct display *display; /* outlives the device */
};

struct ramfb;

/* Never NULL. */
struct ramfb *ramfb_create(struct machine *machine, const struct ramfb_config *config);
