/* The controller's registers, its phases, and the interrupt. */
#include "devices/storage/floppy.h"

#include <stdlib.h>
#include <string.h>

#include "devices/storage/floppy_internal.h"

#define PORT_BASE 0x3f2
#define PORT_DIR  0x3f7

enum {
    REGISTER_DOR, /* by offset */
    REGISTER_TDR,
    REGISTER_MSR, /* and the data rate select register */
    REGISTER_DATA,
};

#define DSR_RESET 0x80u
#define RATE      0x03u

#define MSR_BUSY     0x10u
#define MSR_NON_DMA  0x20u
#define MSR_TO_GUEST 0x40u
#define MSR_READY    0x80u

#define DIR_CHANGED 0x80u
#define RATE_RESET  2 /* 250 kbit/s */

/* Seeks and resets end after this. It is much less than mechanics take, and enough for a driver to get from
 * its last byte to its waiting. */
#define MECHANICS_NS 50000u

/* --- what the other files need --- */

static void lines_update(struct floppy *f)
{
    bool gate = f->dor & DOR_DMA_GATE;
    bool dma = f->phase == PHASE_DATA && floppy_uses_dma(f);
    irq_line_set(&f->config.irq, gate && f->irq);
    i8237_request(f->config.dma, f->config.channel, gate && dma);
}

void floppy_interrupt(struct floppy *f, bool level)
{
    f->irq = level;
    lines_update(f);
}

void floppy_idle(struct floppy *f)
{
    f->phase = PHASE_COMMAND;
    f->command_len = 0;
    lines_update(f);
}

void floppy_result(struct floppy *f, const uint8_t *bytes, unsigned count)
{
    memcpy(f->result, bytes, count);
    f->result_len = (uint8_t)count;
    f->result_at = 0;
    f->phase = PHASE_RESULT;
    lines_update(f);
}

void floppy_later(struct floppy *f)
{
    clock_timer_set(f->timer, clock_now(f->machine->clock) + MECHANICS_NS);
}

/* --- resets --- */

/* LOCK keeps what CONFIGURE said; SPECIFY's timings stay in any case. */
static void chip_reset(struct floppy *f)
{
    floppy_transfer_drop(f);
    if (!f->locked)
        memset(f->configure, 0, sizeof(f->configure));
    memset(f->tracks, 0, sizeof(f->tracks));
    f->resets = f->seeking = f->sought = f->perpendicular = 0;
    f->resetting = f->id_awaited = f->irq = false;
    floppy_idle(f);
}

static void reset_end(struct floppy *f)
{
    f->resetting = true;
    floppy_later(f);
}

static void dor_write(struct floppy *f, uint8_t value)
{
    uint8_t before = f->dor;
    f->dor = value;
    if (!(value & DOR_RUN))
        chip_reset(f);
    else if (!(before & DOR_RUN))
        reset_end(f);
    lines_update(f);
    floppy_data_move(f);
}

static void dsr_write(struct floppy *f, uint8_t value)
{
    f->rate = value & RATE;
    if (!(value & DSR_RESET))
        return;
    chip_reset(f);
    if (f->dor & DOR_RUN)
        reset_end(f);
}

static void timer_fire(void *opaque)
{
    struct floppy *f = opaque;
    if (f->resetting) {
        f->resetting = false;
        f->resets = (1u << SELECTABLE) - 1;
        floppy_interrupt(f, true);
    } else {
        floppy_mechanics(f);
    }
}

/* --- the data port --- */

static bool data_by_port(const struct floppy *f)
{
    return f->phase == PHASE_DATA && !floppy_uses_dma(f);
}

static uint8_t msr_read(const struct floppy *f)
{
    uint8_t value = f->seeking;
    if (!(f->dor & DOR_RUN) || f->resetting)
        return 0;
    if (f->phase != PHASE_COMMAND || f->command_len)
        value |= MSR_BUSY;
    if (f->phase == PHASE_COMMAND || f->phase == PHASE_RESULT || data_by_port(f))
        value |= MSR_READY;
    if (data_by_port(f))
        value |= MSR_NON_DMA;
    if (f->phase == PHASE_RESULT || (data_by_port(f) && !floppy_data_inward(f)))
        value |= MSR_TO_GUEST;
    return value;
}

static uint8_t data_read(struct floppy *f)
{
    if (data_by_port(f) && !floppy_data_inward(f))
        return floppy_data_read(f);
    if (f->phase != PHASE_RESULT)
        return 0;
    if (!f->sought && !f->resets)
        floppy_interrupt(f, false);
    uint8_t value = f->result[f->result_at++];
    if (f->result_at == f->result_len)
        floppy_idle(f);
    return value;
}

static void data_write(struct floppy *f, uint8_t value)
{
    if (data_by_port(f) && floppy_data_inward(f)) {
        floppy_data_write(f, value);
        return;
    }
    if (f->phase != PHASE_COMMAND || f->resetting || !(f->dor & DOR_RUN))
        return;
    f->command[f->command_len++] = value;
    if (f->command_len < floppy_command_length(f->command[0]))
        return;
    f->phase = PHASE_BUSY;
    floppy_command_run(f);
}

/* --- ports --- */

static uint64_t ports_read(void *opaque, uint64_t offset, unsigned width)
{
    struct floppy *f = opaque;
    (void)width;
    switch (offset) {
    case REGISTER_DOR: return f->dor;
    case REGISTER_TDR: return f->tdr;
    case REGISTER_MSR: return msr_read(f);
    default: return data_read(f);
    }
}

static void ports_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct floppy *f = opaque;
    (void)width;
    switch (offset) {
    case REGISTER_DOR: dor_write(f, (uint8_t)value); break;
    case REGISTER_TDR: f->tdr = value & 3; break;
    case REGISTER_MSR: dsr_write(f, (uint8_t)value); break;
    case REGISTER_DATA: data_write(f, (uint8_t)value); break;
    }
}

/* Only the change line of the drive that is selected is driven. */
static uint64_t dir_read(void *opaque, uint64_t offset, unsigned width)
{
    const struct floppy *f = opaque;
    (void)offset, (void)width;
    return f->changed >> (f->dor & 3) & 1 ? DIR_CHANGED : 0;
}

static void ccr_write(void *opaque, uint64_t offset, uint64_t value, unsigned width)
{
    struct floppy *f = opaque;
    (void)offset, (void)width;
    f->rate = value & RATE;
}

/* --- the whole --- */

static void restored(void *object)
{
    struct floppy *f = object;
    floppy_transfer_drop(f);
    for (unsigned i = 0; i < FLOPPY_DRIVES; i++) {
        if (!f->drives[i].block)
            f->changed &= (uint8_t) ~(1u << i);
    }
    if (f->resetting || f->seeking || f->id_awaited)
        floppy_later(f);
    else
        clock_timer_set(f->timer, CLOCK_NEVER);
    lines_update(f);
}

static void destroy(void *object)
{
    struct floppy *f = object;
    for (unsigned i = 0; i < FLOPPY_DRIVES; i++) {
        if (f->drives[i].block)
            block_close(f->drives[i].block);
    }
    clock_timer_destroy(f->timer);
    free(f);
}

static const struct state_field fields[] = {
    STATE(struct floppy, dor),
    STATE(struct floppy, tdr),
    STATE(struct floppy, rate, .reset = RATE_RESET),
    STATE(struct floppy, phase),
    STATE_ARRAY(struct floppy, command),
    STATE(struct floppy, command_len),
    STATE_ARRAY(struct floppy, result),
    STATE(struct floppy, result_len),
    STATE(struct floppy, result_at),
    STATE(struct floppy, irq),
    STATE(struct floppy, resetting),
    STATE(struct floppy, id_awaited),
    STATE(struct floppy, resets),
    STATE(struct floppy, seeking),
    STATE(struct floppy, sought),
    STATE_ARRAY(struct floppy, seek_status),
    STATE_ARRAY(struct floppy, targets),
    STATE_ARRAY(struct floppy, tracks),
    STATE(struct floppy, changed, .reset = (1u << FLOPPY_DRIVES) - 1),
    STATE_ARRAY(struct floppy, specify),
    STATE_ARRAY(struct floppy, configure),
    STATE(struct floppy, perpendicular),
    STATE(struct floppy, last_eot),
    STATE(struct floppy, locked),
    STATE(struct floppy, work),
    STATE(struct floppy, cylinder),
    STATE(struct floppy, head),
    STATE(struct floppy, physical_head),
    STATE(struct floppy, sector),
    STATE(struct floppy, last),
    STATE(struct floppy, st1),
    STATE(struct floppy, st2),
    STATE(struct floppy, terminal),
    STATE(struct floppy, left),
    STATE(struct floppy, at),
    STATE(struct floppy, len),
    STATE(struct floppy, scan_decided),
    STATE(struct floppy, scan_met),
    STATE_ARRAY(struct floppy, buffer),
};
static const struct state_table table = {"82077aa", 1, fields, ARRAY_LEN(fields), restored};

static bool drives_take(struct floppy *f, const struct floppy_config *config, struct error *err)
{
    bool fit = true;
    for (unsigned i = 0; i < FLOPPY_DRIVES; i++) {
        struct block *block = config->blocks[i];
        f->drives[i].block = block;
        if (!block)
            continue;
        f->drives[i].geometry = floppy_geometry(block);
        if (fit && block_size(block) > FLOPPY_MAX)
            fit = error_set(err, ERROR_IMAGE,
                            "%s is larger than any diskette, which has 2880 KiB: give it with --disk",
                            block_name(block));
    }
    return fit;
}

struct floppy *floppy_create(struct machine *machine, const struct floppy_config *config, struct error *err)
{
    struct floppy *f = machine_alloc(sizeof(*f));
    const struct i8237_client client = {floppy_data_move, f};
    const struct bus_region ports = {.name = "floppy",
                                     .base = PORT_BASE,
                                     .size = 4,
                                     .read = ports_read,
                                     .write = ports_write,
                                     .opaque = f};
    const struct bus_region direct = {
        .name = "floppy", .base = PORT_DIR, .size = 1, .read = dir_read, .write = ccr_write, .opaque = f};
    unsigned id;
    f->machine = machine;
    f->config = *config;
    f->timer = clock_timer_create(machine->clock, timer_fire, f);
    i8237_connect(config->dma, config->channel, &client);
    bool fit = drives_take(f, config, err);
    machine_device_add(machine, "floppy", &table, f, destroy);
    return fit && bus_add(machine->mem.pio, &ports, &id, err) && bus_add(machine->mem.pio, &direct, &id, err)
               ? f
               : NULL;
}
