#include "devices/usb/usb_storage.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "devices/storage/scsi_disk.h"

#define ENDPOINT_IN  1
#define ENDPOINT_OUT 2

/* BOT 3.1 and 3.2. */
#define REQUEST_RESET   0xff
#define REQUEST_MAX_LUN 0xfe

/* BOT 5.1 and 5.2. */
#define COMMAND_SIGNATURE 0x43425355u
#define COMMAND_SIZE      31
#define STATUS_SIGNATURE  0x53425355u
#define STATUS_SIZE       13

enum bot_status { PASSED, FAILED, PHASE_ERROR };

enum phase {
    PHASE_COMMAND,
    PHASE_IN,     /* data to the host */
    PHASE_OUT,    /* data from the host */
    PHASE_STATUS, /* the command is done, or will be */
    PHASE_BROKEN, /* what came was no command: until a reset (BOT 6.6.1) */
};

struct usb_storage {
    struct usb_device usb; /* first */
    struct scsi_disk disk;

    uint8_t phase, status;
    uint32_t tag;
    uint32_t expected; /* bytes the host has or wants, less those that were moved */
    uint8_t kind;      /* enum scsi_kind of the command's data */
    uint64_t offset;   /* where in the disk, or in the buffer, the next byte is */
    uint64_t left;     /* of the command's own data */
    bool flush;        /* when they are written */

    struct usb_packet *packet; /* that waits for the image */
    struct block_request io;
    bool working;    /* io is with the image */
    bool submitting; /* what finishes now does so before its packet is known to be pending */
    bool dropping;   /* what finishes now is of the time before a reset */
};

/* --- descriptors --- */

/* clang-format off */
static const uint8_t device_descriptor[] = {
    18, 1, 0x00, 0x03, 0, 0, 0, 9, /* USB 3.0, 2^9 bytes on endpoint 0 */
    0xf4, 0x1a, 0xe3, 0x10, 0x00, 0x01, 1, 2, 3, 1,
};

/* SCSI commands, bulk only; two bulk endpoints of 1024 bytes in bursts of 16. */
static const uint8_t configuration[] = {
    9, 2, 44, 0, 1, 1, 0, 0xc0, 0,
    9, 4, 0, 0, 2, 8, 6, 0x50, 0,
    7, 5, 0x80 | ENDPOINT_IN, 2, 0x00, 0x04, 0,
    6, 0x30, 15, 0, 0, 0,
    7, 5, ENDPOINT_OUT, 2, 0x00, 0x04, 0,
    6, 0x30, 15, 0, 0, 0,
};

/* USB 3.2, 9.6.2: link power management as far as USB 2.0 goes; SuperSpeed, all of it from high speed on. */
static const uint8_t bos[] = {
    5, 15, 22, 0, 2,
    7, 16, 2, 0x02, 0, 0, 0,
    10, 16, 3, 0, 0x0e, 0, 3, 0x0a, 0x20, 0,
};
/* clang-format on */

static const char *const strings[] = {"Triarch", "Triarch USB disk", "000000000001"};

/* --- commands --- */

/* BOT 6.7: host and device may differ on whether there are data, how many, and which way they go. */
static void phases_set(struct usb_storage *storage, const struct scsi_action *action, bool to_host)
{
    bool in = action->kind == SCSI_REPLY || action->kind == SCSI_READ;
    bool out = action->kind == SCSI_WRITE || action->kind == SCSI_TAKE;
    storage->kind = (uint8_t)action->kind;
    storage->status = action->kind == SCSI_FAILED ? FAILED : PASSED;
    storage->offset = action->offset;
    storage->left = in || out ? action->len : 0;
    storage->flush = action->flush;
    if (storage->left > storage->expected || (in && !to_host) || (out && to_host)) {
        storage->status = PHASE_ERROR;
        storage->left = in == to_host && storage->left ? storage->expected : 0;
    }
    storage->phase = !storage->expected ? PHASE_STATUS : to_host ? PHASE_IN : PHASE_OUT;
}

static void work_done(struct block_request *io, int error);

static void work_start(struct usb_storage *storage, enum block_op op)
{
    storage->working = true;
    storage->io = (struct block_request){.op = op, .done = work_done, .opaque = storage};
    if (storage->packet) {
        storage->io.offset = storage->offset;
        storage->io.len = storage->packet->actual;
        storage->io.vecs = storage->packet->data.vecs;
        storage->io.vec_count = storage->packet->data.count;
    }
    block_submit(storage->disk.block, &storage->io);
}

static void scsi_start(struct usb_storage *storage, const uint8_t *cdb, bool to_host)
{
    struct scsi_action action = scsi_disk_command(&storage->disk, cdb);
    phases_set(storage, &action, to_host);
    if (action.kind == SCSI_FLUSH)
        work_start(storage, BLOCK_FLUSH);
}

static enum usb_status broken(struct usb_storage *storage)
{
    storage->phase = PHASE_BROKEN;
    usb_halt(&storage->usb, ENDPOINT_IN, true);
    usb_halt(&storage->usb, ENDPOINT_OUT, false);
    return USB_STALL;
}

static enum usb_status command_take(struct usb_storage *storage, struct usb_packet *packet)
{
    uint8_t block[COMMAND_SIZE];
    if (packet->data.bytes != COMMAND_SIZE)
        return broken(storage);
    dma_get(&packet->data, 0, block, sizeof(block));
    uint8_t len = block[14] & 0x1f;
    if (le32_load(block) != COMMAND_SIGNATURE || block[13] != 0 || len < 1 || len > 16)
        return broken(storage);
    memset(block + 15 + len, 0, 16u - len);
    storage->tag = le32_load(block + 4);
    storage->expected = le32_load(block + 8);
    packet->actual = COMMAND_SIZE;
    scsi_start(storage, block + 15, block[12] & 0x80);
    return USB_DONE;
}

/* --- data --- */

/* The vectors of a packet's first `len` bytes. */
static void packet_cut(struct usb_packet *packet, uint64_t len)
{
    struct dma_list *data = &packet->data;
    unsigned n = 0;
    for (uint64_t left = len; left; n++) {
        if (data->vecs[n].len > left)
            data->vecs[n].len = left;
        left -= data->vecs[n].len;
    }
    data->count = n;
    data->bytes = len;
}

static void data_moved(struct usb_storage *storage, const struct usb_packet *packet, bool short_packet)
{
    storage->offset += packet->actual;
    storage->left -= packet->actual;
    storage->expected -= (uint32_t)packet->actual;
    if (storage->expected == 0 || short_packet)
        storage->phase = PHASE_STATUS;
}

static void work_done(struct block_request *io, int error)
{
    struct usb_storage *storage = io->opaque;
    struct usb_packet *packet = storage->packet;
    storage->working = false;
    if (storage->dropping)
        return;
    if (error) {
        scsi_disk_failed(&storage->disk, io->op != BLOCK_READ);
        storage->status = FAILED;
    }
    if (io->op == BLOCK_READ && !error)
        dma_written(&packet->data, packet->actual);
    if (packet) {
        storage->packet = NULL;
        data_moved(storage, packet, false);
        if (!storage->submitting)
            packet->complete(packet, USB_DONE);
    }
    if (io->op == BLOCK_WRITE && storage->flush && storage->left == 0)
        work_start(storage, BLOCK_FLUSH);
    usb_device_ready(&storage->usb);
}

static enum usb_status image_move(struct usb_storage *storage, struct usb_packet *packet, enum block_op op)
{
    packet_cut(packet, packet->actual);
    storage->packet = packet;
    storage->submitting = true;
    work_start(storage, op);
    storage->submitting = false;
    return storage->packet ? USB_PENDING : USB_DONE;
}

/* A host that wants more than there is gets a short packet, or finds the endpoint halted. */
static enum usb_status data_give(struct usb_storage *storage, struct usb_packet *packet)
{
    uint64_t room = packet->data.bytes;
    if (storage->left == 0) {
        storage->phase = PHASE_STATUS;
        usb_halt(&storage->usb, ENDPOINT_IN, true);
        return USB_STALL;
    }
    packet->actual = room < storage->left ? room : storage->left;
    if (storage->kind == SCSI_READ && packet->actual)
        return image_move(storage, packet, BLOCK_READ);
    dma_put(&packet->data, 0, storage->disk.buffer + storage->offset, packet->actual);
    data_moved(storage, packet, packet->actual < room);
    return USB_DONE;
}

/* What the command does not want is taken all the same. */
static enum usb_status data_take(struct usb_storage *storage, struct usb_packet *packet)
{
    uint64_t bytes = packet->data.bytes;
    packet->actual = bytes < storage->expected ? bytes : storage->expected;
    if (storage->kind == SCSI_WRITE && storage->left && packet->actual) {
        packet->actual = packet->actual < storage->left ? packet->actual : storage->left;
        return image_move(storage, packet, BLOCK_WRITE);
    }
    storage->expected -= (uint32_t)packet->actual;
    storage->left = storage->left > packet->actual ? storage->left - packet->actual : 0;
    if (storage->expected == 0)
        storage->phase = PHASE_STATUS;
    return USB_DONE;
}

static enum usb_status status_give(struct usb_storage *storage, struct usb_packet *packet)
{
    uint8_t block[STATUS_SIZE];
    if (storage->working)
        return USB_NAK;
    if (packet->data.bytes < STATUS_SIZE)
        return broken(storage);
    le32_store(block, STATUS_SIGNATURE);
    le32_store(block + 4, storage->tag);
    le32_store(block + 8, storage->expected);
    block[12] = storage->status;
    dma_put(&packet->data, 0, block, sizeof(block));
    packet->actual = sizeof(block);
    storage->phase = PHASE_COMMAND;
    return USB_DONE;
}

static enum usb_status storage_transfer(struct usb_device *device, struct usb_packet *packet)
{
    struct usb_storage *storage = container_of(device, struct usb_storage, usb);
    if (packet->endpoint != (packet->in ? ENDPOINT_IN : ENDPOINT_OUT))
        return USB_STALL;
    switch (storage->phase) {
    case PHASE_COMMAND: return packet->in ? USB_NAK : command_take(storage, packet);
    case PHASE_IN: return packet->in ? data_give(storage, packet) : broken(storage);
    case PHASE_OUT: return packet->in ? USB_NAK : data_take(storage, packet);
    case PHASE_STATUS: return packet->in ? status_give(storage, packet) : USB_NAK;
    default: return broken(storage);
    }
}

/* What is with the image can't be called back: it is waited for. */
static void work_drop(struct usb_storage *storage)
{
    storage->dropping = true;
    if (storage->working)
        block_drain(storage->disk.block);
    storage->dropping = false;
    storage->packet = NULL;
}

static void storage_cancel(struct usb_device *device, struct usb_packet *packet)
{
    struct usb_storage *storage = container_of(device, struct usb_storage, usb);
    if (storage->packet == packet)
        work_drop(storage);
}

static void storage_reset(struct usb_device *device)
{
    struct usb_storage *storage = container_of(device, struct usb_storage, usb);
    work_drop(storage);
    storage->phase = PHASE_COMMAND;
    storage->left = storage->expected = 0;
}

static enum usb_status storage_control(struct usb_device *device, const struct usb_setup *setup,
                                       uint8_t *data, size_t *actual)
{
    if (setup->type == (USB_TYPE_CLASS | USB_TO_INTERFACE) && setup->request == REQUEST_RESET) {
        storage_reset(device);
        return USB_DONE;
    }
    if (setup->type != (USB_TYPE_IN | USB_TYPE_CLASS | USB_TO_INTERFACE) ||
        setup->request != REQUEST_MAX_LUN || setup->length == 0)
        return USB_STALL;
    data[0] = 0;
    *actual = 1;
    return USB_DONE;
}

static const struct usb_class storage_class = {
    .name = "usb-storage",
    .speed = USB_SPEED_SUPER,
    .descriptors = {.device = device_descriptor,
                    .configuration = configuration,
                    .configuration_size = sizeof(configuration),
                    .bos = bos,
                    .bos_size = sizeof(bos),
                    .strings = strings,
                    .string_count = ARRAY_LEN(strings)},
    .control = storage_control,
    .transfer = storage_transfer,
    .cancel = storage_cancel,
    .reset = storage_reset,
};

/* A loaded position inside the buffer is made fit. */
static void restored(void *object)
{
    struct usb_storage *storage = object;
    uint64_t size = sizeof(storage->disk.buffer);
    work_drop(storage);
    if (storage->kind != SCSI_READ && storage->kind != SCSI_WRITE &&
        range_beyond(storage->offset, storage->left, size))
        storage->offset = storage->left = 0;
}

static const struct state_field fields[] = {
    STATE(struct usb_storage, usb.configuration),
    STATE(struct usb_storage, usb.remote_wakeup),
    STATE(struct usb_storage, usb.halted),
    STATE(struct usb_storage, phase),
    STATE(struct usb_storage, status),
    STATE(struct usb_storage, tag),
    STATE(struct usb_storage, expected),
    STATE(struct usb_storage, kind),
    STATE(struct usb_storage, offset),
    STATE(struct usb_storage, left),
    STATE(struct usb_storage, flush),
    STATE(struct usb_storage, disk.sense_key),
    STATE(struct usb_storage, disk.sense_code),
    STATE_ARRAY(struct usb_storage, disk.buffer),
};
static const struct state_table table = {"usb-storage", 1, fields, ARRAY_LEN(fields), restored};

static void storage_destroy(void *object)
{
    struct usb_storage *storage = object;
    work_drop(storage);
    block_close(storage->disk.block);
    free(storage);
}

struct usb_device *usb_storage_create(struct machine *machine, const char *name, struct block *block)
{
    struct usb_storage *storage = machine_alloc(sizeof(*storage));
    storage->usb.class = &storage_class;
    storage->disk = (struct scsi_disk){.block = block, .serial = block_name(block), .removable = true};
    machine_device_add(machine, name, &table, storage, storage_destroy);
    return &storage->usb;
}
