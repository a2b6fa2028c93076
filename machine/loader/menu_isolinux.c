/*
 * isolinux.cfg: lines of a keyword and its value. The default is the label that `menu default` marks, or that
 * `default` names, or the first one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "machine/loader/boot_menu.h"

#define INCLUDES_MAX 16
#define LABELS_MAX   64

struct label {
    char name[64];
    bool marked; /* menu default */
    struct boot_entry entry;
};

struct menu {
    const struct menu_files *files;
    char folder[256]; /* of the first file: relative paths are below it */
    char wanted[256]; /* the value of `default` */
    struct label *labels;
    unsigned count, includes;
};

static void copy(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from);
}

static void path_set(const struct menu *menu, char *to, size_t size, const char *path)
{
    if (path[0] == '/')
        copy(to, size, path);
    else
        snprintf(to, size, "%s/%s", menu->folder, path);
}

/* Whether a line begins with the words, in any case; *value is what follows. */
static bool keyword(char *line, const char *words, char **value)
{
    size_t len = strlen(words);
    if (strncasecmp(line, words, len) != 0 || !strchr(" \t", line[len]))
        return false;
    *value = line + len + strspn(line + len, " \t");
    return true;
}

/* initrd=A,B in the command line names the initrd: the first counts, and the word goes. */
static void initrd_take(const struct menu *menu, struct boot_entry *entry)
{
    char *word = strstr(entry->append, "initrd=");
    if (!word || (word != entry->append && word[-1] != ' '))
        return;
    char path[256] = "";
    size_t len = strcspn(word, " ");
    size_t name = strcspn(word + 7, " ,");
    snprintf(path, sizeof(path), "%.*s", (int)name, word + 7);
    path_set(menu, entry->initrd, sizeof(entry->initrd), path);
    size_t rest = len + strspn(word + len, " ");
    memmove(word, word + rest, strlen(word + rest) + 1);
}

static void file_read(struct menu *menu, const char *path);

static void line_take(struct menu *menu, char *line)
{
    char *value;
    struct label *label = menu->count ? &menu->labels[menu->count - 1] : NULL;
    if (keyword(line, "include", &value) || keyword(line, "menu include", &value)) {
        char path[512], name[256];
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(value, " \t"), value);
        path_set(menu, path, sizeof(path), name);
        file_read(menu, path);
    } else if (keyword(line, "default", &value) || keyword(line, "ontimeout", &value)) {
        copy(menu->wanted, sizeof(menu->wanted), value);
    } else if (keyword(line, "label", &value)) {
        if (menu->count < LABELS_MAX)
            copy(menu->labels[menu->count++].name, sizeof(label->name), value);
    } else if (!label) {
        return;
    } else if (keyword(line, "menu default", &value)) {
        label->marked = true;
    } else if (keyword(line, "menu label", &value)) {
        copy(label->entry.title, sizeof(label->entry.title), value);
    } else if (keyword(line, "kernel", &value) || keyword(line, "linux", &value)) {
        path_set(menu, label->entry.kernel, sizeof(label->entry.kernel), value);
    } else if (keyword(line, "initrd", &value)) {
        path_set(menu, label->entry.initrd, sizeof(label->entry.initrd), value);
    } else if (keyword(line, "append", &value)) {
        copy(label->entry.append, sizeof(label->entry.append), value);
        initrd_take(menu, &label->entry);
    }
}

static void file_read(struct menu *menu, const char *path)
{
    if (menu->includes++ >= INCLUDES_MAX)
        return;
    char *text = menu->files->read(menu->files->opaque, path), *rest = text, *line;
    while (rest && (line = strsep(&rest, "\n")) != NULL) {
        line += strspn(line, " \t");
        line[strcspn(line, "\r")] = '\0';
        for (size_t len = strlen(line); len && (line[len - 1] == ' ' || line[len - 1] == '\t'); len--)
            line[len - 1] = '\0';
        line_take(menu, line);
    }
    free(text);
}

/* A label that starts a kernel, and not one of isolinux's own modules. */
static bool is_linux(const struct label *label)
{
    size_t len = strlen(label->entry.kernel);
    return len > 0 && (len < 4 || strcasecmp(label->entry.kernel + len - 4, ".c32") != 0);
}

static const struct label *label_choose(const struct menu *menu)
{
    const struct label *first = NULL, *named = NULL;
    for (unsigned i = 0; i < menu->count; i++) {
        const struct label *label = &menu->labels[i];
        if (!is_linux(label))
            continue;
        if (label->marked)
            return label;
        if (!named && strcmp(label->name, menu->wanted) == 0)
            named = label;
        first = first ? first : label;
    }
    return named ? named : first;
}

bool isolinux_menu_find(const struct menu_files *files, const char *path, struct boot_entry *entry)
{
    struct menu menu = {.files = files};
    const char *slash = strrchr(path, '/');
    snprintf(menu.folder, sizeof(menu.folder), "%.*s", (int)(slash ? slash - path : 0), path);
    menu.labels = calloc(LABELS_MAX, sizeof(*menu.labels));
    if (!menu.labels)
        return false;
    file_read(&menu, path);
    const struct label *label = label_choose(&menu);
    if (label)
        *entry = label->entry;
    free(menu.labels);
    return label != NULL;
}
