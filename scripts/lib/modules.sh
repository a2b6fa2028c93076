# Sourced by the scripts that make guests' file systems: kernel modules for our guests, out of a linux-ARCH set.
# shellcheck shell=sh

# What a guest may want before or after it has its root file system. A name the kernel does not have is passed over.
GUEST_MODULES="
    virtio_mmio virtio_pci virtio_blk virtio_scsi virtio_net virtio-rng virtio_balloon virtio_console virtio_input
    xhci_pci usbhid hid_generic evdev usb_storage uas
    9pnet_virtio 9p virtiofs sd_mod sr_mod ahci ata_piix nvme floppy e1000 e1000e rtl8139 8139cp
    crc32c_generic ext4 isofs vfat nls_ascii nls_cp437 nls_iso8859-1 overlay loop
"

# modules_install SET ROOT: put GUEST_MODULES and what they depend on into ROOT, unpacked, with modprobe's tables. SET is the
# folder of a linux-ARCH set.
modules_install()
{
    need modinfo kmod
    need xz xz-utils
    release=$(basename "$1"/modules/*)
    from=$1/modules/$release
    to=$2/lib/modules/$release
    mkdir -p "$to"
    cp "$from/modules.builtin" "$from/modules.order" "$to/"
    [ ! -e "$from/modules.builtin.modinfo" ] || cp "$from/modules.builtin.modinfo" "$to/"
    # Every module by its name, in which "-" and "_" are the same.
    (cd "$from" && find kernel -name '*.ko*') | awk '{
        name = $0; sub(/.*\//, "", name); sub(/\.ko.*/, "", name); gsub(/-/, "_", name); print name, $0
    }' >"$to/paths"
    pending=$(echo "$GUEST_MODULES" | tr '\n-' ' _')
    while [ -n "$(echo "$pending" | tr -d ' ')" ]; do
        next=
        for module in $pending; do
            path=$(awk -v name="$module" '$1 == name { print $2; exit }' "$to/paths")
            file=$to/${path%.xz}
            { [ -n "$path" ] && [ ! -e "$file" ]; } || continue
            mkdir -p "${file%/*}"
            case "$path" in
            *.xz) xz -dc "$from/$path" >"$file" ;;
            *) cp "$from/$path" "$file" ;;
            esac
            next="$next $(modinfo -F depends "$file" | tr ',-' ' _')"
        done
        pending=$next
    done
    rm "$to/paths"
    depmod -b "$2" "$release"
}
