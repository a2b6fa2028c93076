/*
 * USB keyboards, mice and tablets (HID 1.11), fed by the machine's input. A keyboard also speaks the boot
 * protocol, as firmware expects it; a tablet says where on the screen its pointer is.
 */
#pragma once

#include "devices/input/input.h"
#include "devices/usb/usb.h"

enum usb_hid_kind {
    USB_HID_KEYBOARD,
    USB_HID_MOUSE,
    USB_HID_TABLET,
};

/* A device to plug in; the machine's from then on. `name` is unique in the machine, and kept. */
struct usb_device *usb_hid_create(struct machine *machine, const char *name, enum usb_hid_kind kind,
                                  struct input *input);
