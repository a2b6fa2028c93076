#include "tests/machine/iasl_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "tests/harness/test.h"

static void table_write(const char *path, const uint8_t *aml, size_t len)
{
    uint8_t header[36] = {'D', 'S', 'D', 'T'}, sum = 0;
    le32_store(header + 4, (uint32_t)(sizeof(header) + len));
    header[8] = 2;
    memcpy(header + 10, "TEST  TEST    ", 14);
    memcpy(header + 28, "TEST", 4);
    for (size_t i = 0; i < sizeof(header); i++)
        sum += header[i];
    for (size_t i = 0; i < len; i++)
        sum += aml[i];
    header[9] = (uint8_t)-sum;
    FILE *file = fopen(path, "wb");
    CHECK(file && fwrite(header, sizeof(header), 1, file) == 1 && fwrite(aml, len, 1, file) == 1);
    fclose(file);
}

void iasl_check(const uint8_t *aml, size_t len)
{
    char folder[] = "/tmp/triarch-acpi-XXXXXX", command[256];
    if (system("command -v iasl >/dev/null 2>&1") != 0) {
        SKIP("iasl is missing: install acpica-tools");
        return;
    }
    CHECK(mkdtemp(folder));
    snprintf(command, sizeof(command), "%s/dsdt.aml", folder);
    table_write(command, aml, len);
    snprintf(command, sizeof(command),
             "cd %s && iasl -d dsdt.aml >log 2>&1 && iasl -oa -p again dsdt.dsl >>log 2>&1", folder);
    CHECK_EQ(system(command), 0);
    snprintf(command, sizeof(command),
             "cd %s && cmp -s -i 36 dsdt.aml again.aml || { tail -n +38 log; false; }", folder);
    CHECK_EQ(system(command), 0);
    snprintf(command, sizeof(command), "grep -q ' 0 Errors, 0 Warnings' %s/log || { cat %s/log; false; }",
             folder, folder);
    CHECK_EQ(system(command), 0);
    snprintf(command, sizeof(command), "rm -r %s", folder);
    CHECK_EQ(system(command), 0);
}
