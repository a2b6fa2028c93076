#include "devices/display/edid.h"

#include <string.h>

#include "base/bits.h"

/* Places in the block (table 3.1 of the standard). */
#define AT_MANUFACTURER 8
#define AT_WEEK         16
#define AT_YEAR         17 /* from 1990 */
#define AT_VERSION      18
#define AT_INPUT        20
#define AT_SIZE_CM      21
#define AT_GAMMA        23 /* 100 times the gamma, minus 100 */
#define AT_FEATURES     24
#define AT_CHROMATICITY 25
#define AT_ESTABLISHED  35
#define AT_STANDARD     38
#define AT_DESCRIPTORS  54
#define AT_CHECKSUM     127

#define DESCRIPTOR_SIZE 18
#define STANDARD_COUNT  8
#define STANDARD_UNUSED 0x01

#define INPUT_DIGITAL_8_BITS 0xa0
#define FEATURES_SRGB        0x04
#define FEATURES_PREFERRED   0x02 /* the first detailed timing is the screen's own */
#define FEATURES_CONTINUOUS  0x01 /* any timing within the limits */

#define DESCRIPTOR_NAME   0xfc
#define DESCRIPTOR_LIMITS 0xfd
#define LIMITS_ONLY       0x01

/* Pixels of this density make millimetres. */
#define DOTS_PER_INCH 96u

/* Reduced blanking of VESA's Coordinated Video Timings 1.1: fixed but for the vertical blank's length. */
#define CVT_H_FRONT         48u
#define CVT_H_SYNC          32u
#define CVT_H_BLANK         160u
#define CVT_V_FRONT         3u
#define CVT_V_BACK_LEAST    6u
#define CVT_V_BLANK_LEAST   460u     /* microseconds */
#define CLOCK_MAX           65535ull /* in units of 10 kHz */
#define CLOCK_UNIT          10000u
#define REFRESH             60u
#define LIMIT_PIXEL_CLOCK   655u /* MHz */
#define LIMIT_KHZ           255u
#define LIMIT_REFRESH_LEAST 1u
#define LIMIT_REFRESH_MOST  125u

static unsigned millimetres(unsigned pixels)
{
    return pixels * 254u / (10 * DOTS_PER_INCH);
}

/* CVT 1.1 tells shapes apart by the length of the vertical sync. */
static unsigned sync_lines(unsigned width, unsigned height)
{
    if (3 * width == 4 * height)
        return 4;
    if (9 * width == 16 * height)
        return 5;
    if (10 * width == 16 * height)
        return 6;
    if (4 * width == 5 * height || 9 * width == 15 * height)
        return 7;
    return 10;
}

/* A detailed timing (3.10.2) at 60 Hz, or as fast as the field for the clock allows, on a screen of that many
 * millimetres. */
static void timing_put(uint8_t *to, unsigned width, unsigned height, unsigned wide, unsigned high)
{
    unsigned sync = sync_lines(width, height);
    unsigned blank = CVT_V_BLANK_LEAST * height / (1000000u / REFRESH - CVT_V_BLANK_LEAST) + 1;
    if (blank < CVT_V_FRONT + sync + CVT_V_BACK_LEAST)
        blank = CVT_V_FRONT + sync + CVT_V_BACK_LEAST;
    uint64_t clock = (uint64_t)(width + CVT_H_BLANK) * (height + blank) * REFRESH / CLOCK_UNIT;
    le16_store(to, (uint16_t)(clock < CLOCK_MAX ? clock : CLOCK_MAX));
    to[2] = (uint8_t)width;
    to[3] = (uint8_t)CVT_H_BLANK;
    to[4] = (uint8_t)(width >> 8 << 4 | CVT_H_BLANK >> 8);
    to[5] = (uint8_t)height;
    to[6] = (uint8_t)blank;
    to[7] = (uint8_t)(height >> 8 << 4 | blank >> 8);
    to[8] = CVT_H_FRONT;
    to[9] = CVT_H_SYNC;
    to[10] = (uint8_t)(CVT_V_FRONT << 4 | sync);
    to[12] = (uint8_t)wide;
    to[13] = (uint8_t)high;
    to[14] = (uint8_t)(wide >> 8 << 4 | high >> 8);
    to[17] = 0x1a; /* separate syncs, horizontal positive, vertical negative: how reduced blanking is known */
}

/* A descriptor that is text (3.10.3.1): ended by a newline, filled up with spaces. */
static void name_put(uint8_t *to, const char *name)
{
    size_t len = strlen(name);
    to[3] = DESCRIPTOR_NAME;
    memset(to + 5, ' ', 13);
    memcpy(to + 5, name, len);
    to[5 + len] = '\n';
}

static void limits_put(uint8_t *to)
{
    to[3] = DESCRIPTOR_LIMITS;
    to[5] = LIMIT_REFRESH_LEAST;
    to[6] = LIMIT_REFRESH_MOST;
    to[7] = 1; /* kHz */
    to[8] = LIMIT_KHZ;
    to[9] = (LIMIT_PIXEL_CLOCK + 9) / 10;
    to[10] = LIMITS_ONLY;
    to[11] = '\n';
    memset(to + 12, ' ', 6);
}

/* Standard timings (3.9): a width, one of four shapes, 60 Hz. */
static void standard_put(uint8_t *to)
{
    static const struct {
        uint16_t width;
        uint8_t shape; /* 0: 16:10, 1: 4:3, 2: 5:4, 3: 16:9 */
    } modes[STANDARD_COUNT] = {{1920, 3}, {1600, 3}, {1280, 3}, {1680, 0},
                               {1440, 0}, {1280, 0}, {1280, 2}, {1600, 1}};
    for (unsigned i = 0; i < STANDARD_COUNT; i++) {
        to[2 * i] = (uint8_t)(modes[i].width / 8 - 31);
        to[2 * i + 1] = (uint8_t)(modes[i].shape << 6 | (REFRESH - 60));
    }
}

static unsigned side_fit(unsigned side)
{
    return side < EDID_SIDE_MAX ? side : EDID_SIDE_MAX;
}

void edid_make(uint8_t edid[static EDID_SIZE], unsigned width, unsigned height)
{
    static const uint8_t header[8] = {0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00};
    /* sRGB's primaries and white, ten bits each (3.7). */
    static const uint8_t srgb[10] = {0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54};
    width = side_fit(width), height = side_fit(height);
    unsigned wide = millimetres(width), high = millimetres(height);
    memset(edid, 0, EDID_SIZE);
    memcpy(edid, header, sizeof(header));
    be16_store(edid + AT_MANUFACTURER, ('T' - '@') << 10 | ('R' - '@') << 5 | ('I' - '@'));
    edid[AT_WEEK] = 1;
    edid[AT_YEAR] = 2025 - 1990;
    edid[AT_VERSION] = 1;
    edid[AT_VERSION + 1] = 4;
    edid[AT_INPUT] = INPUT_DIGITAL_8_BITS;
    edid[AT_SIZE_CM] = (uint8_t)(wide / 10 + 1);
    edid[AT_SIZE_CM + 1] = (uint8_t)(high / 10 + 1);
    edid[AT_GAMMA] = 120;
    edid[AT_FEATURES] = FEATURES_SRGB | FEATURES_PREFERRED | FEATURES_CONTINUOUS;
    memcpy(edid + AT_CHROMATICITY, srgb, sizeof(srgb));
    edid[AT_ESTABLISHED] = 0x21;     /* 640x480 and 800x600 at 60 Hz */
    edid[AT_ESTABLISHED + 1] = 0x08; /* 1024x768 at 60 Hz */
    standard_put(edid + AT_STANDARD);
    timing_put(edid + AT_DESCRIPTORS, width, height, wide, high);
    timing_put(edid + AT_DESCRIPTORS + DESCRIPTOR_SIZE, 2560, 1440, wide, high);
    name_put(edid + AT_DESCRIPTORS + 2 * DESCRIPTOR_SIZE, "Triarch");
    limits_put(edid + AT_DESCRIPTORS + 3 * DESCRIPTOR_SIZE);
    uint8_t sum = 0;
    for (unsigned i = 0; i < AT_CHECKSUM; i++)
        sum += edid[i];
    edid[AT_CHECKSUM] = (uint8_t)-sum;
}
