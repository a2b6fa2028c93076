/*
 * Random instances of the rows of the core's table of instructions, with registers that suit them: what the
 * test of user-mode instructions runs. Operand formats are known here.
 */
#pragma once

#include "tests/insn/x86_compare.h"

/* A run of instructions under construction. */
struct maker {
    struct native_state *in;
    uint8_t *data;
    uint8_t code[256];
    unsigned at;
    uint64_t undefined; /* flags, so far */
    uint64_t doubtful;  /* flags that were undefined anywhere in the run */
    bool neighbours;    /* all of the run is from that list */
    bool alone;         /* registers may be chosen to suit the instruction */
    unsigned jump_at;   /* where a relative jump's distance lies, and its width; 0: none */
    unsigned jump_width;
    char text[256];
};

/* Whether a row can stand at this place of a run. */
bool maker_row_usable(const struct maker *m, const struct x86_row *row, const struct x86_model *model);
void maker_row_add(struct maker *m, const struct x86_row *row);

/* A number of any kind; and an address in the data, mostly aligned, sometimes at its very end or across a
 * page. */
uint64_t maker_value(void);
uint64_t maker_data_address(void);
