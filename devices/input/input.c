#include "devices/input/input.h"

#include <assert.h>
#include <stdlib.h>

#define CONSUMERS_MAX 16

struct input {
    struct input_handlers consumers[CONSUMERS_MAX];
    unsigned count;
};

struct input *input_create(void)
{
    struct input *input = calloc(1, sizeof(*input));
    if (!input)
        abort();
    return input;
}

void input_destroy(struct input *input)
{
    free(input);
}

void input_attach(struct input *input, const struct input_handlers *handlers)
{
    assert(input->count < CONSUMERS_MAX);
    input->consumers[input->count++] = *handlers;
}

static bool listens(const struct input_handlers *consumer)
{
    return !consumer->active || consumer->active(consumer->opaque);
}

void input_key(struct input *input, unsigned key, bool pressed)
{
    for (unsigned i = input->count; i-- > 0;) {
        const struct input_handlers *consumer = &input->consumers[i];
        if (!consumer->key || !listens(consumer))
            continue;
        consumer->key(consumer->opaque, key, pressed);
        return;
    }
}

void input_button(struct input *input, unsigned button, bool pressed)
{
    for (unsigned i = input->count; i-- > 0;) {
        const struct input_handlers *consumer = &input->consumers[i];
        if (!consumer->button || !listens(consumer))
            continue;
        consumer->button(consumer->opaque, button, pressed);
        return;
    }
}

void input_relative(struct input *input, int dx, int dy)
{
    for (unsigned i = input->count; i-- > 0;) {
        const struct input_handlers *consumer = &input->consumers[i];
        if (!consumer->relative || !listens(consumer))
            continue;
        consumer->relative(consumer->opaque, dx, dy);
        return;
    }
}

void input_wheel(struct input *input, int down, int right)
{
    for (unsigned i = input->count; i-- > 0;) {
        const struct input_handlers *consumer = &input->consumers[i];
        if (!consumer->wheel || !listens(consumer))
            continue;
        consumer->wheel(consumer->opaque, down, right);
        return;
    }
}

static const struct input_handlers *absolute_consumer(const struct input *input)
{
    for (unsigned i = input->count; i-- > 0;) {
        const struct input_handlers *consumer = &input->consumers[i];
        if (consumer->absolute && listens(consumer))
            return consumer;
    }
    return NULL;
}

bool input_takes_absolute(const struct input *input)
{
    return absolute_consumer(input) != NULL;
}

bool input_may_take_absolute(const struct input *input)
{
    for (unsigned i = 0; i < input->count; i++) {
        const struct input_handlers *consumer = &input->consumers[i];
        bool known = consumer->known ? consumer->known(consumer->opaque) : listens(consumer);
        if (consumer->absolute && known)
            return true;
    }
    return false;
}

bool input_takes_relative(const struct input *input)
{
    for (unsigned i = 0; i < input->count; i++) {
        if (input->consumers[i].relative && listens(&input->consumers[i]))
            return true;
    }
    return false;
}

void input_absolute(struct input *input, unsigned x, unsigned y)
{
    const struct input_handlers *consumer = absolute_consumer(input);
    if (consumer)
        consumer->absolute(consumer->opaque, x, y);
}

void input_sync(struct input *input)
{
    for (unsigned i = 0; i < input->count; i++) {
        const struct input_handlers *consumer = &input->consumers[i];
        if (consumer->sync && listens(consumer))
            consumer->sync(consumer->opaque);
    }
}
