/*
 * State tables: the list of a device's or a core's fields with name, type, version and reset value. Reset,
 * save, load, fork, migration, checks and the monitor work from these tables and nothing else.
 */
#pragma once

#include "base/types.h"

struct state_field {
    const char *name;
    uint32_t offset; /* from the start of the object */
    uint32_t stride; /* between elements */
    uint32_t count;  /* elements; 1 for a scalar */
    uint8_t width;   /* bytes of an element: 1, 2, 4 or 8 (little-endian when saved) */
    bool keep;       /* survives a reset (flash contents, a real-time clock's offset) */
    uint16_t since;  /* the table version that added it (0: the first); older saves get the reset value */
    uint64_t reset;  /* the value of every element after a reset */
};

struct state_table {
    const char *name; /* the kind of object, e.g. "16550" */
    uint16_t version;
    const struct state_field *fields;
    size_t count;
    /*
     * Called after the fields got their values by a reset or a load, with the machine lock held: recompute
     * what is derived (interrupt levels, timers, mappings). May be NULL.
     */
    void (*restored)(void *object);
};

/* A scalar member, zero after reset. Further designated initialisers may follow: STATE(struct x, y, .reset =
 * 1). */
#define STATE(type, member, ...)                                                                             \
    {                                                                                                        \
        .name = #member, .offset = offsetof(type, member), .count = 1, .width = sizeof(((type *)0)->member), \
        .stride = sizeof(((type *)0)->member), __VA_ARGS__                                                   \
    }

/* A member that is an array of numbers. */
#define STATE_ARRAY(type, member, ...)                                                                       \
    {                                                                                                        \
        .name = #member, .offset = offsetof(type, member),                                                   \
        .count = sizeof(((type *)0)->member) / sizeof(((type *)0)->member[0]),                               \
        .width = sizeof(((type *)0)->member[0]), .stride = sizeof(((type *)0)->member[0]), __VA_ARGS__       \
    }

/* One member of each struct in an array of structs. */
#define STATE_EACH(type, array, member, ...)                                                                 \
    {                                                                                                        \
        .name = #array "." #member, .offset = offsetof(type, array[0].member),                               \
        .count = sizeof(((type *)0)->array) / sizeof(((type *)0)->array[0]),                                 \
        .width = sizeof(((type *)0)->array[0].member), .stride = sizeof(((type *)0)->array[0]), __VA_ARGS__  \
    }

/* Give every field its reset value (fields marked keep only when `cold`), then call restored. */
void state_reset(const struct state_table *table, void *object, bool cold);

/* Element `index` of a field, zero-extended. */
uint64_t state_get(const struct state_field *field, const void *object, uint32_t index);
void state_set(const struct state_field *field, void *object, uint32_t index, uint64_t value);

/* Bytes a save of the object takes, the save itself, and the load. A load refuses (false, object untouched) a
 * save that is truncated, names another table, or has a newer version. */
size_t state_save_size(const struct state_table *table);
void state_save(const struct state_table *table, const void *object, uint8_t *out);
bool state_load(const struct state_table *table, void *object, const uint8_t *in, size_t len);
