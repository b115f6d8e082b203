#!/bin/bash
# Build an arm64 Debian userland and print the folder that holds it.
#
# It is what a 64-bit Raspberry Pi OS has before pi-classifier comes: Debian with Python. The packages that the installer
# asks apt for are in it, so that the tests ask the archive only once.
#
# A userland is kept in ${XDG_CACHE_HOME:-~/.cache}/pi-classifier-testbed under a name made from this file and the packages, and
# built only once.
#
# Exit status: 69 where this machine lacks something that the build needs; the last line says what.
set -euo pipefail
exec 3>&1 >&2    # nothing but the result goes to stdout
here=$(dirname "${BASH_SOURCE[0]}")
. "$here/../debian.sh"

readonly suite=bookworm    # Raspberry Pi OS of 2023; its Python is 3.11
needed=$("$here/../../systemd/install.sh" packages)
readonly packages="ca-certificates curl $needed"

log() { printf 'build-userland: %s\n' "$*"; }
lacking() { log "$*"; exit 69; }

key=$({ cat "${BASH_SOURCE[0]}"; echo "$needed"; } | sha256sum | cut -c1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pi-classifier-testbed
userland=$cache/arm64-$key
mkdir -p "$cache"
exec 9>"$userland.lock"
flock 9
if [ -d "$userland" ]; then
    echo "$userland" >&3
    exit
fi

command -v mmdebstrap >/dev/null || lacking "mmdebstrap is missing: apt install mmdebstrap"
command -v apt-get >/dev/null || lacking "only a Debian machine can build the userland"
sources=$(debian_sources "$suite")
[ -n "$sources" ] || lacking "apt knows no Debian sources for '$suite' on this machine"
mapfile -t apt_options < <(apt_options)

work=$(mktemp -d "$userland.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
log "installing Debian $suite, arm64, under emulation"
"$here/enter.sh" / mmdebstrap --mode=root --arch=arm64 --skip=check/qemu --variant=apt --include="$packages" \
    --dpkgopt=path-exclude='/usr/share/man/*' --dpkgopt=path-exclude='/usr/share/doc/*' \
    --dpkgopt=path-exclude='/usr/share/locale/*' "${apt_options[@]}" "$suite" "$work/root" - \
    <<<"$sources" >"$work/log" 2>&1 || { tail -n 30 "$work/log"; log "mmdebstrap failed"; exit 1; }
mv "$work/root" "$userland"
log "done in $SECONDS s, $(du -sm "$userland" | cut -f1) MiB"
echo "$userland" >&3
