/*
 * grub.cfg: commands of words, with menuentry and submenu blocks in braces. Conditions are not evaluated:
 * what stands in an `if` is read as if it stood alone. The default is the entry that `set default` numbers or
 * names, or the first.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/loader/boot_menu.h"

#define INCLUDES_MAX 16
#define ENTRIES_MAX  64
#define WORDS_MAX    64

struct menu {
    const struct menu_files *files;
    struct boot_entry *entries;
    unsigned count, includes;
    bool in_entry;
    unsigned depth, entry_depth; /* of braces */
    char wanted[128];
};

/* Split a command into words in place: quotes are taken away. Returns the count. */
static unsigned words_split(char *line, char *words[WORDS_MAX])
{
    unsigned count = 0;
    for (char *at = line; *at && count < WORDS_MAX;) {
        at += strspn(at, " \t");
        if (!*at || *at == '#')
            break;
        char *to = words[count++] = at;
        char quote = 0;
        for (; *at && (quote || (*at != ' ' && *at != '\t')); at++) {
            if (quote ? *at == quote : *at == '\'' || *at == '"')
                quote = quote ? 0 : *at;
            else if (*at == '\\' && at[1] && quote != '\'')
                *to++ = *++at;
            else
                *to++ = *at;
        }
        char last = *at;
        *to = '\0';
        at += last != '\0';
    }
    return count;
}

static void words_join(char *to, size_t size, char *const *words, unsigned count)
{
    size_t used = 0;
    to[0] = '\0';
    for (unsigned i = 0; i < count && used < size; i++)
        used += (size_t)snprintf(to + used, size - used, "%s%s", i ? " " : "", words[i]);
}

/* Paths may name the device: ($root)/boot/vmlinuz. */
static const char *path_of(const char *word)
{
    const char *close = word[0] == '(' ? strchr(word, ')') : NULL;
    return close ? close + 1 : word;
}

static void file_read(struct menu *menu, const char *path);

static bool is_one_of(const char *word, const char *a, const char *b, const char *c)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0 || strcmp(word, c) == 0;
}

static void command_take(struct menu *menu, char *words[WORDS_MAX], unsigned count)
{
    struct boot_entry *entry = menu->in_entry ? &menu->entries[menu->count - 1] : NULL;
    if (strcmp(words[0], "menuentry") == 0 && count > 1 && !menu->in_entry && menu->count < ENTRIES_MAX) {
        entry = &menu->entries[menu->count++];
        unsigned title = 1; /* behind options */
        while (title + 1 < count && words[title][0] == '-')
            title++;
        snprintf(entry->title, sizeof(entry->title), "%s", words[title]);
        menu->in_entry = true;
        menu->entry_depth = menu->depth;
    } else if (strcmp(words[0], "set") == 0 && count > 1 && strncmp(words[1], "default=", 8) == 0) {
        snprintf(menu->wanted, sizeof(menu->wanted), "%s", words[1] + 8);
    } else if (strcmp(words[0], "source") == 0 && count > 1 && !strchr(words[1], '$')) {
        file_read(menu, path_of(words[1]));
    } else if (entry && count > 1 && is_one_of(words[0], "linux", "linuxefi", "linux16")) {
        snprintf(entry->kernel, sizeof(entry->kernel), "%s", path_of(words[1]));
        words_join(entry->append, sizeof(entry->append), words + 2, count - 2);
    } else if (entry && count > 1 && is_one_of(words[0], "initrd", "initrdefi", "initrd16")) {
        snprintf(entry->initrd, sizeof(entry->initrd), "%s", path_of(words[1]));
    }
}

/* One line: its command, and the braces that open and close blocks (each a word of its own). */
static void line_take(struct menu *menu, char *line)
{
    char *words[WORDS_MAX];
    unsigned count = words_split(line, words), kept = 0;
    unsigned opened = 0, closed = 0;
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(words[i], "{") == 0)
            opened++;
        else if (strcmp(words[i], "}") == 0)
            closed++;
        else
            words[kept++] = words[i];
    }
    if (kept)
        command_take(menu, words, kept);
    menu->depth += opened;
    menu->depth -= closed < menu->depth ? closed : menu->depth;
    if (closed && menu->in_entry && menu->depth <= menu->entry_depth)
        menu->in_entry = false;
}

static void file_read(struct menu *menu, const char *path)
{
    if (menu->includes++ >= INCLUDES_MAX)
        return;
    char *text = menu->files->read(menu->files->opaque, path), *rest = text, *line;
    while (rest && (line = strsep(&rest, "\n")) != NULL) {
        line[strcspn(line, "\r")] = '\0';
        /* A command goes on after a backslash. */
        for (size_t len = strlen(line); rest && len && line[len - 1] == '\\'; len = strlen(line)) {
            char *more = strsep(&rest, "\n");
            line[len - 1] = ' ';
            memmove(line + len, more, strlen(more) + 1);
        }
        line_take(menu, line);
    }
    free(text);
}

static const struct boot_entry *entry_choose(const struct menu *menu)
{
    bool by_number = isdigit((unsigned char)menu->wanted[0]);
    unsigned number = by_number ? (unsigned)strtoul(menu->wanted, NULL, 10) : 0;
    for (unsigned i = 0; i < menu->count; i++) {
        const struct boot_entry *entry = &menu->entries[i];
        bool wanted = by_number ? i == number : strcmp(entry->title, menu->wanted) == 0;
        if (wanted && entry->kernel[0])
            return entry;
    }
    for (unsigned i = 0; i < menu->count; i++) {
        if (menu->entries[i].kernel[0])
            return &menu->entries[i];
    }
    return NULL;
}

bool grub_menu_find(const struct menu_files *files, const char *path, struct boot_entry *entry)
{
    struct menu menu = {.files = files};
    menu.entries = calloc(ENTRIES_MAX, sizeof(*menu.entries));
    if (!menu.entries)
        return false;
    file_read(&menu, path);
    const struct boot_entry *chosen = entry_choose(&menu);
    if (chosen)
        *entry = *chosen;
    free(menu.entries);
    return chosen != NULL;
}
