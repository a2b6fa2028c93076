/*
 * USB devices as a host controller sees them: requests on endpoint 0, and packets of the others. A device is
 * a `usb_class` with its descriptors over a struct usb_device that it embeds first; the standard requests are
 * answered here for all.
 *
 * Everything runs with the machine lock held.
 */
#pragma once

#include "devices/dma.h"
#include "devices/machine.h"

struct usb_device;

/* Numbered as xHCI numbers them (5.4.8, port speed). */
enum usb_speed {
    USB_SPEED_FULL = 1,
    USB_SPEED_LOW = 2,
    USB_SPEED_HIGH = 3,
    USB_SPEED_SUPER = 4,
};

enum usb_status {
    USB_DONE,
    USB_NAK,     /* nothing now: usb_device_ready tells when to try again */
    USB_STALL,   /* the endpoint refuses, until its halt is cleared */
    USB_PENDING, /* the packet's `complete` is called later */
};

/* USB 2.0, 9.3. */
struct usb_setup {
    uint8_t type, request;
    uint16_t value, index, length;
};

#define USB_TYPE_IN       0x80u
#define USB_TYPE_MASK     0x60u
#define USB_TYPE_STANDARD 0x00u
#define USB_TYPE_CLASS    0x20u
#define USB_TO_DEVICE     0x00u
#define USB_TO_INTERFACE  0x01u
#define USB_TO_ENDPOINT   0x02u

/* A transfer on an endpoint other than 0. */
struct usb_packet {
    uint8_t endpoint; /* 1 to 15 */
    bool in;
    struct dma_list data;
    uint64_t actual; /* bytes moved */
    void (*complete)(struct usb_packet *packet, enum usb_status status);
    void *opaque;
};

/* What a device says of itself; the strings are those numbered from 1. */
struct usb_descriptors {
    const uint8_t *device, *configuration, *bos; /* bos: NULL below USB 2.1 */
    uint16_t configuration_size, bos_size;
    const char *const *strings;
    uint8_t string_count;
};

struct usb_class {
    const char *name;
    enum usb_speed speed;
    struct usb_descriptors descriptors;
    /* A request that is not standard, or a standard one to an interface that is not answered for all. An OUT
     * request brings `setup->length` bytes; an IN one may give as many and sets *actual. */
    enum usb_status (*control)(struct usb_device *device, const struct usb_setup *setup, uint8_t *data,
                               size_t *actual);
    enum usb_status (*transfer)(struct usb_device *device, struct usb_packet *packet);
    /* A packet that is pending is to be forgotten: when this returns, it is. NULL: none ever is. */
    void (*cancel)(struct usb_device *device, struct usb_packet *packet);
    /* Bus reset, or another configuration. */
    void (*reset)(struct usb_device *device);
};

struct usb_device {
    const struct usb_class *class;
    uint8_t configuration;
    bool remote_wakeup;
    uint32_t halted; /* bit n: OUT endpoint n; bit 16 + n: IN endpoint n */
    /* The controller it is plugged into. */
    void (*ready)(void *host, struct usb_device *device);
    void *host;
};

/* The largest length of a request's data. */
#define USB_CONTROL_MAX 65535u

/* For controllers. */
void usb_reset(struct usb_device *device);
enum usb_status usb_control(struct usb_device *device, const struct usb_setup *setup, uint8_t *data,
                            size_t *actual);
enum usb_status usb_transfer(struct usb_device *device, struct usb_packet *packet);
void usb_cancel(struct usb_device *device, struct usb_packet *packet);

/* For devices: the answer to an IN request, cut to the *actual bytes that were asked for. */
enum usb_status usb_reply(uint8_t *data, size_t *actual, const void *bytes, size_t len);
/* For devices: an endpoint that said USB_NAK has something now. */
void usb_device_ready(struct usb_device *device);
/* For devices: the endpoint refuses packets until the host clears its halt. */
void usb_halt(struct usb_device *device, uint8_t endpoint, bool in);
