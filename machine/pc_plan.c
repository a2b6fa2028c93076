/* What the PC starts: firmware, or a payload by itself. */
#include <stdio.h>

#include "machine/loader/detect.h"
#include "machine/pc_board.h"

/* A file of the user's: it lies at the end of the first 4 GiB, and is as large as that place at most. */
static bool plan_file(struct pc_plan *plan, const char *path, struct error *err)
{
    struct source source;
    struct image_info info;
    if ((size_t)snprintf(plan->firmware_path, FIRMWARE_PATH_MAX, "%s", path) >= FIRMWARE_PATH_MAX)
        return error_set(err, ERROR_USAGE, "a file name of more than %u characters can't be used",
                         FIRMWARE_PATH_MAX);
    if (!source_open(&source, path, NULL, err))
        return false;
    bool ok = image_detect(&source, &info, err);
    source_close(&source);
    if (!ok)
        return false;
    if (info.kind != IMAGE_FLASH && info.kind != IMAGE_UNKNOWN)
        return error_set(err, ERROR_IMAGE, "%s is %s, not firmware: give it with another option", path,
                         image_kind_name(info.kind));
    plan->firmware = true;
    return true;
}

/* Without a kernel, a disk or a CD is started by a BIOS. */
bool pc_plan_make(struct pc_board *board, struct error *err)
{
    const struct machine_config *config = board->config;
    struct pc_plan *plan = &board->plan;
    if (config->firmware == FIRMWARE_FILE)
        return plan_file(plan, config->firmware_file, err);
    if (config->kernel)
        return true;
    if (config->firmware == FIRMWARE_NONE || config->firmware == FIRMWARE_BUILTIN)
        return error_set(err, ERROR_USAGE,
                         "without firmware a PC needs a program to start: give --kernel FILE");
    if (config->disk_count == 0)
        return error_set(err, ERROR_USAGE, "there is nothing to start: give --kernel FILE or --disk FILE");
    plan->firmware = firmware_find(FIRMWARE_SEABIOS, plan->firmware_path);
    if (plan->firmware)
        log_info("firmware: %s", plan->firmware_path);
    return plan->firmware || error_set(err, ERROR_USAGE,
                                       "a disk needs firmware, and no SeaBIOS was found: install the package "
                                       "seabios, or give --kernel FILE or --firmware FILE");
}
