# Sourced by the scripts: a package state of our own. It reads Debian packages of any suite and architecture from
# the mirror this machine already uses, without touching the machine's own package lists and without being root.
# shellcheck shell=sh

DEBIAN_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# mirror_candidates: addresses the machine's own sources give for a Debian archive, one a line. apt itself reads the
# sources (both formats, options and all); a source with component main and a plain release name may be Debian's.
mirror_candidates()
{
    if [ -n "${TRIARCH_MIRROR:-}" ]; then
        echo "${TRIARCH_MIRROR%/}"
        return
    fi
    # The lists folder need not be readable or filled for this, and the machine's should not be locked.
    apt-get update --print-uris -o Dir::State::lists="$TRIARCH_CACHE/apt/none" 2>/dev/null |
        sed -nE "s#^'([^']*)/dists/[a-z]+/main/binary-[^']*'.*#\1#p" | awk '!seen[$0]++'
}

# apt_write_state FOLDER MIRROR SUITE ARCHITECTURES: the configuration of one private state.
apt_write_state()
{
    mkdir -p "$1/lists/partial" "$1/cache/archives/partial" "$1/empty"
    : >"$1/status"
    # The address may carry a password.
    (umask 077 && echo "deb [arch=$4 signed-by=$DEBIAN_KEYRING] $2 $3 main" >"$1/sources.list")
    {
        # How this machine reaches the network (proxies, timeouts) holds for us too; its hooks do not.
        apt-config dump | grep '^Acquire::' || true
        cat <<END
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
Acquire::Languages "none";
Acquire::Retries "3";
APT::Get::AllowUnauthenticated "false";
APT::Architecture "amd64";
#clear APT::Architectures;
APT::Architectures { "$(echo "$4" | sed 's/,/"; "/g')"; };
APT::Sandbox::User "$(id -un)";
APT::Install-Recommends "false";
Dir::State "$1";
Dir::State::lists "$1/lists";
Dir::State::status "$1/status";
Dir::Cache "$1/cache";
Dir::Etc::sourcelist "$1/sources.list";
Dir::Etc::sourceparts "$1/empty";
Dir::Etc::main "/dev/null";
Dir::Etc::parts "$1/empty";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "$1/empty";
Dir::Etc::trusted "/dev/null";
Dir::Etc::trustedparts "$1/empty";
END
    } >"$1/apt.conf"
}

# apt_use SUITE: make apt-get and apt-cache work on our state of that suite, all guest architectures side by side.
# Reads the package lists the first time.
apt_use()
{
    need apt-get apt
    need dpkg-deb dpkg
    [ -r "$DEBIAN_KEYRING" ] || die "$DEBIAN_KEYRING is missing; install the package debian-archive-keyring"
    apt_state=$TRIARCH_CACHE/apt/$1
    architectures=amd64,arm64,riscv64
    [ "$1" != bookworm ] || architectures=amd64,arm64 # Debian 12 was not made for riscv64.
    if [ ! -e "$apt_state/ready" ]; then
        say "reading the package lists of Debian $1"
        # Another vendor's source may look like Debian's; the key decides.
        for mirror in $(mirror_candidates); do
            rm -rf "$apt_state"
            apt_write_state "$apt_state" "$mirror" "$1" "$architectures"
            if APT_CONFIG=$apt_state/apt.conf apt-get -qq -o APT::Update::Error-Mode=any update \
                >"$apt_state/log" 2>&1; then
                : >"$apt_state/ready"
                break
            fi
        done
    fi
    if [ ! -e "$apt_state/ready" ]; then
        [ ! -e "$apt_state/log" ] || cat "$apt_state/log" >&2
        die "no package source of this machine gives Debian $1; set TRIARCH_MIRROR to a Debian mirror"
    fi
    export APT_CONFIG="$apt_state/apt.conf"
}

# apt_closure ARCH PACKAGE...: these packages and all that they depend on, one a line, as apt_unpack takes them.
apt_closure()
{
    closure_arch=$1
    shift
    apt-get -qq -o APT::Architecture="$closure_arch" -o Dir::Cache::pkgcache="pkgcache-$closure_arch.bin" \
        --simulate install "$@" |
        sed -nE 's/^Inst ([^ :]+)(:[^ ]+)? \(([^ ]+) .*\[([^]]*)\]\).*/\1:\4=\3/p' | sed 's/:all=/=/'
}

# apt_depends PACKAGE: what a package that only names another one names.
apt_depends()
{
    apt-cache depends --important "$1" | sed -nE 's/^ +Depends: //p' | head -n 1
}

# apt_unpack FOLDER PACKAGE...: download packages (as apt-get download takes them) and unpack them into FOLDER.
apt_unpack()
{
    unpack_into=$1
    shift
    debs=$unpack_into.debs
    mkdir "$debs"
    # A mirror drops a package when a newer one replaces it; then our lists are old.
    if ! (cd "$debs" && apt-get -qq download "$@" >log 2>&1) &&
        ! (apt-get -qq update && cd "$debs" && apt-get -qq download "$@") >"$debs/log" 2>&1; then
        cat "$debs/log" >&2
        die "cannot download $*"
    fi
    for deb in "$debs"/*.deb; do
        dpkg-deb -x "$deb" "$unpack_into" || die "cannot unpack ${deb##*/}"
    done
    rm -r "$debs"
}

# apt_source FOLDER PACKAGE PATTERN: download a source package of the release in use, and unpack its archive that matches.
apt_source()
{
    # Lists of sources are big and seldom wanted: they are kept apart.
    sources=$apt_state/sources
    mkdir -p "$sources/lists" "$1.files"
    (umask 077 && sed 's/^deb \[arch=[^ ]*/deb-src [/' "$apt_state/sources.list" >"$sources/list")
    set -- "$1" "$2" "$3" -o Dir::Etc::sourcelist="$sources/list" -o Dir::State::lists="$sources/lists"
    source_into=$1 source_package=$2 source_pattern=$3
    shift 3
    if ! (apt-get -qq "$@" update && cd "$source_into.files" &&
        apt-get -qq "$@" --download-only source "$source_package") >"$source_into.files/log" 2>&1; then
        cat "$source_into.files/log" >&2
        die "cannot download the source of $source_package"
    fi
    # shellcheck disable=SC2086 # a pattern
    tar -xf "$source_into.files/"$source_pattern -C "$source_into" || die "cannot unpack the source of $source_package"
    rm -r "$source_into.files"
}
