/* The hypercalls that are done at once: time, console, block devices, frames. */
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "host/clock.h"
#include "modes/hvt/board.h"

#define ETHERNET_HEADER 14

/* 2020-01-01, for runs that must be repeatable. */
#define COUNTED_EPOCH_NS 1577836800000000000ull

static void result_put(uint8_t *at, enum hvt_result result)
{
    le32_store(at, result);
}

void hvt_call_walltime(struct hvt_board *board, uint64_t address)
{
    uint8_t *arg = hvt_guest_write(board, address, HVT_WALLTIME_SIZE);
    if (!arg)
        return;
    le64_store(arg, board->config->deterministic ? COUNTED_EPOCH_NS + clock_now(board->run->machine.clock)
                                                 : host_wall_ns());
}

/* --- block devices --- */

/* The transfer is of whole sectors inside the device. */
static bool sectors_fit(const struct hvt_attached *device, uint64_t offset, uint64_t len)
{
    return device && len && offset % device->sector_size == 0 && len % device->sector_size == 0 &&
           !range_beyond(offset, len, block_size(device->block));
}

static enum hvt_result block_transfer(struct hvt_board *board, const uint8_t *arg, bool write)
{
    uint64_t offset = le64_load(arg + HVT_BLOCK_OFFSET), len = le64_load(arg + HVT_BLOCK_LEN);
    uint64_t data = le64_load(arg + HVT_BLOCK_DATA);
    struct hvt_attached *device = hvt_device_at(board, le64_load(arg + HVT_BLOCK_HANDLE), HVT_MFT_TYPE_BLOCK);
    if (!sectors_fit(device, offset, len))
        return HVT_INVALID;
    if (write) {
        const uint8_t *from = hvt_guest_read(board, data, len);
        return from && block_write(device->block, offset, from, len) ? HVT_OK : HVT_FAILED;
    }
    uint8_t *to = hvt_guest_write(board, data, len);
    return to && block_read(device->block, offset, to, len) ? HVT_OK : HVT_FAILED;
}

static void block_call(struct hvt_board *board, uint64_t address, bool write)
{
    uint8_t *arg = hvt_guest_write(board, address, HVT_BLOCK_SIZE);
    uint8_t copy[HVT_BLOCK_SIZE];
    if (!arg)
        return;
    memcpy(copy, arg, sizeof(copy)); /* the data may lie over the argument */
    result_put(arg + HVT_BLOCK_RET, block_transfer(board, copy, write));
}

void hvt_call_block_write(struct hvt_board *board, uint64_t address)
{
    block_call(board, address, true);
}

void hvt_call_block_read(struct hvt_board *board, uint64_t address)
{
    block_call(board, address, false);
}

/* --- networks --- */

static enum hvt_result frame_send(struct hvt_board *board, const uint8_t *arg)
{
    uint64_t len = le64_load(arg + HVT_NET_LEN);
    struct hvt_attached *device = hvt_device_at(board, le64_load(arg + HVT_NET_HANDLE), HVT_MFT_TYPE_NET);
    if (!device || len < ETHERNET_HEADER || len > NET_FRAME_MAX)
        return HVT_INVALID;
    const uint8_t *frame = hvt_guest_read(board, le64_load(arg + HVT_NET_DATA), len);
    if (!frame)
        return HVT_FAILED;
    host_mutex_lock(&board->run->machine.lock);
    net_send(device->net, frame, len);
    host_mutex_unlock(&board->run->machine.lock);
    return HVT_OK;
}

void hvt_call_net_write(struct hvt_board *board, uint64_t address)
{
    uint8_t *arg = hvt_guest_write(board, address, HVT_NET_SIZE);
    if (arg)
        result_put(arg + HVT_NET_RET, frame_send(board, arg));
}

/* The oldest frame, and what it leaves behind: room for the backend's next. */
static struct net_frame *frame_take(struct hvt_board *board, struct hvt_attached *device)
{
    host_mutex_lock(&board->run->machine.lock);
    struct net_frame *frame = net_queue_take(&device->frames);
    if (!device->frames.first)
        __atomic_and_fetch(&board->ready, ~(1ull << device->handle), __ATOMIC_SEQ_CST);
    if (frame)
        net_receive_ready(device->net);
    host_mutex_unlock(&board->run->machine.lock);
    return frame;
}

/* What does not fit into the guest's buffer is cut off, as a read of a tap device does. */
static enum hvt_result frame_receive(struct hvt_board *board, const uint8_t *arg, uint64_t *len)
{
    struct hvt_attached *device = hvt_device_at(board, le64_load(arg + HVT_NET_HANDLE), HVT_MFT_TYPE_NET);
    *len = le64_load(arg + HVT_NET_LEN);
    if (!device || *len == 0)
        return HVT_INVALID;
    uint8_t *to = hvt_guest_write(board, le64_load(arg + HVT_NET_DATA), *len);
    if (!to)
        return HVT_FAILED;
    struct net_frame *frame = frame_take(board, device);
    if (!frame)
        return HVT_AGAIN;
    *len = frame->len < *len ? frame->len : *len;
    memcpy(to, frame->bytes, *len);
    free(frame);
    return HVT_OK;
}

void hvt_call_net_read(struct hvt_board *board, uint64_t address)
{
    uint8_t *arg = hvt_guest_write(board, address, HVT_NET_SIZE);
    uint8_t copy[HVT_NET_SIZE];
    uint64_t len;
    if (!arg)
        return;
    memcpy(copy, arg, sizeof(copy));
    result_put(arg + HVT_NET_RET, frame_receive(board, copy, &len));
    le64_store(arg + HVT_NET_LEN, len);
}
