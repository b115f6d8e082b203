#!/bin/bash
# Build the Debian guest of the system tests and print the folder that holds it: rootfs.img, vmlinuz, initrd.img.
#
# The guest has what a container lacks: systemd as PID 1, udev, and Debian's stock kernel with "vivid", a V4L2 driver
# for cameras that do not exist, and v4l2loopback, a camera fed by a program. It also has every package that the
# installer asks apt for, because it never sees a network.
#
# An image is kept in ${XDG_CACHE_HOME:-~/.cache}/pi-classifier-testbed under a name made from this file, the installer's
# packages, the suite and the architecture (both this machine's), and built only once.
#
# Exit status: 69 where this machine lacks something that the build needs; the last line says what.
set -euo pipefail
exec 3>&1 >&2    # nothing but the result goes to stdout
here=$(dirname "${BASH_SOURCE[0]}")
. "$here/../debian.sh"

packages=(
    apt systemd systemd-sysv dbus udev kmod initramfs-tools iproute2 procps psmisc ca-certificates openssh-server
    v4l2loopback-dkms v4l-utils curl sudo make
)
needed=$("$here/../../systemd/install.sh" packages)
read -ra more <<<"$needed"
packages+=("${more[@]}")

log() { printf 'build-image: %s\n' "$*"; }
lacking() { log "$*"; exit 69; }

suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
arch=$(dpkg --print-architecture 2>/dev/null) || lacking "only a Debian machine can build the guest"
case $arch in
    amd64 | arm64) packages+=("linux-image-$arch" "linux-headers-$arch") ;;
    *) lacking "no guest for a machine of architecture $arch" ;;
esac

key=$({ cat "${BASH_SOURCE[0]}"; echo "$suite $arch $needed"; } | sha256sum | cut -c1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pi-classifier-testbed
image=$cache/image-$key
mkdir -p "$cache"
exec 9>"$image.lock"
flock 9
if [ -d "$image" ]; then
    echo "$image" >&3
    exit
fi

[ "$(id -u)" = 0 ] || lacking "root is needed to build the guest's image (it is then kept); run this once as root"
for tool in mmdebstrap mke2fs; do
    command -v "$tool" >/dev/null || lacking "$tool is missing: apt install mmdebstrap e2fsprogs"
done

sources=$(debian_sources "$suite")
[ -n "$sources" ] || lacking "apt knows no Debian sources for '$suite': apt-get update"
mapfile -t apt_options < <(apt_options)

# Documentation, and drivers of hardware that no virtual machine has. The media drivers stay.
excluded=(/usr/share/{man,doc,info,locale}/'*' /lib/modules/'*'/kernel/sound/'*')
for drivers in gpu net/ethernet net/wireless infiniband scsi staging isdn iio hwmon ata mtd target bluetooth comedi; do
    excluded+=("/lib/modules/*/kernel/drivers/$drivers/*")
done

work=$(mktemp -d "$image.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
root=$work/root

cat >"$work/before-packages" <<'END'
#!/bin/sh
# A small initramfs, with just what finds the root disk.
set -eu
cd "$1"
mkdir -p etc/initramfs-tools/conf.d usr/share/initramfs-tools/modules.d
printf 'MODULES=list\nCOMPRESS=gzip\n' >etc/initramfs-tools/conf.d/testbed
printf '%s\n' virtio_pci virtio_blk ext4 crc32c_generic >usr/share/initramfs-tools/modules.d/testbed
END

cat >"$work/after-packages" <<'END'
#!/bin/sh
set -eu
cd "$1"
echo testbed >etc/hostname
echo '127.0.0.1 localhost testbed' >etc/hosts
: >etc/machine-id                                     # a fresh one at each boot
mkdir -p etc/systemd/journald.conf.d
cat >etc/fstab <<'E'
/dev/vda /            ext4 defaults,noatime 0 0
testbed  /mnt/testbed 9p   trans=virtio,version=9p2000.L,ro,x-mount.mkdir 0 0
E
printf '%s\n' virtio_net 9pnet_virtio 9p >etc/modules-load.d/testbed.conf

# QEMU's user network always hands out this address.
cat >etc/systemd/network/testbed.network <<'E'
[Match]
Name=eth0
[Network]
Address=10.0.2.15/24
LinkLocalAddressing=no
IPv6AcceptRA=no
E

# The key changes with each boot and comes from the host. No PAM: a session of logind costs a second of emulated time.
cat >etc/ssh/sshd_config.d/testbed.conf <<'E'
AuthorizedKeysFile /mnt/testbed/key.pub
StrictModes no
UsePAM no
UseDNS no
E
mkdir -p etc/systemd/system/ssh.service.d
printf '[Unit]\nRequiresMountsFor=/mnt/testbed\n' >etc/systemd/system/ssh.service.d/testbed.conf
printf '[Journal]\nStorage=volatile\nRateLimitIntervalSec=0\n' >etc/systemd/journald.conf.d/testbed.conf

# Without sources `apt-get update` succeeds offline, and so does installing what is there.
rm -rf etc/apt/sources.list etc/apt/sources.list.d/* var/lib/apt/lists/* var/cache/apt/*.bin

chroot . systemctl --quiet enable systemd-networkd.service
# Housekeeping and mounts that nothing here needs, and that take their time when emulated.
chroot . systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
    e2scrub_reap.service fstrim.timer systemd-networkd-wait-online.service getty@tty1.service \
    serial-getty@ttyS0.service serial-getty@ttyAMA0.service dev-hugepages.mount sys-kernel-debug.mount \
    sys-kernel-tracing.mount sys-fs-fuse-connections.mount systemd-pstore.service
chroot . depmod -a "$(ls lib/modules)"
END
chmod +x "$work/before-packages" "$work/after-packages"

log "installing Debian $suite, $arch"
mmdebstrap --mode=root --variant=essential --include="$(IFS=,; echo "${packages[*]}")" \
    "${excluded[@]/#/--dpkgopt=path-exclude=}" "${apt_options[@]}" \
    --setup-hook="'$work/before-packages' \"\$1\"" --customize-hook="'$work/after-packages' \"\$1\"" \
    "$suite" "$root" - <<<"$sources" >"$work/log" 2>&1 ||
    { tail -n 30 "$work/log"; log "mmdebstrap failed"; exit 1; }
for module in vivid v4l2loopback; do
    [ -n "$(find "$root/lib/modules" -name "$module.ko*")" ] || { log "the kernel has no module $module"; exit 1; }
done

log "packing"
mkdir "$work/image"
mv "$root"/boot/vmlinuz-* "$work/image/vmlinuz"           # QEMU loads them itself
mv "$root"/boot/initrd.img-* "$work/image/initrd.img"
chroot "$root" python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])' >"$work/image/python-version"
size=$(($(du -sm "$root" | cut -f1) * 12 / 10 + 3072))    # room for an installation with torch
mke2fs -q -t ext4 -L testbed -O ^has_journal -m 0 -d "$root" "$work/image/rootfs.img" "${size}M"
mv "$work/image" "$image"
log "done in $SECONDS s, $(du -sm "$image" | cut -f1) MiB"
echo "$image" >&3
