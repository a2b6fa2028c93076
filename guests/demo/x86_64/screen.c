/* The PC's screen (Bochs VBE), keyboard and mouse (PS/2); else those of virtio. */
#include "guests/demo/draw.h"
#include "guests/demo/virtio/pci.h"
#include "guests/demo/virtio/virtio.h"
#include "guests/demo/x86_64/ports.h"

#define VGA_VENDOR 0x1234
#define VGA_DEVICE 0x1111

#define VBE_INDEX  0x1ce
#define VBE_DATA   0x1cf
#define VBE_XRES   1
#define VBE_YRES   2
#define VBE_BPP    3
#define VBE_ENABLE 4
#define VBE_ON     0x41 /* with a linear frame buffer */
#define WIDTH      1024
#define HEIGHT     768

/* The keyboard controller. */
#define KBD_DATA            0x60
#define KBD_STATUS          0x64
#define STATUS_FULL         0x01
#define STATUS_BUSY         0x02
#define STATUS_MOUSE        0x20
#define COMMAND_CONFIGURE   0x60
#define COMMAND_MOUSE_ON    0xa8
#define COMMAND_TO_MOUSE    0xd4
#define CONFIGURE_TRANSLATE 0x40
#define MOUSE_REPORT        0xf4
#define KEY_RELEASED        0x80
#define MOUSE_ALIGNED       0x08

static void vbe(uint16_t index, uint16_t value)
{
    out16(VBE_INDEX, index);
    out16(VBE_DATA, value);
}

static void controller_send(uint16_t port, uint8_t value)
{
    while (in8(KBD_STATUS) & STATUS_BUSY)
        ;
    out8(port, value);
}

/* Keys as the first PCs had them, which Linux's numbers come from; the mouse reports by itself. */
static void controller_open(void)
{
    controller_send(KBD_STATUS, COMMAND_CONFIGURE);
    controller_send(KBD_DATA, CONFIGURE_TRANSLATE);
    controller_send(KBD_STATUS, COMMAND_MOUSE_ON);
    controller_send(KBD_STATUS, COMMAND_TO_MOUSE);
    controller_send(KBD_DATA, MOUSE_REPORT);
}

bool screen_open(struct screen *screen)
{
    int function = pci_find(VGA_VENDOR, VGA_DEVICE, 0);
    if (function < 0)
        return virtio_screen_open(screen);
    uint64_t frame = pci_bar((unsigned)function, 0);
    vbe(VBE_ENABLE, 0);
    vbe(VBE_XRES, WIDTH);
    vbe(VBE_YRES, HEIGHT);
    vbe(VBE_BPP, 32);
    vbe(VBE_ENABLE, VBE_ON);
    *screen = (struct screen){
        .pixels = (volatile uint32_t *)frame, .width = WIDTH, .height = HEIGHT, .stride = WIDTH};
    controller_open();
    return true;
}

/* Packets of three bytes: buttons and signs, to the right, up. True with the last of one. */
static bool mouse_take(uint8_t byte, struct event *event)
{
    static uint8_t packet[3], buttons;
    static unsigned len;
    if (len == 0 && !(byte & MOUSE_ALIGNED))
        return false;
    packet[len++] = byte;
    if (len < 3)
        return false;
    len = 0;
    *event = (struct event){.kind = EVENT_MOVE,
                            .x = packet[1] - (packet[0] << 4 & 0x100),
                            .y = (packet[0] << 3 & 0x100) - packet[2]};
    if ((packet[0] & 1) != buttons) {
        buttons = packet[0] & 1;
        *event = (struct event){.kind = EVENT_BUTTON, .x = buttons};
    }
    return true;
}

bool event_next(struct event *event)
{
    uint8_t status;
    while ((status = in8(KBD_STATUS)) & STATUS_FULL) {
        uint8_t byte = in8(KBD_DATA);
        if (status & STATUS_MOUSE) {
            if (mouse_take(byte, event))
                return true;
            continue;
        }
        *event = (struct event){.kind = EVENT_KEY, .code = byte & 0x7f, .x = !(byte & KEY_RELEASED)};
        return true;
    }
    return virtio_event_next(event);
}
