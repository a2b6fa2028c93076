/* USB: a controller with what was asked for plugged in. */
#include <string.h>

#include "devices/usb/usb_hid.h"
#include "devices/usb/usb_storage.h"
#include "devices/usb/xhci.h"
#include "machine/board_parts.h"

#define DEVICES_MAX 16

struct usb_list {
    struct usb_device *devices[DEVICES_MAX];
    unsigned count;
};

static bool usb_add(struct usb_list *list, struct usb_device *device, struct error *err)
{
    if (list->count == DEVICES_MAX)
        return error_set(err, ERROR_USAGE, "a machine has %u USB devices at most", DEVICES_MAX);
    list->devices[list->count++] = device;
    return true;
}

static bool hid_add(struct board_parts *parts, struct usb_list *list, const char *name, struct error *err)
{
    static const char *const names[] = {
        [USB_HID_KEYBOARD] = "keyboard", [USB_HID_MOUSE] = "mouse", [USB_HID_TABLET] = "tablet"};
    if (!parts->run->input)
        parts->run->input = parts->input = input_create();
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(name, names[i]) == 0)
            return usb_add(list,
                           usb_hid_create(&parts->run->machine, board_name(parts, "usb%u", list->count),
                                          (enum usb_hid_kind)i, parts->run->input),
                           err);
    }
    return error_set(err, ERROR_USAGE,
                     "--usb %s is not known: use keyboard, mouse, tablet or none, or --disk with if=usb",
                     name);
}

static bool is_named(const struct machine_config *config, const char *name)
{
    for (unsigned i = 0; i < config->usb_count; i++) {
        if (strcmp(config->usb[i], name) == 0)
            return true;
    }
    return false;
}

/* What --usb names. Who looks at a screen points at it, and nothing has to be grabbed for that: a PC gets a
 * tablet, if no pointer is named. */
static bool inputs_add(struct board_parts *parts, struct usb_list *list, struct error *err)
{
    const struct machine_config *config = parts->config;
    bool none = is_named(config, "none");
    if (none && config->usb_count > 1)
        return error_set(err, ERROR_USAGE, "--usb none goes with no other --usb");
    for (unsigned i = 0; !none && i < config->usb_count; i++) {
        if (!hid_add(parts, list, config->usb[i], err))
            return false;
    }
    bool missing = parts->lacks_tablet && config->pointer_wanted && !none && !is_named(config, "tablet") &&
                   !is_named(config, "mouse");
    return !missing || hid_add(parts, list, "tablet", err);
}

static bool disks_add(struct board_parts *parts, struct usb_list *list, struct error *err)
{
    for (unsigned i = 0; i < parts->config->disk_count; i++) {
        const struct disk_config *disk = &parts->config->disks[i];
        if (disk->transport != TRANSPORT_USB)
            continue;
        struct block *block = block_open(&parts->run->machine, &disk->block, err);
        if (!block ||
            !usb_add(list, usb_storage_create(&parts->run->machine, board_name(parts, "disk%u", i), block),
                     err))
            return false;
    }
    return true;
}

/* The devices are made first, so that they go last. */
bool board_usb_add(struct board_parts *parts, struct error *err)
{
    struct usb_list list = {.count = 0};
    if (!inputs_add(parts, &list, err) || !disks_add(parts, &list, err))
        return false;
    if (list.count == 0)
        return true;
    const struct xhci_config config = {.name = "xhci", .bus = parts->pci, .devfn = PCI_DEVFN_ANY};
    struct xhci *xhci = xhci_create(&parts->run->machine, &config, err);
    bool ok = xhci;
    for (unsigned i = 0; ok && i < list.count; i++)
        ok = xhci_plug(xhci, list.devices[i], err);
    return ok;
}
