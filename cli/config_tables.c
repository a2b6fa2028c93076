/* The tables of a configuration file that describe a mode and its devices: each becomes the option that says
 * the same. */
#include "cli/config_tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/types.h"
#include "cli/parse.h"

/* How the value of a device's key becomes part of the option's value. */
enum part_kind {
    PART_HEAD, /* the first part, by itself; a device needs it */
    PART_FILE, /* so too, and a file in the configuration's folder */
    PART_TAIL, /* after the head and a colon, such as file:PATH */
    PART_IS,   /* after the head and an equals sign, NAME=VALUE; a device needs it */
    PART_IS_FILE,
    PART_VALUE,  /* key=value; an array gives several */
    PART_NUMBER, /* key=value, of an integer */
    PART_FLAG,   /* key, when it is true */
};

struct device_key {
    const char *name;
    enum part_kind kind;
};

#define DEVICE_KEYS_MAX 6

struct device_type {
    const char *name, *option;
    const char *last; /* what ends the option's value, or NULL */
    struct device_key keys[DEVICE_KEYS_MAX];
};

static const struct device_type virtio_types[] = {
    {"blk",
     "disk",
     NULL,
     {{"path", PART_FILE}, {"format", PART_VALUE}, {"readonly", PART_FLAG}, {"snapshot", PART_FLAG}}},
    {"net", "net", NULL, {{"driver", PART_HEAD}, {"ifname", PART_VALUE}, {"hostfwd", PART_VALUE}}},
    {"console", "serial", NULL, {{"driver", PART_HEAD}, {"path", PART_TAIL}}},
    {"port",
     "port",
     NULL,
     {{"name", PART_HEAD}, {"driver", PART_IS}, {"path", PART_TAIL}, {"server", PART_FLAG}}},
    {"rng", NULL, NULL, {{0}}},
};

static const struct device_type hvt_types[] = {
    {"block",
     "hvt-block",
     NULL,
     {{"name", PART_HEAD},
      {"path", PART_IS_FILE},
      {"format", PART_VALUE},
      {"readonly", PART_FLAG},
      {"sector", PART_NUMBER}}},
    {"net",
     "hvt-net",
     NULL,
     {{"name", PART_HEAD}, {"interface", PART_IS}, {"hostfwd", PART_VALUE}, {"mac", PART_VALUE}}},
};

static const struct device_key *device_key(const struct device_type *type, const char *name)
{
    for (size_t i = 0; i < DEVICE_KEYS_MAX && type->keys[i].name; i++) {
        if (strcmp(type->keys[i].name, name) == 0)
            return &type->keys[i];
    }
    return NULL;
}

static const struct toml_node *child(const struct toml_node *table, const char *key)
{
    for (const struct toml_node *node = table->first; node; node = node->next) {
        if (strcmp(node->key, key) == 0)
            return node;
    }
    return NULL;
}

/* A comma inside a value is written twice in an option. */
static void part_write(FILE *to, const char *text)
{
    for (; *text; text++) {
        if (*text == ',')
            fputc(',', to);
        fputc(*text, to);
    }
}

static bool value_write(struct config *config, FILE *to, const struct device_key *key,
                        const struct toml_node *node, struct error *err)
{
    if (node->kind != TOML_STRING)
        return config_wrong_kind(config, node, "a string", err);
    if (key->kind == PART_IS || key->kind == PART_IS_FILE)
        fputc('=', to);
    if (key->kind == PART_FILE || key->kind == PART_IS_FILE)
        part_write(to, config_file(config, node->string));
    else if (key->kind == PART_HEAD || key->kind == PART_IS)
        part_write(to, node->string);
    else
        fprintf(to, key->kind == PART_TAIL ? ":" : ",%s=", key->name), part_write(to, node->string);
    return true;
}

static bool key_write(struct config *config, FILE *to, const struct device_key *key,
                      const struct toml_node *node, struct error *err)
{
    if (key->kind == PART_FLAG) {
        if (node->kind != TOML_BOOLEAN)
            return config_wrong_kind(config, node, "true or false", err);
        if (node->boolean)
            fprintf(to, ",%s", key->name);
        return true;
    }
    if (key->kind == PART_NUMBER) {
        if (node->kind != TOML_INTEGER)
            return config_wrong_kind(config, node, "an integer", err);
        fprintf(to, ",%s=%lld", key->name, (long long)node->integer);
        return true;
    }
    if (key->kind != PART_VALUE || node->kind != TOML_ARRAY)
        return value_write(config, to, key, node, err);
    for (const struct toml_node *item = node->first; item; item = item->next) {
        if (!value_write(config, to, key, item, err))
            return false;
    }
    return true;
}

static bool keys_known(struct config *config, const struct device_type *type, const struct toml_node *device,
                       struct error *err)
{
    const char *names[DEVICE_KEYS_MAX + 1] = {"type"};
    size_t count = 1;
    for (size_t i = 0; i < DEVICE_KEYS_MAX && type->keys[i].name; i++)
        names[count++] = type->keys[i].name;
    for (const struct toml_node *node = device->first; node; node = node->next) {
        if (strcmp(node->key, "type") != 0 && !device_key(type, node->key))
            return config_unknown(config, node, text_keep("a device of type %s", type->name), names, count,
                                  err);
    }
    return true;
}

static bool keys_write(struct config *config, FILE *to, const struct device_type *type,
                       const struct toml_node *device, struct error *err)
{
    for (size_t i = 0; i < DEVICE_KEYS_MAX && type->keys[i].name; i++) {
        const struct device_key *key = &type->keys[i];
        const struct toml_node *node = child(device, key->name);
        bool needed = key->kind == PART_HEAD || key->kind == PART_FILE || key->kind == PART_IS ||
                      key->kind == PART_IS_FILE;
        if (!node && needed)
            return config_wrong(config, device, err, "a device of type %s needs the key %s", type->name,
                                key->name);
        if (node && !key_write(config, to, key, node, err))
            return false;
    }
    return true;
}

static bool device_set(struct config *config, const struct device_type *types, size_t count,
                       const struct toml_node *device, struct error *err)
{
    const struct toml_node *name = device->kind == TOML_TABLE ? child(device, "type") : NULL;
    const struct device_type *type = NULL;
    if (device->kind != TOML_TABLE)
        return config_wrong_kind(config, device, "a table", err);
    if (!name || name->kind != TOML_STRING)
        return config_wrong(config, device, err, "this device has no type: add type = \"%s\", for example",
                            types[0].name);
    for (size_t i = 0; i < count && !type; i++)
        type = strcmp(types[i].name, name->string) == 0 ? &types[i] : NULL;
    if (!type)
        return config_wrong(config, name, err,
                            "there is no type of device %s: docs/configuration.md lists them", name->string);
    char *value = NULL;
    size_t size;
    FILE *to = open_memstream(&value, &size);
    if (!to)
        return error_set(err, ERROR_HOST, "out of memory");
    bool ok = keys_known(config, type, device, err) && keys_write(config, to, type, device, err);
    fclose(to);
    ok = ok && (!type->option || config_store(config, device, type->option, text_keep("%s", value), err));
    free(value);
    return ok;
}

static bool devices_set(struct config *config, const struct device_type *types, size_t count,
                        const struct toml_node *devices, struct error *err)
{
    if (devices->kind != TOML_ARRAY)
        return config_wrong_kind(config, devices, text_keep("an array of tables, [[...%s]],", devices->key),
                                 err);
    for (const struct toml_node *device = devices->first; device; device = device->next) {
        if (!device_set(config, types, count, device, err))
            return false;
    }
    return true;
}

/* --- the tables --- */

static bool virtualization_set(struct config *config, const struct toml_node *node, struct error *err)
{
    if (node->kind != TOML_STRING)
        return config_wrong_kind(config, node, "a string", err);
    if (strcmp(node->string, "auto") == 0 || strcmp(node->string, "none") == 0)
        return true;
    return config_wrong(config, node, err, "virtualization = \"%s\" is not there yet: use \"none\"",
                        node->string);
}

static bool nested_set(struct config *config, const struct toml_node *node, struct error *err)
{
    if (node->kind != TOML_BOOLEAN)
        return config_wrong_kind(config, node, "true or false", err);
    return !node->boolean || config_wrong(config, node, err, "nested guests are not there yet: use false");
}

static bool transport_set(struct config *config, const struct toml_node *node, struct error *err)
{
    if (node->kind != TOML_STRING)
        return config_wrong_kind(config, node, "a string", err);
    return config_store(config, node, "transport", text_keep("%s", node->string), err);
}

/* The first serial port is the board's own: where the file names none, it gets what the consoles leave. */
static void serial_make(struct config *config, const struct toml_node *devices)
{
    struct option_list *serials = &config->options->serials;
    const char *first = "stdio";
    bool console = false;
    for (const struct toml_node *device = devices->first; device; device = device->next) {
        const struct toml_node *type = device->kind == TOML_TABLE ? child(device, "type") : NULL;
        const struct toml_node *driver = device->kind == TOML_TABLE ? child(device, "driver") : NULL;
        if (!type || type->kind != TOML_STRING || strcmp(type->string, "console") != 0)
            continue;
        console = true;
        if (driver && driver->kind == TOML_STRING && strcmp(driver->string, "stdio") == 0)
            first = "none";
    }
    if (console && serials->count == 0)
        serials->items[serials->count++] = first;
}

static bool virtio_devices_set(struct config *config, const struct toml_node *node, struct error *err)
{
    if (node->kind == TOML_ARRAY)
        serial_make(config, node);
    config->mode = "virtio";
    return devices_set(config, virtio_types, ARRAY_LEN(virtio_types), node, err);
}

static bool unikernel_set(struct config *config, const struct toml_node *node, struct error *err)
{
    if (node->kind != TOML_STRING)
        return config_wrong_kind(config, node, "a string", err);
    config->mode = "hvt";
    return config_store(config, node, "kernel", config_file(config, node->string), err);
}

static bool manifest_set(struct config *config, const struct toml_node *node, struct error *err)
{
    if (node->kind != TOML_STRING)
        return config_wrong_kind(config, node, "a string", err);
    return strcmp(node->string, "auto") == 0 ||
           config_wrong(config, node, err,
                        "a manifest from a file is not there yet: use \"auto\", the unikernel's own");
}

static bool dumpcore_set(struct config *config, const struct toml_node *node, struct error *err)
{
    if (node->kind != TOML_STRING)
        return config_wrong_kind(config, node, "a string", err);
    return config_store(config, node, "hvt-dumpcore", text_keep("%s", node->string), err);
}

static bool resources_set(struct config *config, const struct toml_node *node, struct error *err)
{
    config->mode = "hvt";
    return devices_set(config, hvt_types, ARRAY_LEN(hvt_types), node, err);
}

struct table_key {
    const char *name;
    bool (*set)(struct config *config, const struct toml_node *node, struct error *err);
};

#define TABLE_KEYS_MAX 4

static const struct {
    const char *name, *title;
    struct table_key keys[TABLE_KEYS_MAX];
} tables[] = {
    {"type1", "[vm.type1]", {{"virtualization", virtualization_set}, {"nested", nested_set}}},
    {"virtio", "[vm.virtio]", {{"transport", transport_set}, {"devices", virtio_devices_set}}},
    {"hvt",
     "[vm.hvt]",
     {{"unikernel", unikernel_set},
      {"manifest", manifest_set},
      {"dumpcore", dumpcore_set},
      {"resources", resources_set}}},
};

static bool table_read(struct config *config, size_t which, const struct toml_node *table, struct error *err)
{
    const char *names[TABLE_KEYS_MAX];
    size_t count = 0;
    while (count < TABLE_KEYS_MAX && tables[which].keys[count].name) {
        names[count] = tables[which].keys[count].name;
        count++;
    }
    if (table->kind != TOML_TABLE)
        return config_wrong_kind(config, table, "a table", err);
    for (const struct toml_node *node = table->first; node; node = node->next) {
        size_t i = 0;
        while (i < count && strcmp(names[i], node->key) != 0)
            i++;
        if (i == count)
            return config_unknown(config, node, tables[which].title, names, count, err);
        if (!tables[which].keys[i].set(config, node, err))
            return false;
    }
    return true;
}

bool config_is_table(const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        if (strcmp(tables[i].name, key) == 0)
            return true;
    }
    return false;
}

bool config_table_set(struct config *config, const struct toml_node *node, struct error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        if (strcmp(tables[i].name, node->key) == 0)
            return table_read(config, i, node, err);
    }
    return false;
}
