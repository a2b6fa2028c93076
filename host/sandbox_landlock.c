/* Files and TCP connections, by Landlock: landlock(7). Its numbers are written here as headers know only the
 * ABI of their day, and what a kernel lacks is left out at run time. */
#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/sandbox_internal.h"

#define FS_EXECUTE    (1ull << 0)
#define FS_WRITE_FILE (1ull << 1)
#define FS_READ_FILE  (1ull << 2)
#define FS_READ_DIR   (1ull << 3)
#define FS_MAKE_REG   (1ull << 8)
#define FS_TRUNCATE   (1ull << 14)

#define NET_ALL (3ull << 0) /* binding and connecting */
#define SCOPED  (3ull << 0) /* abstract sockets and signals */

#define CREATE_VERSION    1u
#define RULE_PATH_BENEATH 1

struct ruleset_attr {
    uint64_t handled_fs, handled_net, scoped;
};

struct path_attr {
    uint64_t allowed;
    int32_t parent_fd;
} __attribute__((packed));

/* All rights about files that an ABI knows: 13 in the first, and one each in versions 2 (moving), 3
 * (truncating) and 5 (device control). */
static uint64_t fs_rights(int abi)
{
    unsigned count = abi >= 5 ? 16 : abi >= 3 ? 15 : abi == 2 ? 14 : 13;
    return (1ull << count) - 1;
}

int host_sandbox_landlock(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);
    return abi > 0 ? (int)abi : 0;
}

/* Rights about folders are refused for files. */
static bool path_allow(int ruleset, const char *path, uint64_t rights)
{
    struct stat status;
    struct path_attr attr = {.allowed = rights, .parent_fd = open(path, O_PATH | O_CLOEXEC)};
    if (attr.parent_fd < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES;
    if (fstat(attr.parent_fd, &status) == 0 && !S_ISDIR(status.st_mode))
        attr.allowed &= FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE;
    bool ok = syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &attr, 0) == 0;
    close(attr.parent_fd);
    return ok;
}

static bool paths_allow(int ruleset, const struct host_sandbox *sandbox, int abi)
{
    uint64_t known = fs_rights(abi);
    for (unsigned i = 0; i < sandbox->read_count; i++) {
        if (!path_allow(ruleset, sandbox->read[i], known & (FS_READ_FILE | FS_READ_DIR)))
            return false;
    }
    for (unsigned i = 0; i < sandbox->write_count; i++) {
        if (!path_allow(ruleset, sandbox->write[i],
                        known & (FS_READ_FILE | FS_WRITE_FILE | FS_MAKE_REG | FS_TRUNCATE)))
            return false;
    }
    return true;
}

bool sandbox_landlock_enter(const struct host_sandbox *sandbox, struct error *err)
{
    int abi = host_sandbox_landlock();
    if (abi == 0)
        return true;
    struct ruleset_attr attr = {
        .handled_fs = fs_rights(abi),
        .handled_net = sandbox->connects ? 0 : NET_ALL,
        .scoped = SCOPED,
    };
    size_t size = abi >= 6 ? sizeof(attr) : abi >= 4 ? 16 : 8;
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
    if (ruleset < 0)
        return error_errno(err, ERROR_HOST, "Landlock refused a set of rules");
    bool ok = paths_allow(ruleset, sandbox, abi) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
              syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    if (!ok)
        error_errno(err, ERROR_HOST, "Landlock refused a rule");
    close(ruleset);
    return ok;
}
