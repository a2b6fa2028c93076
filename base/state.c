#include "base/state.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"

/* A save is: magic, version, name length and name, then the fields' values in the order of the table. */
#define STATE_MAGIC 0x54534154u /* "TAST" */

uint64_t state_get(const struct state_field *field, const void *object, uint32_t index)
{
    const uint8_t *p = (const uint8_t *)object + field->offset + (size_t)index * field->stride;
    switch (field->width) {
    case 1: return *p;
    case 2: return *(const uint16_t *)(const void *)p;
    case 4: return *(const uint32_t *)(const void *)p;
    default: return *(const uint64_t *)(const void *)p;
    }
}

void state_set(const struct state_field *field, void *object, uint32_t index, uint64_t value)
{
    uint8_t *p = (uint8_t *)object + field->offset + (size_t)index * field->stride;
    switch (field->width) {
    case 1: *p = (uint8_t)value; break;
    case 2: *(uint16_t *)(void *)p = (uint16_t)value; break;
    case 4: *(uint32_t *)(void *)p = (uint32_t)value; break;
    default: *(uint64_t *)(void *)p = value; break;
    }
}

void state_reset(const struct state_table *table, void *object, bool cold)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct state_field *field = &table->fields[i];
        if (field->keep && !cold)
            continue;
        for (uint32_t j = 0; j < field->count; j++)
            state_set(field, object, j, field->reset);
    }
    if (table->restored)
        table->restored(object);
}

/* Bytes of the values a save of the given version holds. */
static size_t values_size(const struct state_table *table, unsigned version)
{
    size_t size = 0;
    for (size_t i = 0; i < table->count; i++)
        if (table->fields[i].since <= version)
            size += (size_t)table->fields[i].width * table->fields[i].count;
    return size;
}

static size_t header_size(const struct state_table *table)
{
    return 4 + 2 + 2 + strlen(table->name);
}

size_t state_save_size(const struct state_table *table)
{
    return header_size(table) + values_size(table, table->version);
}

void state_save(const struct state_table *table, const void *object, uint8_t *out)
{
    size_t name_len = strlen(table->name);
    le32_store(out, STATE_MAGIC);
    le16_store(out + 4, table->version);
    le16_store(out + 6, (uint16_t)name_len);
    memcpy(out + 8, table->name, name_len);
    out += 8 + name_len;
    for (size_t i = 0; i < table->count; i++) {
        const struct state_field *field = &table->fields[i];
        for (uint32_t j = 0; j < field->count; j++, out += field->width)
            le_store(out, field->width, state_get(field, object, j));
    }
}

bool state_load(const struct state_table *table, void *object, const uint8_t *in, size_t len)
{
    size_t header = header_size(table);
    if (len < header || le32_load(in) != STATE_MAGIC || le16_load(in + 6) != header - 8 ||
        memcmp(in + 8, table->name, header - 8) != 0)
        return false;
    unsigned version = le16_load(in + 4);
    if (version == 0 || version > table->version || len != header + values_size(table, version))
        return false;
    in += header;
    for (size_t i = 0; i < table->count; i++) {
        const struct state_field *field = &table->fields[i];
        bool saved = field->since <= version;
        for (uint32_t j = 0; j < field->count; j++) {
            state_set(field, object, j, saved ? le_load(in, field->width) : field->reset);
            in += saved ? field->width : 0;
        }
    }
    if (table->restored)
        table->restored(object);
    return true;
}
