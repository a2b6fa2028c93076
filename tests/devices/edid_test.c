/* The EDID block: edid-decode judges it; a few fields by hand, from the standard. */
#include "devices/display/edid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness/test.h"

static const struct {
    unsigned width, height;
} sizes[] = {{640, 480},   {1280, 800},  {1366, 768},  {1920, 1080},
             {3840, 2160}, {4095, 4095}, {8192, 8192}, {640, 400}};

static void fields(void)
{
    uint8_t edid[EDID_SIZE], sum = 0;
    edid_make(edid, 1280, 800);
    for (unsigned i = 0; i < EDID_SIZE; i++)
        sum += edid[i];
    CHECK_EQ(sum, 0);
    const uint8_t *timing = edid + 54;
    CHECK_EQ(timing[2] | (timing[4] & 0xf0) << 4, 1280);
    CHECK_EQ(timing[5] | (timing[7] & 0xf0) << 4, 800);
    /* CVT 1.1 with reduced blanking: 1280 x 800 is 71 MHz, 1440 by 823. */
    CHECK_EQ(timing[3] | (timing[4] & 0xf) << 8, 160);
    CHECK_EQ(timing[6] | (timing[7] & 0xf) << 8, 23);
    CHECK_EQ((timing[0] | timing[1] << 8) / 100, 71);
}

static void decoder_agrees(void)
{
    if (system("command -v edid-decode >/dev/null 2>&1") != 0) {
        SKIP("edid-decode is not installed");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        char path[] = "/tmp/triarch-edid-XXXXXX", command[128], line[256], text[8192] = "";
        uint8_t edid[EDID_SIZE];
        test_context("%u x %u", sizes[i].width, sizes[i].height);
        edid_make(edid, sizes[i].width, sizes[i].height);
        int file = mkstemp(path);
        if (!CHECK(file >= 0 && write(file, edid, sizeof(edid)) == sizeof(edid)))
            return;
        close(file);
        snprintf(command, sizeof(command), "edid-decode --check %s 2>&1", path);
        FILE *decoder = popen(command, "r");
        while (fgets(line, sizeof(line), decoder))
            strncat(text, line, sizeof(text) - strlen(text) - 1);
        pclose(decoder);
        unlink(path);
        if (!CHECK(strstr(text, "EDID conformity: PASS")))
            FAIL("edid-decode says: %s", text);
    }
    test_context(NULL);
}

static const struct test_case cases[] = {{"fields", fields}, {"decoder_agrees", decoder_agrees}};
TEST_SUITE(edid_test, "unit", cases);
