#!/bin/bash
# Run a command in an arm64 userland, its programs under QEMU's user emulation.
#
#   enter.sh [--bind HOST:INSIDE]... [--layers LOWER[:LOWER]...] ROOT COMMAND [ARGUMENT]...
#
# ROOT is the folder to enter; / stays where it is, with arm64 programs runnable. With --layers the read-only folders are
# seen through ROOT, which takes all changes (an overlay). A bound folder is read-only. The environment passes through:
# QEMU_CPU=cortex-a72 is a Pi 4's processor.
#
# Mounts live in a namespace of their own and are gone, with every process, when the command ends, however it ends.
#
# Exit status: 69 where this machine cannot emulate; the last line says why.
set -euo pipefail

lacking() { echo "enter: $*" >&2; exit 69; }

if [ "${1:-}" != --inside ]; then
    [ "$(id -u)" = 0 ] || lacking "root is needed to enter the userland"
    unshare --mount true || lacking "this machine does not let root make namespaces for its mounts"
    exec unshare --mount --pid --fork --kill-child -- "${BASH_SOURCE[0]}" --inside "$@"
fi
shift

# As systemd does at boot, where it runs: the kernel then starts arm64 programs through QEMU.
register_emulator() {
    local formats=/proc/sys/fs/binfmt_misc format=/usr/lib/binfmt.d/qemu-aarch64.conf
    command -v qemu-aarch64-static >/dev/null ||
        lacking "QEMU's user emulation is missing: apt install qemu-user-static"
    [ -e "$formats/register" ] || mount -t binfmt_misc binfmt_misc "$formats" 2>/dev/null ||
        lacking "this kernel has no binfmt_misc, which starts programs of other machines"
    # Two may enter at the same time, and one of them is told that it is there already.
    [ -e "$formats/qemu-aarch64" ] || cat "$format" >"$formats/register" 2>/dev/null || [ -e "$formats/qemu-aarch64" ] ||
        lacking "the kernel does not take the emulator: $format"
    # Without F the emulator would be looked for inside the userland.
    grep -q '^flags:.*F' "$formats/qemu-aarch64" ||
        lacking "another emulator than qemu-user-static's is registered: apt install qemu-user-static"
}

# What the kernel of a Raspberry Pi 4 or 5 says of as many processors as this machine has: XNNPACK chooses its kernels by
# that, and the library that reads it for LiteRT crashes on the mixture of an ARM and this machine's own description.
describe_processors() {
    local features='fp asimd evtstrm crc32 cpuid' variant=0x0 part=0xd08 revision=3 processor
    if [ "${QEMU_CPU:-}" = cortex-a76 ]; then
        features='fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp'
        variant=0x4 part=0xd0b revision=1
    fi
    for ((processor = 0; processor < $(nproc --all); processor++)); do
        printf '%s\t: %s\n' processor "$processor" BogoMIPS 108.00 Features "$features" 'CPU implementer' 0x41 \
            'CPU architecture' 8 'CPU variant' "$variant" 'CPU part' "$part" 'CPU revision' "$revision"
        echo
    done
}

binds=() layers=
while :; do
    case $1 in
        --bind) binds+=("$2"); shift 2 ;;
        --layers) layers=$2; shift 2 ;;
        *) break ;;
    esac
done
root=$1
shift

register_emulator
mount -t proc proc /proc
[ "$root" != / ] || exec "$@"

if [ -n "$layers" ]; then
    mkdir -p "$root.work" "$root.merged"
    mount -t overlay overlay -o "lowerdir=$layers,upperdir=$root,workdir=$root.work" "$root.merged"
    root=$root.merged
fi
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
describe_processors >"$root/run/cpuinfo"
mount --bind "$root/run/cpuinfo" "$root/proc/cpuinfo"
for bind in "${binds[@]}"; do
    if [ -d "${bind%%:*}" ]; then mkdir -p "$root${bind#*:}"; else mkdir -p "$(dirname "$root${bind#*:}")"; touch "$root${bind#*:}"; fi
    mount --bind --options ro "${bind%%:*}" "$root${bind#*:}"
done
exec /usr/sbin/chroot "$root" "$@"
