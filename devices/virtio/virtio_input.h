/* A virtio keyboard, mouse or tablet (Virtual I/O Device 1.2, 5.8): input events as Linux has them. */
#pragma once

#include "devices/input/input.h"
#include "devices/virtio/virtio.h"

enum virtio_input_kind {
    VIRTIO_INPUT_KEYBOARD,
    VIRTIO_INPUT_MOUSE,  /* relative */
    VIRTIO_INPUT_TABLET, /* absolute, with buttons and a wheel */
};

struct virtio_input_config {
    const char *name; /* "keyboard0" */
    enum virtio_input_kind kind;
    struct input *input; /* outlives the device */
};

/* The machine owns the device; hand it to a transport. It takes events once its driver is ready. */
struct virtio_device *virtio_input_create(struct machine *machine, const struct virtio_input_config *config);
