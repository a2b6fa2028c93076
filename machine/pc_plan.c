/* What the PC starts: firmware, or a payload by itself. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/bits.h"
#include "guests/demo_images.h"
#include "host/file.h"
#include "host/store.h"
#include "machine/loader/detect.h"
#include "machine/pc_board.h"

/* --- firmware --- */

/* What begins with a volume for variables (PI 1.7 vol. 3, EFI_SYSTEM_NV_DATA_FV_GUID) brings its own. */
static bool has_variables(const struct source *source)
{
    static const uint8_t guid[16] = {0x8d, 0x2b, 0xf1, 0xff, 0x96, 0x76, 0x8b, 0x4c,
                                     0xa9, 0x85, 0x27, 0x47, 0x07, 0x5b, 0x4f, 0x50};
    uint8_t head[32];
    return source_read(source, 0, head, sizeof(head), NULL) && memcmp(head + 16, guid, sizeof(guid)) == 0;
}

/* A ROM is whole pages, with a jump at the reset vector, 16 bytes before its end; CLI, CLD and NOP may come
 * first. U-Boot's has a multiboot header in it as well. */
static bool has_reset_vector(const struct source *source)
{
    uint8_t code[4];
    if (source->size < PAGE_SIZE || source->size % PAGE_SIZE ||
        !source_read(source, source->size - 16, code, sizeof(code), NULL))
        return false;
    unsigned at = 0;
    while (at < sizeof(code) - 1 && (code[at] == 0xfa || code[at] == 0xfc || code[at] == 0x90))
        at++;
    return code[at] == 0xe9 || code[at] == 0xea || code[at] == 0xeb;
}

/* A file that lies at the end of the first 4 GiB, and is as large as that place at most. */
static bool firmware_use(struct pc_plan *plan, const char *path, struct error *err)
{
    struct source source;
    struct image_info info;
    if (!firmware_path_keep(plan->firmware_path, path, err) || !source_open(&source, path, NULL, err))
        return false;
    bool ok = image_detect(&source, &info, err);
    plan->firmware = true;
    plan->efi = ok && info.kind == IMAGE_FLASH;
    plan->efi_code = plan->efi && !has_variables(&source);
    bool rom = ok && info.kind == IMAGE_MULTIBOOT && has_reset_vector(&source);
    source_close(&source);
    if (!ok)
        return false;
    if (info.kind != IMAGE_FLASH && info.kind != IMAGE_UNKNOWN && !rom)
        return error_set(err, ERROR_IMAGE, "%s is %s, not firmware: give it with another option", path,
                         image_kind_name(info.kind));
    log_info("firmware: %s", path);
    return true;
}

static bool firmware_use_found(struct pc_plan *plan, enum firmware_kind kind, const char *why,
                               const char *package, struct error *err)
{
    char path[FIRMWARE_PATH_MAX];
    if (firmware_find(kind, path))
        return firmware_use(plan, path, err);
    return error_set(err, ERROR_USAGE,
                     "%s, and no %s was found: install the package %s, or give --firmware FILE", why,
                     firmware_name(kind), package);
}

/* A file of the user's, or one of the two by its name. */
static bool firmware_choose(struct pc_plan *plan, const char *name, struct error *err)
{
    if (strcasecmp(name, "ovmf") == 0)
        return firmware_use_found(plan, FIRMWARE_OVMF, "--firmware asks for EDK2", "ovmf", err);
    if (strcasecmp(name, "seabios") == 0)
        return firmware_use_found(plan, FIRMWARE_SEABIOS, "--firmware asks for a BIOS", "seabios", err);
    return firmware_use(plan, name, err);
}

/* --- EFI's variables --- */

/* A fresh store: the file beside the code whose name says so, else what was installed. */
static bool template_find(const struct pc_plan *plan, char path[static FIRMWARE_PATH_MAX])
{
    static const char *const names[][2] = {{"CODE", "VARS"}, {"code", "vars"}};
    const char *file =
        strrchr(plan->firmware_path, '/') ? strrchr(plan->firmware_path, '/') : plan->firmware_path;
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        const char *at = strstr(file, names[i][0]);
        if (!at)
            continue;
        snprintf(path, FIRMWARE_PATH_MAX, "%s", plan->firmware_path);
        memcpy(path + (at - plan->firmware_path), names[i][1], strlen(names[i][1]));
        if (host_file_exists(path))
            return true;
    }
    return firmware_find(FIRMWARE_OVMF_VARS, path);
}

/* The user's file, made from the template when it is not there; else the template, and what the guest writes
 * is forgotten. */
static bool variables_plan(struct pc_plan *plan, const char *file, struct error *err)
{
    char template[FIRMWARE_PATH_MAX];
    if (file && !plan->efi_code)
        return error_set(err, ERROR_USAGE,
                         "--firmware-vars goes with EFI firmware that is code alone: give --firmware ovmf");
    if (!plan->efi_code)
        return true;
    bool found = template_find(plan, template);
    plan->vars_kept = file;
    if (!file)
        return !found || firmware_path_keep(plan->vars_path, template, err);
    if (!host_file_exists(file) && !found)
        return error_set(err, ERROR_IMAGE,
                         "%s is not there, and no %s were found to make it from: install the package ovmf",
                         file, firmware_name(FIRMWARE_OVMF_VARS));
    return (host_file_exists(file) || host_store_copy(file, template, err)) &&
           firmware_path_keep(plan->vars_path, file, err);
}

/* --- the payload --- */

/* An EFI program is started by EFI firmware; other kernels need none. */
static bool kernel_plan(struct pc_plan *plan, const struct machine_config *config, struct error *err)
{
    struct image_info info;
    if (!image_file_detect(config->kernel, &info, err))
        return false;
    if (!plan->firmware && info.kind == IMAGE_PE && config->firmware == FIRMWARE_AUTO)
        return firmware_use_found(plan, FIRMWARE_OVMF, "an EFI program needs EFI firmware", "ovmf", err);
    if (!plan->firmware && info.kind == IMAGE_PE)
        return error_set(err, ERROR_USAGE,
                         "%s is an EFI program, which needs EFI firmware: leave out --firmware, or give "
                         "--firmware ovmf",
                         config->kernel);
    plan->bios_linux = plan->firmware && !plan->efi;
    if (plan->bios_linux && info.kind != IMAGE_BZIMAGE)
        return error_set(
            err, ERROR_USAGE,
            "%s is %s, and of kernels a BIOS starts only Linux's bzImage: leave out --firmware, or give a "
            "disk or CD with a boot loader",
            config->kernel, image_kind_name(info.kind));
    return true;
}

/* Without a kernel, a disk or a CD is started by a BIOS; without those, there is the demo. */
static bool payload_plan(struct pc_plan *plan, const struct machine_config *config, struct error *err)
{
    if (config->kernel)
        return kernel_plan(plan, config, err);
    if (plan->firmware)
        return true;
    if (config->firmware == FIRMWARE_NONE || config->firmware == FIRMWARE_BUILTIN)
        return error_set(
            err, ERROR_USAGE,
            "without firmware a PC needs a program to start, and starts no disk: give --kernel FILE");
    if (config->disk_count > 0)
        return firmware_use_found(plan, FIRMWARE_SEABIOS, "a disk needs a BIOS", "seabios", err);
    plan->demo = true;
    return demo_x86_64_size ||
           error_set(
               err, ERROR_USAGE,
               "the demo guest was not built (there was no x86_64 cross compiler): give --kernel FILE or "
               "--disk FILE");
}

bool pc_plan_make(struct pc_board *board, struct error *err)
{
    const struct machine_config *config = board->config;
    struct pc_plan *plan = &board->plan;
    if (config->firmware == FIRMWARE_FILE && !firmware_choose(plan, config->firmware_file, err))
        return false;
    return payload_plan(plan, config, err) && variables_plan(plan, config->firmware_vars, err);
}
