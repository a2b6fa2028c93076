#include "cli/config.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/types.h"
#include "cli/config_tables.h"
#include "cli/parse.h"
#include "host/file.h"

#define CONFIG_SIZE_MAX MIB

/* Options whose value begins with the name of a file to read. */
static const char *const file_options[] = {"kernel",        "initrd", "dtb",  "firmware",
                                           "firmware-vars", "disk",   "cdrom"};
/* Words that are no file where one is expected. */
static const char *const file_words[] = {"auto", "builtin", "none"};

static bool word_among(const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(word, words[i]) == 0)
            return true;
    }
    return false;
}

#define OPTION_KEY_SIZE 32

/* `vcpus` is what everybody calls it; the other keys are the options' names. */
static void option_key(const struct option *option, char key[OPTION_KEY_SIZE])
{
    snprintf(key, OPTION_KEY_SIZE, "%s", strcmp(option->name, "cpus") == 0 ? "vcpus" : option->name);
    for (char *at = key; *at; at++)
        *at = *at == '-' ? '_' : *at;
}

/* Options that are about files like this one have no key in it. */
static bool option_has_key(const struct option *option)
{
    static const char *const none[] = {"config", "print-config", "help"};
    return !word_among(option->name, none, ARRAY_LEN(none));
}

const char *config_file(const struct config *config, const char *name)
{
    if (name[0] == '/' || config->folder[0] == '\0')
        return text_keep("%s", name);
    return text_keep("%s%s", config->folder, name);
}

bool config_wrong(const struct config *config, const struct toml_node *node, struct error *err,
                  const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return error_set(err, ERROR_USAGE, "%s:%u: %s", config->path, node->line, text);
}

bool config_wrong_kind(const struct config *config, const struct toml_node *node, const char *expected,
                       struct error *err)
{
    static const char *const names[] = {
        [TOML_TABLE] = "a table",      [TOML_ARRAY] = "an array",    [TOML_STRING] = "a string",
        [TOML_INTEGER] = "an integer", [TOML_BOOLEAN] = "a boolean", [TOML_OTHER] = "of another kind",
    };
    return config_wrong(config, node, err, "%s is %s, and %s was expected",
                        node->key ? node->key : "this value", names[node->kind], expected);
}

bool config_unknown(const struct config *config, const struct toml_node *node, const char *table,
                    const char *const *keys, size_t count, struct error *err)
{
    const char *near = nearest_word(node->key, keys, count);
    return config_wrong(config, node, err, "there is no key %s in %s%s%s%s", node->key, table,
                        near ? ": did you mean " : ": docs/configuration.md lists them", near ? near : "",
                        near ? "?" : "");
}

bool config_store(struct config *config, const struct toml_node *node, const char *name, const char *value,
                  struct error *err)
{
    return option_store(config->options, option_named(name), value, err) ||
           error_prefix(err, "%s:%u", config->path, node->line);
}

/* --- [vm]: a key for each option --- */

/* What an option's key expects, in words. */
static const char *option_expects(const struct option *option)
{
    switch (option->kind) {
    case OPTION_LIST: return "a string or an array of strings";
    case OPTION_SIZE: return "a size (\"512M\", or an integer: bytes)";
    case OPTION_NUMBER: return "an integer";
    case OPTION_FLAG: return "true or false";
    default: return option->argument[0] == '[' ? "a string, an integer or true" : "a string";
    }
}

static bool text_store(struct config *config, const struct option *option, const struct toml_node *node,
                       struct error *err)
{
    bool file = word_among(option->name, file_options, ARRAY_LEN(file_options)) &&
                !word_among(node->string, file_words, ARRAY_LEN(file_words));
    const char *value = file ? config_file(config, node->string) : text_keep("%s", node->string);
    return config_store(config, node, option->name, value, err);
}

static bool list_store(struct config *config, const struct option *option, const struct toml_node *node,
                       struct error *err)
{
    for (const struct toml_node *item = node->first; item; item = item->next) {
        if (item->kind != TOML_STRING)
            return config_wrong_kind(config, item, "a string", err);
        if (!text_store(config, option, item, err))
            return false;
    }
    return true;
}

static bool option_set(struct config *config, const struct option *option, const struct toml_node *node,
                       struct error *err)
{
    bool number = option->kind == OPTION_NUMBER || option->kind == OPTION_SIZE;
    bool may_be_bare = option->kind == OPTION_TEXT && option->argument[0] == '[';
    if (node->kind == TOML_STRING && option->kind != OPTION_FLAG && option->kind != OPTION_NUMBER)
        return text_store(config, option, node, err);
    if (node->kind == TOML_INTEGER && (number || may_be_bare))
        return config_store(config, node, option->name, text_keep("%lld", (long long)node->integer), err);
    if (node->kind == TOML_BOOLEAN && (option->kind == OPTION_FLAG || may_be_bare))
        return !node->boolean || config_store(config, node, option->name, "", err);
    if (node->kind == TOML_ARRAY && option->kind == OPTION_LIST)
        return list_store(config, option, node, err);
    return config_wrong_kind(config, node, option_expects(option), err);
}

static const struct option *option_of_key(const char *key)
{
    char name[OPTION_KEY_SIZE];
    for (size_t i = 0; i < run_option_count; i++) {
        option_key(&run_option_table[i], name);
        if (option_has_key(&run_option_table[i]) && strcmp(name, key) == 0)
            return &run_option_table[i];
    }
    return NULL;
}

static bool vm_unknown(const struct config *config, const struct toml_node *node, struct error *err)
{
    static char names[64][OPTION_KEY_SIZE];
    const char *keys[ARRAY_LEN(names)];
    size_t count = 0;
    for (size_t i = 0; i < run_option_count && count < ARRAY_LEN(names); i++) {
        option_key(&run_option_table[i], names[count]);
        keys[count] = names[count];
        count += option_has_key(&run_option_table[i]);
    }
    return config_unknown(config, node, "[vm]", keys, count, err);
}

static bool vm_set(struct config *config, const struct toml_node *vm, struct error *err)
{
    for (const struct toml_node *node = vm->first; node; node = node->next) {
        const struct option *option = option_of_key(node->key);
        bool ok = option                       ? option_set(config, option, node, err)
                  : config_is_table(node->key) ? config_table_set(config, node, err)
                                               : vm_unknown(config, node, err);
        if (!ok)
            return false;
    }
    return true;
}

/* --- the file --- */

static bool tree_read(struct config *config, const struct toml_node *root, struct error *err)
{
    static const char *const tables[] = {"vm"};
    for (const struct toml_node *node = root->first; node; node = node->next) {
        if (strcmp(node->key, "vm") != 0)
            return config_unknown(config, node, "the file, whose keys are in [vm]", tables, ARRAY_LEN(tables),
                                  err);
        if (node->kind != TOML_TABLE)
            return config_wrong_kind(config, node, "a table, [vm],", err);
        if (!vm_set(config, node, err))
            return false;
    }
    return true;
}

static char *file_read(const char *path, size_t *size, struct error *err)
{
    struct host_file file;
    if (!host_file_open(&file, path, err))
        return NULL;
    char *text = NULL;
    if (file.size > CONFIG_SIZE_MAX)
        error_set(err, ERROR_IMAGE, "%s is too big for a configuration file", path);
    else if (!(text = malloc(file.size + 1)))
        error_set(err, ERROR_HOST, "out of memory");
    else if (!host_file_read(&file, 0, text, file.size, err)) {
        free(text);
        text = NULL;
    }
    *size = file.size;
    host_file_close(&file);
    return text;
}

bool config_read(struct run_options *options, const char *path, struct error *err)
{
    const char *slash = strrchr(path, '/');
    char *folder = strndup(path, slash ? (size_t)(slash - path) + 1 : 0);
    struct config config = {.options = options, .path = path, .folder = folder};
    size_t size;
    char *text = folder ? file_read(path, &size, err) : NULL;
    struct toml_node *root = text ? toml_parse(path, text, size, err) : NULL;
    bool ok = root && tree_read(&config, root, err);
    if (!options->mode)
        options->mode = config.mode;
    toml_free(root);
    free(text);
    free(folder);
    return ok;
}

/* --- writing --- */

static void string_write(FILE *to, const char *text)
{
    fputc('"', to);
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        if (*at == '"' || *at == '\\')
            fprintf(to, "\\%c", *at);
        else if (*at < 0x20 || *at == 0x7f)
            fprintf(to, "\\u%04x", *at);
        else
            fputc(*at, to);
    }
    fputc('"', to);
}

static void list_write(FILE *to, const char *key, const struct option_list *list)
{
    if (list->count == 0)
        return;
    fprintf(to, "%s = [", key);
    for (unsigned i = 0; i < list->count; i++) {
        fprintf(to, "%s", i ? ", " : "");
        string_write(to, list->items[i]);
    }
    fprintf(to, "]\n");
}

static void option_write(FILE *to, const struct option *option, const void *field)
{
    char key[OPTION_KEY_SIZE];
    const char *text;
    uint64_t number;
    option_key(option, key);
    switch (option->kind) {
    case OPTION_TEXT:
    case OPTION_LINE:
        memcpy(&text, field, sizeof(text));
        if (text) {
            fprintf(to, "%s = ", key);
            string_write(to, text);
            fputc('\n', to);
        }
        break;
    case OPTION_SIZE:
    case OPTION_NUMBER:
        memcpy(&number, field, sizeof(number));
        if (number)
            fprintf(to, "%s = %llu\n", key, (unsigned long long)number);
        break;
    case OPTION_FLAG:
        if (*(const bool *)field)
            fprintf(to, "%s = true\n", key);
        break;
    case OPTION_LIST: list_write(to, key, field); break;
    }
}

void config_write(FILE *to, const struct run_options *options)
{
    fprintf(to, "[vm]\n");
    for (size_t i = 0; i < run_option_count; i++) {
        const struct option *option = &run_option_table[i];
        if (option_has_key(option))
            option_write(to, option, (const char *)options + option->offset);
    }
}
