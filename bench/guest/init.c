#include "init.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

static void mount_at(const char *type, const char *where)
{
    mkdir(where, 0755);
    /* A failure is no reason to stop: the kernel may have mounted it, and a benchmark says what it misses. */
    mount(type, where, type, 0, NULL);
}

static void parse_word(const char *word, struct settings *settings)
{
    static const char scale_key[] = "bench.scale=";
    static const char only_key[] = "bench.only=";

    if (strncmp(word, scale_key, strlen(scale_key)) == 0) {
        double scale = strtod(word + strlen(scale_key), NULL);
        if (scale > 0 && scale <= 1000)
            settings->scale = scale;
    } else if (strncmp(word, only_key, strlen(only_key)) == 0) {
        settings->only = word + strlen(only_key);
    }
}

void init_prepare(struct settings *settings)
{
    static char command_line[4096];

    mount_at("proc", "/proc");
    mount_at("sysfs", "/sys");
    mount_at("devtmpfs", "/dev");

    FILE *file = fopen("/proc/cmdline", "r");
    if (!file)
        return;
    size_t length = fread(command_line, 1, sizeof(command_line) - 1, file);
    fclose(file);
    command_line[length] = '\0';
    for (char *word = strtok(command_line, " \n"); word; word = strtok(NULL, " \n"))
        parse_word(word, settings);
}

void init_power_off(void)
{
    sync();
    reboot(RB_POWER_OFF);
    for (;;)
        pause();
}
