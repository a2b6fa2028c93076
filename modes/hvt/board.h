/*
 * A machine for one unikernel: memory, one core, and the hypercalls as its only device. Shared by the files
 * of modes/hvt; mode.c builds it.
 */
#pragma once

#include "devices/char/char.h"
#include "devices/net/net.h"
#include "devices/net/net_backends.h"
#include "devices/storage/block.h"
#include "machine/config.h"
#include "modes/hvt/image.h"
#include "modes/hvt/start.h"

#define HVT_MAC_SIZE 6

/* What is behind a handle; one kind or the other. */
struct hvt_attached {
    bool attached;
    struct block *block;
    uint32_t sector_size;
    struct net_port *net;
    uint8_t mac[HVT_MAC_SIZE];
    uint16_t mtu;
    struct net_queue frames; /* for the guest, under the machine lock */
    struct hvt_board *board;
    unsigned handle;
};

struct hvt_board {
    struct machine_run *run;
    const struct machine_config *config;
    const struct hvt_arch *arch;
    struct hvt_image image;
    struct source source; /* while it is `opened` */
    bool opened;
    struct ram_block *memory;
    uint64_t size;
    struct hvt_attached devices[HVT_MFT_ENTRIES_MAX];
    bool booted; /* before: memory is zero */

    struct char_port *console;
    bool console_full; /* until it tells that it takes more; atomic */

    uint64_t ready; /* bit n: a frame waits at handle n; atomic */

    bool halted; /* the guest has said its last word; on the vCPU's thread */
    int status;
    uint64_t cookie;
};

/* --- devices (devices.c) --- */

/* Open what the user gave for the manifest's devices; each must be there, and no other. False and err. */
bool hvt_devices_open(struct hvt_board *board, struct error *err);
void hvt_devices_close(struct hvt_board *board);

/* The attached device of this type behind a handle, or NULL. */
struct hvt_attached *hvt_device_at(struct hvt_board *board, uint64_t handle, uint32_t type);

/* --- hypercalls (hypercall.c) --- */

/* Put them on the architecture's bus. False and err. */
bool hvt_calls_add(struct hvt_board *board, struct error *err);

/*
 * The guest's memory as hypercalls may use it: to read, from where the guest may; to write, from the program
 * on and only where the guest may. NULL, and the guest is ended with a line that says why.
 */
const uint8_t *hvt_guest_read(struct hvt_board *board, uint64_t address, uint64_t len);
uint8_t *hvt_guest_write(struct hvt_board *board, uint64_t address, uint64_t len);

/* The guest broke the ABI: end it, with a line that says how. */
void hvt_guest_bad(struct hvt_board *board, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* One each, with the address of its argument; on the vCPU's thread, no lock held (calls_io.c, calls_wait.c).
 */
void hvt_call_walltime(struct hvt_board *board, uint64_t address);
void hvt_call_puts(struct hvt_board *board, uint64_t address);
void hvt_call_poll(struct hvt_board *board, uint64_t address);
void hvt_call_block_write(struct hvt_board *board, uint64_t address);
void hvt_call_block_read(struct hvt_board *board, uint64_t address);
void hvt_call_net_write(struct hvt_board *board, uint64_t address);
void hvt_call_net_read(struct hvt_board *board, uint64_t address);
void hvt_call_halt(struct hvt_board *board, uint64_t address);

/* --- the end (dump.c) --- */

/* The core of a guest that stands still, into the folder. False and err. */
bool hvt_dump_write(struct hvt_board *board, const char *folder, struct error *err);
