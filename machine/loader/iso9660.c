#include "machine/loader/iso9660.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bits.h"

/* ECMA-119: volume descriptors begin here; numbers are given in both byte orders, the little-endian one
 * first. */
#define DESCRIPTORS_FIRST 16

/* A directory record (9.1). */
#define RECORD_EXTENT   2
#define RECORD_SIZE     10
#define RECORD_FLAGS    25
#define RECORD_NAME_LEN 32
#define RECORD_NAME     33
#define FLAG_DIRECTORY  0x02
#define FLAG_MORE       0x80 /* the file goes on in the next record */

#define DIRECTORY_MAX (4 * MIB)
#define NAME_MAX_LEN  256
#define PATH_MAX_LEN  1024
#define LINKS_MAX     8

/* One entry of a directory, with the name it is known by. */
struct entry {
    char name[NAME_MAX_LEN];
    char link[NAME_MAX_LEN]; /* a symbolic link's target, or "" */
    struct iso_file file;
};

static bool broken(const struct source *source, const char *what, struct error *err)
{
    return error_set(err, ERROR_IMAGE, "%s is a broken ISO image: %s", source->path, what);
}

/* --- volume descriptors --- */

bool iso_descriptor_read(const struct source *source, unsigned n, uint8_t descriptor[static ISO_SECTOR],
                         struct error *err)
{
    if (!source_read(source, (uint64_t)(DESCRIPTORS_FIRST + n) * ISO_SECTOR, descriptor, ISO_SECTOR, err))
        return false;
    return memcmp(descriptor + 1, "CD001", 5) == 0 || broken(source, "a volume descriptor is missing", err);
}

static bool is_joliet(const uint8_t *descriptor)
{
    const uint8_t *escape = descriptor + 88;
    return descriptor[0] == ISO_DESCRIPTOR_JOLIET && escape[0] == '%' && escape[1] == '/' &&
           (escape[2] == '@' || escape[2] == 'C' || escape[2] == 'E');
}

static bool descriptor_take(struct iso *iso, const uint8_t *descriptor, bool joliet, struct error *err)
{
    const uint8_t *root = descriptor + 156;
    iso->block_size = le16_load(descriptor + 128);
    if (iso->block_size != 512 && iso->block_size != 1024 && iso->block_size != 2048)
        return broken(iso->source, "its blocks are not of 512, 1024 or 2048 bytes", err);
    iso->root = (uint64_t)le32_load(root + RECORD_EXTENT) * iso->block_size;
    iso->root_size = le32_load(root + RECORD_SIZE);
    iso->joliet = joliet;
    return true;
}

/* The root's own record begins with SP where System Use Sharing is used, which Rock Ridge needs (SUSP 5.3).
 */
static bool rock_ridge_look(struct iso *iso, struct error *err)
{
    uint8_t record[64];
    if (!source_read(iso->source, iso->root, record, sizeof(record), err))
        return false;
    const uint8_t *use = record + RECORD_NAME + 1;
    iso->rock_ridge = record[0] >= RECORD_NAME + 1 + 7 && use[0] == 'S' && use[1] == 'P' && use[4] == 0xbe &&
                      use[5] == 0xef;
    iso->skip = iso->rock_ridge ? use[6] : 0;
    return true;
}

bool iso_open(struct iso *iso, const struct source *source, struct error *err)
{
    uint8_t descriptor[ISO_SECTOR], joliet[ISO_SECTOR];
    bool has_primary = false, has_joliet = false;
    *iso = (struct iso){.source = source};
    for (unsigned i = 0; i < ISO_DESCRIPTORS_MAX; i++) {
        if (!iso_descriptor_read(source, i, descriptor, err))
            return false;
        if (descriptor[0] == ISO_DESCRIPTOR_LAST)
            break;
        if (descriptor[0] == ISO_DESCRIPTOR_PRIMARY && !has_primary) {
            has_primary = true;
            if (!descriptor_take(iso, descriptor, false, err))
                return false;
        } else if (is_joliet(descriptor)) {
            has_joliet = true;
            memcpy(joliet, descriptor, ISO_SECTOR);
        }
    }
    if (!has_primary)
        return broken(iso->source, "it has no primary volume descriptor", err);
    if (!rock_ridge_look(iso, err))
        return false;
    /* Rock Ridge has the names as they were; Joliet's are better than the shortened ones. */
    return iso->rock_ridge || !has_joliet || descriptor_take(iso, joliet, true, err);
}

/* --- names --- */

static void text_add(char *text, const char *piece, size_t len)
{
    size_t used = strlen(text);
    if (len > NAME_MAX_LEN - 1 - used)
        len = NAME_MAX_LEN - 1 - used;
    memcpy(text + used, piece, len);
    text[used + len] = '\0';
}

/* "VMLINUZ.;1" is vmlinuz. */
static void plain_name(char *name, const uint8_t *bytes, size_t len)
{
    name[0] = '\0';
    text_add(name, (const char *)bytes, len);
    name[strcspn(name, ";")] = '\0';
    size_t end = strlen(name);
    if (end && name[end - 1] == '.')
        name[end - 1] = '\0';
}

/* Joliet's names are UCS-2, the high byte first; what isn't ASCII is no name of a boot file. */
static void joliet_name(char *name, const uint8_t *bytes, size_t len)
{
    name[0] = '\0';
    for (size_t i = 0; i + 1 < len; i += 2) {
        char c = bytes[i] ? '?' : (char)bytes[i + 1];
        text_add(name, &c, 1);
    }
    name[strcspn(name, ";")] = '\0';
}

/* A symbolic link's components (RRIP 4.1.3): flags, length, text. */
static void link_add(char *link, const uint8_t *field, size_t len)
{
    for (size_t at = 5; at + 2 <= len;) {
        unsigned flags = field[at], size = field[at + 1];
        if (at + 2 + size > len)
            return;
        if (flags & 8)
            text_add(link, "/", 1);
        else if (flags & 4)
            text_add(link, "../", 3);
        else if (!(flags & 2)) {
            text_add(link, (const char *)field + at + 2, size);
            if (!(flags & 1))
                text_add(link, "/", 1);
        }
        at += 2 + size;
    }
}

struct continuation {
    uint64_t offset, size;
};

/* Rock Ridge fields: NM names, SL links, CE says where more are. */
static struct continuation fields_take(const struct iso *iso, const uint8_t *fields, size_t len,
                                       struct entry *entry, bool *named)
{
    struct continuation more = {0};
    for (size_t at = 0; at + 4 <= len;) {
        const uint8_t *field = fields + at;
        size_t size = field[2];
        if (size < 4 || at + size > len)
            break;
        if (field[0] == 'N' && field[1] == 'M' && size > 5) {
            if (!*named)
                entry->name[0] = '\0';
            *named = true;
            text_add(entry->name, (const char *)field + 5, size - 5);
        } else if (field[0] == 'S' && field[1] == 'L' && size > 5) {
            link_add(entry->link, field, size);
        } else if (field[0] == 'C' && field[1] == 'E' && size >= 28) {
            more = (struct continuation){(uint64_t)le32_load(field + 4) * iso->block_size +
                                             le32_load(field + 12),
                                         le32_load(field + 20)};
        }
        at += size;
    }
    return more;
}

static bool rock_ridge_take(const struct iso *iso, const uint8_t *fields, size_t len, struct entry *entry,
                            struct error *err)
{
    uint8_t area[ISO_SECTOR];
    bool named = false;
    struct continuation more = fields_take(iso, fields, len, entry, &named);
    for (unsigned i = 0; more.size && i < 8; i++) {
        if (more.size > sizeof(area))
            return broken(iso->source, "a file's attributes are too long", err);
        if (!source_read(iso->source, more.offset, area, more.size, err))
            return false;
        more = fields_take(iso, area, more.size, entry, &named);
    }
    return true;
}

/* --- directories --- */

/* The record at `at` of a directory's `len` bytes; 0 in *size: no more in this block. False and err. */
static bool record_take(const struct iso *iso, const uint8_t *bytes, size_t at, size_t len,
                        struct entry *entry, size_t *size, bool *more, struct error *err)
{
    const uint8_t *record = bytes + at;
    *size = record[0];
    if (!*size)
        return true;
    if (*size > len - at || *size <= RECORD_NAME_LEN)
        return broken(iso->source, "a directory record is cut off", err);
    size_t name_len = record[RECORD_NAME_LEN];
    size_t fields = RECORD_NAME + name_len + !(name_len & 1) + iso->skip;
    if (*size < RECORD_NAME + name_len)
        return broken(iso->source, "a directory record is cut off", err);
    *more = record[RECORD_FLAGS] & FLAG_MORE;
    *entry = (struct entry){.file = {.offset = (uint64_t)le32_load(record + RECORD_EXTENT) * iso->block_size,
                                     .size = le32_load(record + RECORD_SIZE),
                                     .directory = record[RECORD_FLAGS] & FLAG_DIRECTORY}};
    if (iso->joliet)
        joliet_name(entry->name, record + RECORD_NAME, name_len);
    else
        plain_name(entry->name, record + RECORD_NAME, name_len);
    return !iso->rock_ridge || fields >= *size ||
           rock_ridge_take(iso, record + fields, *size - fields, entry, err);
}

static bool name_matches(const struct iso *iso, const char *name, const char *wanted, size_t len)
{
    if (strlen(name) != len)
        return false;
    return iso->rock_ridge ? memcmp(name, wanted, len) == 0 : strncasecmp(name, wanted, len) == 0;
}

enum search {
    SEARCH_FOUND,
    SEARCH_MISSING,
    SEARCH_FAILED, /* err is set */
};

static enum search directory_search(const struct iso *iso, const uint8_t *bytes, size_t len,
                                    const char *wanted, size_t wanted_len, struct entry *found,
                                    struct error *err)
{
    uint64_t before = 0; /* bytes of a file in parts that came in earlier records */
    for (size_t at = 0, size; at < len; at += size) {
        struct entry entry;
        bool more = false;
        if (!record_take(iso, bytes, at, len, &entry, &size, &more, err))
            return SEARCH_FAILED;
        if (!size) { /* records don't cross blocks: the rest of this one is empty */
            size = iso->block_size - at % iso->block_size;
            continue;
        }
        if (!name_matches(iso, entry.name, wanted, wanted_len))
            continue;
        if (!before)
            *found = entry;
        before += entry.file.size;
        found->file.size = before;
        if (!more)
            return SEARCH_FOUND;
    }
    return before ? SEARCH_FOUND : SEARCH_MISSING;
}

static enum search directory_look(const struct iso *iso, const struct iso_file *directory, const char *wanted,
                                  size_t len, struct entry *found, struct error *err)
{
    if (directory->size > DIRECTORY_MAX) {
        broken(iso->source, "a directory is too large", err);
        return SEARCH_FAILED;
    }
    uint8_t *bytes = malloc(directory->size + 1);
    enum search result = SEARCH_FAILED;
    if (!bytes)
        error_set(err, ERROR_HOST, "out of memory");
    else if (source_read(iso->source, directory->offset, bytes, directory->size, err))
        result = directory_search(iso, bytes, directory->size, wanted, len, found, err);
    free(bytes);
    return result;
}

/* A link's target and what of the path came behind the link, as a path from the root. `parent` is the link's
 * directory. */
static bool link_follow(char *path, size_t parent_len, const char *link, const char *rest)
{
    char joined[PATH_MAX_LEN];
    int len = link[0] == '/'
                  ? snprintf(joined, sizeof(joined), "%s%s", link, rest)
                  : snprintf(joined, sizeof(joined), "%.*s/%s%s", (int)parent_len, path, link, rest);
    if (len < 0 || (size_t)len >= sizeof(joined))
        return false;
    memcpy(path, joined, (size_t)len + 1);
    return true;
}

/* Take "." and ".." out of a path, in place. */
static void path_normalize(char *path)
{
    char out[PATH_MAX_LEN] = "";
    size_t used = 0;
    for (const char *at = path; *at;) {
        at += strspn(at, "/");
        size_t len = strcspn(at, "/");
        if (len == 2 && memcmp(at, "..", 2) == 0) {
            while (used && out[--used] != '/')
                ;
            out[used] = '\0';
        } else if (len && !(len == 1 && *at == '.')) {
            out[used++] = '/';
            memcpy(out + used, at, len);
            used += len;
            out[used] = '\0';
        }
        at += len;
    }
    memcpy(path, out, used + 1);
}

/* One walk from the root; *again: a link was met, and `path` is now where it leads. */
static bool path_walk(const struct iso *iso, char *path, const char *asked, struct iso_file *file,
                      bool *again, struct error *err)
{
    struct iso_file at = {iso->root, iso->root_size, true};
    *again = false;
    path_normalize(path);
    for (size_t start = 0; path[start];) {
        size_t len = strcspn(path + start + 1, "/");
        struct entry entry;
        enum search result = SEARCH_MISSING;
        if (at.directory)
            result = directory_look(iso, &at, path + start + 1, len, &entry, err);
        if (result == SEARCH_FAILED)
            return false;
        if (result == SEARCH_MISSING)
            return error_set(err, ERROR_IMAGE, "there is no %s in %s", asked, iso->source->path);
        if (entry.link[0]) {
            char rest[PATH_MAX_LEN];
            snprintf(rest, sizeof(rest), "%s", path + start + 1 + len);
            *again = link_follow(path, start, entry.link, rest);
            return *again || broken(iso->source, "a symbolic link is too long", err);
        }
        at = entry.file;
        start += 1 + len;
    }
    *file = at;
    return true;
}

bool iso_find(const struct iso *iso, const char *asked, struct iso_file *file, struct error *err)
{
    char path[PATH_MAX_LEN];
    bool again = true;
    if ((size_t)snprintf(path, sizeof(path), "%s", asked) >= sizeof(path))
        return error_set(err, ERROR_IMAGE, "a path in %s is too long", iso->source->path);
    for (unsigned i = 0; again && i < LINKS_MAX; i++) {
        if (!path_walk(iso, path, asked, file, &again, err))
            return false;
    }
    if (again)
        return broken(iso->source, "its symbolic links lead nowhere", err);
    if (range_beyond(file->offset, file->size, iso->source->size))
        return error_set(err, ERROR_IMAGE, "%s is truncated: %s lies behind its end", iso->source->path,
                         asked);
    return true;
}

bool iso_source_open(struct source *source, const char *path, load_progress progress, bool *tried,
                     struct error *err)
{
    char image[PATH_MAX_LEN];
    const char *inside = strstr(path, ":/");
    *tried = false;
    if (!inside || (size_t)(inside - path) >= sizeof(image))
        return false;
    memcpy(image, path, (size_t)(inside - path));
    image[inside - path] = '\0';
    struct source whole;
    if (!source_file_open(&whole, image, progress, NULL))
        return false;
    *tried = true;
    struct iso iso;
    struct iso_file file;
    if (!iso_open(&iso, &whole, err) || !iso_find(&iso, inside + 1, &file, err)) {
        source_close(&whole);
        return false;
    }
    *source = whole;
    source->path = path;
    source->start = file.offset;
    source->size = file.size;
    return true;
}
