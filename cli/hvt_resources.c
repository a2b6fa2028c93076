#include "cli/hvt_resources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/parse.h"

#define MAC_SIZE   6
#define SECTOR_MAX 4096

/* NAME=REST, cut in two; *rest is what follows. */
static char *name_take(const char *option, const char *spec, char **rest, struct error *err)
{
    char *copy = text_keep("%s", spec);
    *rest = strchr(copy, '=');
    if (!*rest || *rest == copy || !(*rest)[1]) {
        error_set(err, ERROR_USAGE, "--%s %s is not understood: write NAME=%s, with a name of the manifest",
                  option, spec, strcmp(option, "hvt-block") == 0 ? "FILE" : "INTERFACE");
        return NULL;
    }
    *(*rest)++ = '\0';
    return copy;
}

/* --- block devices --- */

static bool block_key(struct hvt_resource *resource, const char *part, struct error *err)
{
    uint64_t number;
    if (strcmp(part, "readonly") == 0) {
        resource->block.readonly = true;
        return true;
    }
    if (strcmp(part, "format=raw") == 0 || strcmp(part, "format=qcow2") == 0) {
        resource->block.format = strchr(part, '=') + 1;
        return true;
    }
    if (strncmp(part, "sector=", 7) == 0 && parse_number(part + 7, 1, SECTOR_MAX, &number)) {
        resource->sector_size = (unsigned)number;
        return true;
    }
    return error_set(
        err, ERROR_USAGE,
        "the block device %s doesn't know %s: use format=raw|qcow2, readonly or sector=512..4096",
        resource->name, part);
}

/* A raw image's format is never looked for: its contents are the guest's to choose. */
static bool block_parse(const char *spec, struct hvt_resource *resource, struct error *err)
{
    char *rest;
    resource->type = HVT_RESOURCE_BLOCK;
    resource->name = name_take("hvt-block", spec, &rest, err);
    if (!resource->name)
        return false;
    resource->block = (struct block_config){.path = parse_part(&rest), .format = "raw"};
    for (char *part; (part = parse_part(&rest)) != NULL;) {
        if (!block_key(resource, part, err))
            return false;
    }
    return true;
}

/* --- networks --- */

static bool mac_parse(struct hvt_resource *resource, const char *text, struct error *err)
{
    unsigned bytes[MAC_SIZE];
    int end = 0;
    int n = sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &bytes[0], &bytes[1], &bytes[2], &bytes[3], &bytes[4],
                   &bytes[5], &end);
    if (n != MAC_SIZE || text[end] || strlen(text) != 3 * MAC_SIZE - 1)
        return error_set(err, ERROR_USAGE,
                         "%s is no MAC address for the network %s: write six bytes, 02:00:00:00:00:01", text,
                         resource->name);
    if (bytes[0] & 1)
        return error_set(err, ERROR_USAGE, "%s, for the network %s, is the address of a group of stations",
                         text, resource->name);
    for (unsigned i = 0; i < MAC_SIZE; i++)
        resource->mac[i] = (uint8_t)bytes[i];
    resource->mac_chosen = true;
    return true;
}

/* As net_open wants it: a bare word is a tap interface, @4 a descriptor. */
static bool net_begin(char *spec, size_t size, const char *what, struct error *err)
{
    bool known = strcmp(what, "user") == 0 || strcmp(what, "tap") == 0 || strcmp(what, "none") == 0;
    const char *form = known ? "%s" : what[0] == '@' ? "tap,fd=%s" : "tap,ifname=%s";
    if (strlen(what) + strlen(form) >= size)
        return error_set(err, ERROR_USAGE, "%s is too long for a network interface", what);
    snprintf(spec, size, form, what + (what[0] == '@'));
    return true;
}

static bool net_parse(const char *text, struct hvt_resource *resource, struct error *err)
{
    char *rest;
    size_t size = strlen(text) + 16;
    resource->type = HVT_RESOURCE_NET;
    resource->name = name_take("hvt-net", text, &rest, err);
    char *spec = resource->name ? malloc(size) : NULL; /* kept as well */
    if (!spec)
        return false;
    resource->net = spec;
    if (!net_begin(spec, size, parse_part(&rest), err))
        return false;
    for (char *part; (part = parse_part(&rest)) != NULL;) {
        if (strncmp(part, "mac=", 4) != 0) {
            strcat(spec, ",");
            strcat(spec, part);
        } else if (!mac_parse(resource, part + 4, err)) {
            return false;
        }
    }
    return true;
}

bool hvt_resources_parse(const struct run_options *options, struct hvt_resource *resources, unsigned *count,
                         struct error *err)
{
    *count = 0;
    for (unsigned i = 0; i < options->hvt_blocks.count; i++) {
        if (!block_parse(options->hvt_blocks.items[i], &resources[(*count)++], err))
            return false;
    }
    for (unsigned i = 0; i < options->hvt_nets.count; i++) {
        if (!net_parse(options->hvt_nets.items[i], &resources[(*count)++], err))
            return false;
    }
    return true;
}
