/*
 * A USB stick: SCSI commands over the bulk-only transport (USB Mass Storage Class, Bulk-Only Transport 1.0),
 * at SuperSpeed.
 */
#pragma once

#include "devices/storage/block.h"
#include "devices/usb/usb.h"

/* A device to plug in; the machine's from then on, and the block with it. `name` is unique in the machine,
 * and kept. */
struct usb_device *usb_storage_create(struct machine *machine, const char *name, struct block *block);
