# Sourced by the scripts: where downloads live, how a script complains, how two of them keep out of each other's way.
# shellcheck shell=sh

# Everything fetched lies outside the tree, so that a clean checkout stays clean and worktrees share one copy.
TRIARCH_CACHE="${TRIARCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/triarch}"

# A user's PATH may lack the folders that mke2fs and depmod are in.
PATH=$PATH:/usr/sbin:/sbin

die()
{
    echo "${0##*/}: $*" >&2
    exit 1
}

say()
{
    echo "${0##*/}: $*" >&2
}

# need COMMAND PACKAGE: stop with the package's name when a command is missing.
need()
{
    command -v "$1" >/dev/null 2>&1 || die "the command '$1' is missing; install the package $2 or run scripts/setup"
}

# cache_lock: from here to the end of the script no other one changes the cache.
cache_lock()
{
    need flock util-linux
    mkdir -p "$TRIARCH_CACHE" || die "cannot create $TRIARCH_CACHE; set TRIARCH_CACHE to a folder you can write"
    exec 9>"$TRIARCH_CACHE/.lock"
    flock 9
}

# cached NAME ORIGIN COMMAND...: have the folder NAME in the cache, made by COMMAND (which gets the path of an empty folder
# as its last argument). It is made again when ORIGIN, a text that says what it is made from, has changed; it appears
# complete or not at all.
cached()
{
    cached_folder=$TRIARCH_CACHE/$1 cached_origin=$2
    shift 2
    [ "$(cat "$cached_folder/.made-from" 2>/dev/null)" != "$cached_origin" ] || return 0
    cached_work=$(mktemp -d "$TRIARCH_CACHE/new.XXXXXX")
    trap 'rm -rf "$cached_work"' EXIT
    trap 'exit 1' HUP INT TERM
    mkdir "$cached_work/new"
    "$@" "$cached_work/new"
    echo "$cached_origin" >"$cached_work/new/.made-from"
    chmod -R u+w,go+rX "$cached_work/new"
    rm -rf "$cached_folder"
    mv -T "$cached_work/new" "$cached_folder"
    rm -rf "$cached_work"
}

# host_arch: this machine by Debian's name, which our scripts use for every architecture.
host_arch()
{
    case "$(uname -m)" in
    x86_64) echo amd64 ;;
    aarch64 | arm64) echo arm64 ;;
    riscv64) echo riscv64 ;;
    *) die "no peers or guests are prepared for a $(uname -m) host" ;;
    esac
}

# gnu_triplet ARCH: the name that Debian's library folders and cross compilers carry.
gnu_triplet()
{
    case "$1" in
    amd64) echo x86_64-linux-gnu ;;
    arm64) echo aarch64-linux-gnu ;;
    riscv64) echo riscv64-linux-gnu ;;
    *) die "unknown architecture '$1' (amd64, arm64 and riscv64 are known)" ;;
    esac
}
