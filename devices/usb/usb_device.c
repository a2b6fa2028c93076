/* The standard requests (USB 2.0, 9.4) of every device. */
#include <string.h>

#include "base/bits.h"
#include "devices/usb/usb.h"

enum {
    GET_STATUS = 0,
    CLEAR_FEATURE = 1,
    SET_FEATURE = 3,
    GET_DESCRIPTOR = 6,
    GET_CONFIGURATION = 8,
    SET_CONFIGURATION = 9,
    GET_INTERFACE = 10,
    SET_INTERFACE = 11,
    SET_SEL = 48,
    SET_ISOCH_DELAY = 49,
};

enum {
    DESCRIPTOR_DEVICE = 1,
    DESCRIPTOR_CONFIGURATION = 2,
    DESCRIPTOR_STRING = 3,
    DESCRIPTOR_BOS = 15,
};

#define FEATURE_ENDPOINT_HALT 0
#define FEATURE_REMOTE_WAKEUP 1
#define FEATURE_U1_ENABLE     48 /* and 49, U2, and 50, LTM: USB 3.2, 9.4 */

#define LANGUAGE_ENGLISH 0x0409

#define CONFIGURATION_VALUE_AT      5
#define CONFIGURATION_INTERFACES_AT 4
#define CONFIGURATION_ATTRIBUTES_AT 7
#define ATTRIBUTE_SELF_POWERED      0x40u

static uint32_t endpoint_bit(uint16_t index)
{
    return 1u << ((index & 0xf) + (index & USB_TYPE_IN ? 16 : 0));
}

void usb_halt(struct usb_device *device, uint8_t endpoint, bool in)
{
    device->halted |= endpoint_bit(endpoint | (in ? USB_TYPE_IN : 0));
}

enum usb_status usb_reply(uint8_t *data, size_t *actual, const void *bytes, size_t len)
{
    *actual = len < *actual ? len : *actual;
    memcpy(data, bytes, *actual);
    return USB_DONE;
}

/* 9.6.7: UTF-16, which of ASCII is every other byte. */
static enum usb_status string_give(const struct usb_descriptors *descriptors, uint8_t index, uint8_t *data,
                                   size_t *actual)
{
    uint8_t bytes[256] = {4, DESCRIPTOR_STRING, LANGUAGE_ENGLISH & 0xff, LANGUAGE_ENGLISH >> 8};
    if (index > descriptors->string_count)
        return USB_STALL;
    if (index > 0) {
        const char *text = descriptors->strings[index - 1];
        size_t len = strnlen(text, (sizeof(bytes) - 2) / 2);
        for (size_t i = 0; i < len; i++)
            le16_store(bytes + 2 + 2 * i, (uint8_t)text[i]);
        bytes[0] = (uint8_t)(2 + 2 * len);
    }
    return usb_reply(data, actual, bytes, bytes[0]);
}

static enum usb_status descriptor_get(const struct usb_device *device, const struct usb_setup *setup,
                                      uint8_t *data, size_t *actual)
{
    const struct usb_descriptors *descriptors = &device->class->descriptors;
    uint8_t index = setup->value & 0xff;
    switch (setup->value >> 8) {
    case DESCRIPTOR_DEVICE: return usb_reply(data, actual, descriptors->device, descriptors->device[0]);
    case DESCRIPTOR_CONFIGURATION:
        if (index != 0)
            return USB_STALL;
        return usb_reply(data, actual, descriptors->configuration, descriptors->configuration_size);
    case DESCRIPTOR_STRING: return string_give(descriptors, index, data, actual);
    case DESCRIPTOR_BOS:
        if (!descriptors->bos)
            return USB_STALL;
        return usb_reply(data, actual, descriptors->bos, descriptors->bos_size);
    default: return USB_STALL;
    }
}

static enum usb_status configuration_set(struct usb_device *device, uint8_t value)
{
    if (value != 0 && value != device->class->descriptors.configuration[CONFIGURATION_VALUE_AT])
        return USB_STALL;
    usb_reset(device);
    device->configuration = value;
    return USB_DONE;
}

static enum usb_status to_device(struct usb_device *device, const struct usb_setup *setup, uint8_t *data,
                                 size_t *actual)
{
    bool self_powered =
        device->class->descriptors.configuration[CONFIGURATION_ATTRIBUTES_AT] & ATTRIBUTE_SELF_POWERED;
    const uint8_t status[2] = {(uint8_t)(self_powered | device->remote_wakeup << 1)};
    switch (setup->request) {
    case GET_STATUS: return usb_reply(data, actual, status, sizeof(status));
    case GET_DESCRIPTOR: return descriptor_get(device, setup, data, actual);
    case GET_CONFIGURATION: return usb_reply(data, actual, &device->configuration, 1);
    case SET_CONFIGURATION: return configuration_set(device, setup->value & 0xff);
    case SET_SEL:
    case SET_ISOCH_DELAY: return device->class->speed == USB_SPEED_SUPER ? USB_DONE : USB_STALL;
    case CLEAR_FEATURE:
    case SET_FEATURE:
        if (setup->value == FEATURE_REMOTE_WAKEUP)
            device->remote_wakeup = setup->request == SET_FEATURE;
        else if (device->class->speed != USB_SPEED_SUPER || (unsigned)setup->value - FEATURE_U1_ENABLE > 2u)
            return USB_STALL;
        return USB_DONE;
    default: return USB_STALL;
    }
}

/* Every interface has one setting. */
static enum usb_status to_interface(struct usb_device *device, const struct usb_setup *setup, uint8_t *data,
                                    size_t *actual)
{
    static const uint8_t zero[2];
    bool there =
        device->configuration &&
        (setup->index & 0xff) < device->class->descriptors.configuration[CONFIGURATION_INTERFACES_AT];
    if (!there && setup->request != GET_DESCRIPTOR)
        return USB_STALL;
    switch (setup->request) {
    case GET_STATUS: return usb_reply(data, actual, zero, 2);
    case GET_INTERFACE: return usb_reply(data, actual, zero, 1);
    case SET_INTERFACE: return setup->value == 0 ? USB_DONE : USB_STALL;
    case CLEAR_FEATURE:
    case SET_FEATURE:
        return USB_DONE; /* suspending a function (USB 3.2, 9.4.9), of which there is nothing to see */
    default: return device->class->control(device, setup, data, actual);
    }
}

static enum usb_status to_endpoint(struct usb_device *device, const struct usb_setup *setup, uint8_t *data,
                                   size_t *actual)
{
    uint32_t bit = endpoint_bit(setup->index);
    const uint8_t status[2] = {(device->halted & bit) != 0};
    switch (setup->request) {
    case GET_STATUS: return usb_reply(data, actual, status, sizeof(status));
    case CLEAR_FEATURE:
    case SET_FEATURE:
        if (setup->value != FEATURE_ENDPOINT_HALT)
            return USB_STALL;
        device->halted = setup->request == SET_FEATURE ? device->halted | bit : device->halted & ~bit;
        return USB_DONE;
    default: return USB_STALL;
    }
}

enum usb_status usb_control(struct usb_device *device, const struct usb_setup *setup, uint8_t *data,
                            size_t *actual)
{
    bool in = setup->type & USB_TYPE_IN;
    *actual = in ? setup->length : 0;
    if ((setup->type & USB_TYPE_MASK) != USB_TYPE_STANDARD)
        return device->class->control(device, setup, data, actual);
    switch (setup->type & 0x1f) {
    case USB_TO_DEVICE: return to_device(device, setup, data, actual);
    case USB_TO_INTERFACE: return to_interface(device, setup, data, actual);
    case USB_TO_ENDPOINT: return to_endpoint(device, setup, data, actual);
    default: return USB_STALL;
    }
}

enum usb_status usb_transfer(struct usb_device *device, struct usb_packet *packet)
{
    uint32_t bit = endpoint_bit(packet->endpoint | (packet->in ? USB_TYPE_IN : 0));
    packet->actual = 0;
    if (!device->configuration || device->halted & bit)
        return USB_STALL;
    return device->class->transfer(device, packet);
}

void usb_cancel(struct usb_device *device, struct usb_packet *packet)
{
    if (device->class->cancel)
        device->class->cancel(device, packet);
}

void usb_reset(struct usb_device *device)
{
    device->configuration = 0;
    device->halted = 0;
    device->remote_wakeup = false;
    device->class->reset(device);
}

void usb_device_ready(struct usb_device *device)
{
    if (device->ready)
        device->ready(device->host, device);
}
