#include "ui/held.h"

void held_change(struct held *held, unsigned key, bool pressed)
{
    if (!held->input || !key || key >= HELD_MAX || held->down[key] == pressed)
        return;
    held->down[key] = pressed;
    if (key >= INPUT_BUTTON_LEFT)
        input_button(held->input, key, pressed);
    else
        input_key(held->input, key, pressed);
    input_sync(held->input);
}

void held_release_all(struct held *held)
{
    for (unsigned key = 0; key < HELD_MAX; key++)
        held_change(held, key, false);
}
