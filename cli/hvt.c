/*
 * vm-cli hvt: takes solo5-hvt's command line, and runs the unikernel as `vm-cli run --mode hvt` would. Its
 * options end where the unikernel's name stands; all that follows is the unikernel's own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/gdb_server.h"
#include "cli/options.h"
#include "cli/parse.h"
#include "cli/report.h"
#include "cli/run.h"

#define MEMORY_DEFAULT 512 /* MiB */
#define MEMORY_MAX     4096
#define SECTOR_MAX     4096

struct hvt_options {
    struct run_options run;
    const char *gdb_port;
    bool gdb;
    struct option_list sector_sizes, macs; /* NAME=VALUE, for devices that may be named later */
};

static const char help_text[] =
    "usage: vm-cli hvt [OPTIONS] [--] UNIKERNEL [[--] ARGUMENTS]\n\n"
    "Runs a Solo5 unikernel made for hvt, for x86_64, aarch64 or riscv64.\n\n"
    "  --mem=MB                          its memory (512)\n"
    "  --block:NAME=FILE                 attach a file or block device as the block device NAME\n"
    "  --block-sector-size:NAME=BYTES    its sectors: 512 (the default), 1024, 2048 or 4096\n"
    "  --net:NAME=INTERFACE              attach a tap interface as the network NAME\n"
    "  --net:NAME=@N                     ... or what is behind the open descriptor N\n"
    "  --net:NAME=user[,hostfwd=tcp::2222-:22]\n"
    "                                    ... or a network inside this program, which needs no rights\n"
    "  --net-mac:NAME=MAC                its address; else one is made up\n"
    "  --dumpcore=FOLDER                 write a core for GDB there when the unikernel aborts\n"
    "  --gdb, --gdb-port=PORT            wait for GDB on this port (1234) before the start\n"
    "  --accel=auto|interp|...           what runs it, as of vm-cli run\n"
    "  --sandbox=on|off                  give up what is not needed of the host (on; docs/sandbox.md)\n"
    "  --timeout=SECONDS                 end with status 124 after this time\n"
    "  --verbose                         say what is used\n"
    "  --help                            this text\n\n"
    "Ends with the unikernel's own status; 1 is a failure of the host, 2 a wrong command line, 3 a file "
    "that\n"
    "can't be used, 4 a unikernel that broke the rules. docs/hvt.md says more.\n";

/* --- text --- */

/* A name of the manifest may not hold a comma, a file's may: options double it. */
static char *commas_double(const char *text)
{
    char *out = malloc(2 * strlen(text) + 1), *to = out;
    if (!out)
        abort();
    for (; *text; text++) {
        *to++ = *text;
        if (*text == ',')
            *to++ = ',';
    }
    *to = '\0';
    return out;
}

static bool list_add(struct option_list *list, const char *option, const char *item, struct error *err)
{
    if (list->count == OPTION_LIST_MAX)
        return error_set(err, ERROR_USAGE, "%s can be given %u times at most", option, OPTION_LIST_MAX);
    list->items[list->count++] = item;
    return true;
}

/* --- options with a name: --block:NAME=VALUE --- */

static bool named_check(const char *word, const char *rest, struct error *err)
{
    size_t len = strcspn(rest, "=");
    bool ok = len > 0 && rest[len] == '=' && rest[len + 1];
    return ok || error_set(err, ERROR_USAGE, "%s is not understood: write %.*sNAME=VALUE", word,
                           (int)(rest - word), word);
}

static bool block_set(struct hvt_options *options, const char *rest, struct error *err)
{
    return list_add(&options->run.hvt_blocks, "--block", commas_double(rest), err);
}

static bool net_set(struct hvt_options *options, const char *rest, struct error *err)
{
    return list_add(&options->run.hvt_nets, "--net", rest, err);
}

static bool sector_size_set(struct hvt_options *options, const char *rest, struct error *err)
{
    uint64_t size;
    const char *value = strchr(rest, '=') + 1;
    if (!parse_number(value, 512, SECTOR_MAX, &size) || size & (size - 1))
        return error_set(err, ERROR_USAGE, "a sector has 512, 1024, 2048 or 4096 bytes, not %s", value);
    return list_add(&options->sector_sizes, "--block-sector-size", rest, err);
}

static bool mac_set(struct hvt_options *options, const char *rest, struct error *err)
{
    return list_add(&options->macs, "--net-mac", rest, err);
}

static const struct {
    const char *prefix;
    bool (*set)(struct hvt_options *options, const char *rest, struct error *err);
} named_options[] = {
    {"--block:", block_set},
    {"--block-sector-size:", sector_size_set},
    {"--net:", net_set},
    {"--net-mac:", mac_set},
};

/* The device of this name among `devices` gets `key` = its value. */
static bool named_apply(struct option_list *devices, const char *named, const char *option, const char *key,
                        struct error *err)
{
    size_t len = strcspn(named, "=");
    for (unsigned i = 0; i < devices->count; i++) {
        if (strncmp(devices->items[i], named, len + 1) == 0) {
            devices->items[i] = text_keep("%s%s%s", devices->items[i], key, named + len + 1);
            return true;
        }
    }
    return error_set(err, ERROR_USAGE, "--%s-%s:%s is about a device that --%s:%.*s= does not attach", option,
                     key[1] == 'm' ? "mac" : "sector-size", named, option, (int)len, named);
}

static bool named_finish(struct hvt_options *options, struct error *err)
{
    for (unsigned i = 0; i < options->sector_sizes.count; i++) {
        if (!named_apply(&options->run.hvt_blocks, options->sector_sizes.items[i], "block", ",sector=", err))
            return false;
    }
    for (unsigned i = 0; i < options->macs.count; i++) {
        if (!named_apply(&options->run.hvt_nets, options->macs.items[i], "net", ",mac=", err))
            return false;
    }
    return true;
}

/* --- the others --- */

/* The value of --name=value, or NULL when the word is another. */
static const char *value_of(const char *word, const char *name)
{
    size_t len = strlen(name);
    return strncmp(word, name, len) == 0 && word[len] == '=' ? word + len + 1 : NULL;
}

static bool number_set(const char *word, const char *value, uint64_t least, uint64_t most, uint64_t *to,
                       struct error *err)
{
    return parse_number(value, least, most, to) ||
           error_set(err, ERROR_USAGE, "%s needs a number from %llu to %llu", word, (unsigned long long)least,
                     (unsigned long long)most);
}

static bool unknown(const char *word, struct error *err)
{
    static const char *const names[] = {"mem",      "block:", "block-sector-size:", "net:",  "net-mac:",
                                        "dumpcore", "gdb",    "gdb-port",           "accel", "timeout",
                                        "verbose",  "help"};
    char name[64] = "";
    strncat(name, word + strspn(word, "-"), sizeof(name) - 1);
    name[strcspn(name, "=")] = '\0';
    const char *near = nearest_word(name, names, ARRAY_LEN(names));
    if (near)
        return error_set(err, ERROR_USAGE, "there is no option %s: did you mean --%s?", word, near);
    return error_set(err, ERROR_USAGE, "there is no option %s: vm-cli hvt --help lists them", word);
}

static bool plain_set(struct hvt_options *options, const char *word, struct error *err)
{
    struct run_options *run = &options->run;
    const char *value;
    if ((value = value_of(word, "--mem")))
        return number_set("--mem", value, 1, MEMORY_MAX, &run->memory, err);
    if ((value = value_of(word, "--timeout")))
        return number_set("--timeout", value, 1, 1000000000, &run->timeout_seconds, err);
    if ((value = value_of(word, "--dumpcore")))
        run->hvt_dumpcore = value;
    else if ((value = value_of(word, "--accel")))
        run->accel = value;
    else if ((value = value_of(word, "--sandbox")))
        run->sandbox = value;
    else if ((value = value_of(word, "--gdb-port")))
        options->gdb_port = value;
    else if (strcmp(word, "--gdb") == 0)
        options->gdb = true;
    else if (strcmp(word, "--verbose") == 0)
        run->verbose = true;
    else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        run->help = true;
    else
        return unknown(word, err);
    return true;
}

static bool option_set(struct hvt_options *options, const char *word, struct error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(named_options); i++) {
        size_t len = strlen(named_options[i].prefix);
        if (strncmp(word, named_options[i].prefix, len) == 0)
            return named_check(word, word + len, err) && named_options[i].set(options, word + len, err);
    }
    return plain_set(options, word, err);
}

/* --- the whole --- */

/* The unikernel gets its arguments as one line, with spaces between them. */
static const char *arguments_join(int count, char **words)
{
    const char *line = "";
    for (int i = 0; i < count; i++)
        line = i == 0 ? words[i] : text_keep("%s %s", line, words[i]);
    return line;
}

static bool options_parse(struct hvt_options *options, int count, char **words, struct error *err)
{
    int at = 0;
    options->run.memory = MEMORY_DEFAULT;
    for (; at < count && words[at][0] == '-'; at++) {
        if (strcmp(words[at], "--") == 0) {
            at++;
            break;
        }
        if (!option_set(options, words[at], err))
            return false;
    }
    if (options->run.help)
        return true;
    if (at == count)
        return error_set(err, ERROR_USAGE, "what is to run? vm-cli hvt [OPTIONS] UNIKERNEL [ARGUMENTS]");
    options->run.kernel = words[at++];
    if (at < count && strcmp(words[at], "--") == 0)
        at++;
    options->run.append = arguments_join(count - at, words + at);
    return named_finish(options, err);
}

int hvt_command(int count, char **words)
{
    static struct hvt_options options;
    struct error err;
    if (!options_parse(&options, count, words, &err))
        return report_error(&err);
    if (options.run.help) {
        fputs(help_text, stdout);
        return EXIT_STATUS_OK;
    }
    options.run.memory *= MIB;
    options.run.mode = "hvt";
    options.run.serials = (struct option_list){.items = {"stdout"}, .count = 1};
    if (options.gdb || options.gdb_port) {
        options.run.gdb = options.gdb_port ? options.gdb_port : GDB_PORT_DEFAULT;
        options.run.paused = true;
    }
    return run_with(&options.run);
}
