#include "ui/scale.h"

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

struct scale scale_fit(unsigned picture_width, unsigned picture_height, unsigned window_width,
                       unsigned window_height)
{
    struct scale scale = {0};
    unsigned times = least(window_width / picture_width, window_height / picture_height);
    scale.smooth = times == 0;
    if (times) {
        scale.width = times * picture_width;
        scale.height = times * picture_height;
    } else if ((uint64_t)window_width * picture_height <= (uint64_t)window_height * picture_width) {
        scale.width = window_width;
        scale.height = (unsigned)((uint64_t)picture_height * window_width / picture_width);
    } else {
        scale.height = window_height;
        scale.width = (unsigned)((uint64_t)picture_width * window_height / picture_height);
    }
    scale.width = scale.width ? scale.width : 1;
    scale.height = scale.height ? scale.height : 1;
    scale.x = (window_width - scale.width) / 2;
    scale.y = (window_height - scale.height) / 2;
    return scale;
}

unsigned scale_absolute(int at, unsigned start, unsigned length, unsigned most)
{
    int64_t inside = (int64_t)at - start;
    if (inside <= 0 || length < 2)
        return 0;
    if (inside >= length - 1)
        return most;
    return (unsigned)((inside * most + (length - 1) / 2) / (length - 1));
}
