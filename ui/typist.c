#include "ui/typist.h"

#include <stdlib.h>
#include <string.h>

#include "host/clock.h"
#include "ui/keys.h"

#define STEP_NS     20000000ull /* between two changes */
#define STEPS_START 64u
#define STEPS_MAX   (1u << 20)

struct step {
    uint16_t key;
    bool pressed;
    bool last; /* of those that come together */
};

struct typist {
    struct input *input;
    struct host_timer *timer;
    struct step *steps;
    size_t at, count, room;
};

static void due(void *opaque)
{
    struct typist *typist = opaque;
    while (typist->at < typist->count) {
        struct step step = typist->steps[typist->at++];
        input_key(typist->input, step.key, step.pressed);
        if (step.last)
            break;
    }
    input_sync(typist->input);
    if (typist->at < typist->count) {
        host_timer_set(typist->timer, host_clock_ns() + STEP_NS);
        return;
    }
    free(typist->steps);
    typist->steps = NULL;
    typist->at = typist->count = typist->room = 0;
}

struct typist *typist_create(struct host_loop *loop, struct input *input, struct error *err)
{
    struct typist *typist = calloc(1, sizeof(*typist));
    if (!typist)
        abort();
    typist->input = input;
    typist->timer = host_timer_create(loop, due, typist, err);
    if (typist->timer)
        return typist;
    free(typist);
    return NULL;
}

void typist_destroy(struct typist *typist)
{
    if (!typist)
        return;
    host_timer_destroy(typist->timer);
    free(typist->steps);
    free(typist);
}

/* Room for `more` steps. */
static bool room_make(struct typist *typist, size_t more)
{
    size_t room = typist->room ? typist->room : STEPS_START;
    while (room < typist->count + more)
        room *= 2;
    if (room > STEPS_MAX)
        return false;
    struct step *steps = realloc(typist->steps, room * sizeof(*steps));
    if (!steps)
        return false;
    typist->steps = steps;
    typist->room = room;
    return true;
}

static void step_add(struct typist *typist, unsigned key, bool pressed, bool last)
{
    if (typist->count == 0)
        host_timer_set(typist->timer, host_clock_ns());
    typist->steps[typist->count++] = (struct step){(uint16_t)key, pressed, last};
}

size_t typist_type(struct typist *typist, const char *text, size_t len)
{
    size_t left_out = 0;
    for (size_t i = 0; i < len; i++) {
        bool shift;
        unsigned key = key_of_character((uint8_t)text[i], &shift);
        if (!key || !room_make(typist, 4)) {
            left_out++;
            continue;
        }
        if (shift)
            step_add(typist, KEY_LEFT_SHIFT, true, false);
        step_add(typist, key, true, true);
        step_add(typist, key, false, !shift);
        if (shift)
            step_add(typist, KEY_LEFT_SHIFT, false, true);
    }
    return left_out;
}

size_t typist_type_escaped(struct typist *typist, const char *text)
{
    static const char names[] = "nte\\", values[] = "\n\t\033\\";
    size_t left_out = 0;
    while (*text) {
        const char *at = text[0] == '\\' && text[1] ? strchr(names, text[1]) : NULL;
        left_out += typist_type(typist, at ? &values[at - names] : text, 1);
        text += at ? 2 : 1;
    }
    return left_out;
}

void typist_press(struct typist *typist, const unsigned *keys, unsigned count)
{
    if (!room_make(typist, 2 * (size_t)count))
        return;
    for (unsigned i = 0; i < count; i++)
        step_add(typist, keys[i], true, i + 1 == count);
    for (unsigned i = count; i-- > 0;)
        step_add(typist, keys[i], false, i == 0);
}
