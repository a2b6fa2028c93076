#include "devices/misc/button.h"

#include <stdlib.h>

struct button {
    struct machine *machine;
    struct irq_line line;
    struct clock_timer *timer;
    uint64_t release; /* guest time, or CLOCK_NEVER while it is up */
};

static void button_update(struct button *button)
{
    clock_timer_set(button->timer, button->release);
    irq_line_set(&button->line, button->release != CLOCK_NEVER);
}

static void timer_fired(void *opaque)
{
    struct button *button = opaque;
    button->release = CLOCK_NEVER;
    button_update(button);
}

void button_press(struct button *button)
{
    button->release = clock_now(button->machine->clock) + BUTTON_HELD_NS;
    button_update(button);
}

static void button_restored(void *object)
{
    button_update(object);
}

static const struct state_field fields[] = {STATE(struct button, release, .reset = CLOCK_NEVER)};

static const struct state_table table = {.name = "button",
                                         .version = 1,
                                         .fields = fields,
                                         .count = ARRAY_LEN(fields),
                                         .restored = button_restored};

static void button_destroy(void *object)
{
    struct button *button = object;
    clock_timer_destroy(button->timer);
    free(button);
}

struct button *button_create(struct machine *machine, const char *name, struct irq_line line)
{
    struct button *button = machine_alloc(sizeof(*button));
    button->machine = machine;
    button->line = line;
    button->timer = clock_timer_create(machine->clock, timer_fired, button);
    machine_device_add(machine, name, &table, button, button_destroy);
    return button;
}
