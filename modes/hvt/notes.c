#include "modes/hvt/notes.h"

#include <string.h>

#include "base/bits.h"

/* ELF-64 object file format: a note is three words (lengths of name and contents, type), then both, each
 * padded to four bytes. */
#define NOTE_WORDS 12
#define NOTES_MAX  64 /* in one part of the file: more are no unikernel's */

static bool bad(const struct source *source, const char *why, struct error *err)
{
    return error_set(err, ERROR_IMAGE, "%s is no unikernel that can be started: %s", source->path, why);
}

/* Keep where the note's contents are, when it is one of ours. */
static bool note_keep(struct hvt_notes *notes, const struct source *source, uint64_t at, uint32_t type,
                      uint32_t size, struct error *err)
{
    uint8_t name[HVT_NOTE_NAME_LEN];
    if (!source_read(source, at + NOTE_WORDS, name, sizeof(name), err))
        return false;
    if (memcmp(name, HVT_NOTE_NAME, sizeof(name)) != 0)
        return true;
    bool *found = type == HVT_NOTE_ABI ? &notes->abi_found : &notes->manifest_found;
    if (type != HVT_NOTE_ABI && type != HVT_NOTE_MFT)
        return true;
    if (*found)
        return bad(source, "it has two notes of the same kind", err);
    *found = true;
    if (type == HVT_NOTE_ABI) {
        notes->abi = at + HVT_NOTE_HEADER;
        notes->abi_size = size;
        return true;
    }
    const uint32_t gap = HVT_NOTE_MFT_AT - HVT_NOTE_HEADER;
    if (size < gap)
        return bad(source, "its manifest is empty", err);
    notes->manifest = at + HVT_NOTE_MFT_AT;
    notes->manifest_size = size - gap;
    return true;
}

bool hvt_notes_look(struct hvt_notes *notes, const struct source *source, uint64_t at, uint64_t size,
                    uint64_t align, struct error *err)
{
    for (unsigned i = 0; size >= NOTE_WORDS && i < NOTES_MAX; i++) {
        uint8_t words[NOTE_WORDS];
        if (!source_read(source, at, words, sizeof(words), err))
            return false;
        uint32_t name_size = le32_load(words), content_size = le32_load(words + 4);
        uint64_t len = NOTE_WORDS + align_up(name_size, 4) + (uint64_t)content_size;
        if (len > size) /* behind a whole note it is padding, or another's business */
            return i > 0 || bad(source, "a note of it is truncated", err);
        if (name_size == HVT_NOTE_NAME_LEN &&
            !note_keep(notes, source, at, le32_load(words + 8), content_size, err))
            return false;
        uint64_t step = align_up(len, align == 8 ? 8 : 4);
        if (step >= size)
            return true;
        at += step;
        size -= step;
    }
    return true;
}

static bool abi_check(const struct hvt_notes *notes, const struct source *source, struct error *err)
{
    static const char *const targets[] = {"nothing", "hvt", "spt", "virtio", "muen", "genode", "xen"};
    uint8_t abi[HVT_NOTE_ABI_SIZE];
    if (!notes->abi_found)
        return bad(source, "it has no Solo5 ABI note, so it is not one (or older than Solo5 0.6)", err);
    if (notes->abi_size != sizeof(abi))
        return bad(source, "its ABI note has a size of its own", err);
    if (!source_read(source, notes->abi, abi, sizeof(abi), err))
        return false;
    uint32_t target = le32_load(abi), version = le32_load(abi + 4);
    if (target != HVT_ABI_TARGET)
        return error_set(err, ERROR_IMAGE, "%s is a Solo5 unikernel for %s, not for hvt: build it for hvt",
                         source->path, target < ARRAY_LEN(targets) ? targets[target] : "an unknown target");
    if (version != HVT_ABI_VERSION)
        return error_set(err, ERROR_IMAGE,
                         "%s is made for version %u of Solo5's hvt ABI, and this program has version %u: "
                         "build it with a Solo5 of that version",
                         source->path, version, HVT_ABI_VERSION);
    return true;
}

static bool device_check(const struct hvt_image *image, const struct source *source, unsigned index,
                         const uint8_t *entry, struct error *err)
{
    const struct hvt_device *device = &image->devices[index];
    if (device->name[HVT_MFT_NAME_SIZE - 1] || entry[HVT_MFT_ATTACHED])
        return bad(source, "its manifest has an entry that is not well-formed", err);
    if (index == 0)
        return (device->type == HVT_MFT_TYPE_NOTHING && !device->name[0]) ||
               bad(source, "its manifest does not begin with the reserved entry", err);
    if (device->type != HVT_MFT_TYPE_BLOCK && device->type != HVT_MFT_TYPE_NET)
        return bad(source, "its manifest has a device of an unknown type", err);
    for (const char *c = device->name; *c; c++) {
        if (!(*c >= '0' && *c <= '9') && !(*c >= 'A' && *c <= 'Z') && !(*c >= 'a' && *c <= 'z'))
            return bad(source, "its manifest has a device whose name is not of letters and digits", err);
    }
    if (!device->name[0])
        return bad(source, "its manifest has a device without a name", err);
    for (unsigned i = 1; i < index; i++) {
        if (strcmp(image->devices[i].name, device->name) == 0)
            return error_set(err, ERROR_IMAGE, "%s can't be started: its manifest names %s twice",
                             source->path, device->name);
    }
    return true;
}

static bool devices_read(struct hvt_image *image, const struct source *source, uint64_t at, struct error *err)
{
    for (unsigned i = 0; i < image->device_count; i++, at += HVT_MFT_ENTRY) {
        uint8_t entry[HVT_MFT_ENTRY];
        if (!source_read(source, at, entry, sizeof(entry), err))
            return false;
        memcpy(image->devices[i].name, entry, HVT_MFT_NAME_SIZE);
        image->devices[i].type = le32_load(entry + HVT_MFT_TYPE);
        if (!device_check(image, source, i, entry, err))
            return false;
    }
    return true;
}

static bool manifest_check(const struct hvt_notes *notes, struct hvt_image *image,
                           const struct source *source, struct error *err)
{
    uint8_t header[HVT_MFT_HEADER];
    if (!notes->manifest_found)
        return bad(source, "it has no manifest of its devices", err);
    if (notes->manifest_size < sizeof(header))
        return bad(source, "its manifest is too short", err);
    if (!source_read(source, notes->manifest, header, sizeof(header), err))
        return false;
    uint32_t version = le32_load(header), entries = le32_load(header + 4);
    if (version != HVT_MFT_VERSION)
        return error_set(err, ERROR_IMAGE,
                         "%s has a manifest of version %u, and this program knows version %u", source->path,
                         version, HVT_MFT_VERSION);
    if (entries == 0 || entries > HVT_MFT_ENTRIES_MAX)
        return bad(source, entries ? "its manifest has too many entries" : "its manifest has no entries",
                   err);
    if (notes->manifest_size != HVT_MFT_HEADER + entries * HVT_MFT_ENTRY)
        return bad(source, "its manifest's size and number of entries contradict each other", err);
    image->device_count = entries;
    return devices_read(image, source, notes->manifest + HVT_MFT_HEADER, err);
}

bool hvt_notes_check(const struct hvt_notes *notes, struct hvt_image *image, const struct source *source,
                     struct error *err)
{
    return abi_check(notes, source, err) && manifest_check(notes, image, source, err);
}
