/* A frame buffer on a virtio graphics adapter (Virtual I/O Device 1.2, 5.7). */
#include "guests/demo/draw.h"
#include "guests/demo/virtio/virtio.h"

#define TYPE_GPU 16

#define CMD_GET_DISPLAY_INFO 0x100
#define CMD_CREATE_2D        0x101
#define CMD_SET_SCANOUT      0x103
#define CMD_FLUSH            0x104
#define CMD_TRANSFER         0x105
#define CMD_ATTACH_BACKING   0x106
#define FORMAT_BGRX          2
#define RESOURCE             1

#define WIDTH_MAX  1280
#define HEIGHT_MAX 800

struct request {
    uint32_t type, flags;
    uint64_t fence;
    uint32_t context, ring;
    uint32_t words[8];
};

static struct virtio gpu;
static struct virtio_queue control;
/* In a section of its own, which the start doesn't fill with zeroes. */
static uint32_t frame[WIDTH_MAX * HEIGHT_MAX] __attribute__((aligned(4096), section(".bss.frame")));
static unsigned width, height;
static uint32_t answer[128];

static void command(uint32_t type, const uint32_t words[8])
{
    static struct request request;
    request.type = type;
    for (unsigned i = 0; i < 8; i++)
        request.words[i] = words[i];
    virtio_send(&control, 0, &request, sizeof(request), answer, sizeof(answer));
    while (virtio_take(&control) < 0)
        ;
}

static void flush(unsigned x, unsigned y, unsigned w, unsigned h)
{
    command(CMD_TRANSFER, (uint32_t[8]){x, y, w, h, 4 * (y * width + x), 0, RESOURCE, 0});
    command(CMD_FLUSH, (uint32_t[8]){x, y, w, h, RESOURCE, 0});
}

static unsigned least(uint32_t a, unsigned b)
{
    return a < b ? a : b;
}

bool virtio_screen_open(struct screen *screen)
{
    if (!virtio_open(&gpu, TYPE_GPU, 0))
        return false;
    virtio_queue_open(&gpu, &control, 0);
    virtio_ready(&gpu);
    command(CMD_GET_DISPLAY_INFO, (uint32_t[8]){0});
    width = least(answer[8], WIDTH_MAX); /* behind the header: x, y, width, height of the first */
    height = least(answer[9], HEIGHT_MAX);
    uint64_t at = (uint64_t)frame;
    command(CMD_CREATE_2D, (uint32_t[8]){RESOURCE, FORMAT_BGRX, width, height});
    command(CMD_ATTACH_BACKING,
            (uint32_t[8]){RESOURCE, 1, (uint32_t)at, (uint32_t)(at >> 32), 4 * width * height, 0});
    command(CMD_SET_SCANOUT, (uint32_t[8]){0, 0, width, height, 0, RESOURCE});
    *screen =
        (struct screen){.pixels = frame, .width = width, .height = height, .stride = width, .flush = flush};
    return true;
}
