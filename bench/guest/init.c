#include "init.h"

#include <inttypes.h>
#include <stdbool.h>
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

/* What all processors have done since they were started, in ticks; false if the kernel doesn't tell. */
static bool ticks_read(uint64_t *busy, uint64_t *total)
{
    uint64_t user, nice, system, idle, waiting, hard, soft;
    FILE *file = fopen("/proc/stat", "r");

    if (!file)
        return false;
    int count = fscanf(file, "cpu %" SCNu64 "%" SCNu64 "%" SCNu64 "%" SCNu64 "%" SCNu64 "%" SCNu64 "%" SCNu64,
                       &user, &nice, &system, &idle, &waiting, &hard, &soft);
    fclose(file);
    *busy = user + nice + system + hard + soft;
    *total = *busy + idle + waiting;
    return count == 7;
}

void init_settle(void)
{
    uint64_t busy, total, busy_before, total_before;

    if (!ticks_read(&busy_before, &total_before))
        return;
    for (unsigned tries = 0; tries < 300; tries++) {
        usleep(100000);
        if (!ticks_read(&busy, &total) || (busy - busy_before) * 10 < total - total_before)
            return;
        busy_before = busy;
        total_before = total;
    }
}

void init_power_off(void)
{
    sync();
    reboot(RB_POWER_OFF);
    for (;;)
        pause();
}
