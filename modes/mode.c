#include "modes/mode.h"

#include <string.h>

static const struct mode *const modes[] = {&type1_mode, &virtio_mode, &hvt_mode};

static const char *name_by_image(const struct machine_config *config, const struct image_info *image)
{
    if (image->kind == IMAGE_SOLO5)
        return "hvt";
    return config->transport_chosen ? "virtio" : "type1";
}

const struct mode *mode_find(const char *name, const struct machine_config *config,
                             const struct image_info *image, struct error *err)
{
    if (strcmp(name, "auto") == 0)
        name = name_by_image(config, image);
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        if (strcmp(name, modes[i]->name) == 0)
            return modes[i];
    }
    error_set(err, ERROR_USAGE, "there is no mode %s: use auto, type1, virtio or hvt", name);
    return NULL;
}
