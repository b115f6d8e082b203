#!/bin/bash
# Build what stands for the image that the Dockerfile begins with, as an archive of its files: $1.
#
# It is this machine's way to Debian's archive instead of a container registry's: a machine for tests may reach the one
# and not the other.
#
# Exit status: 69 where this machine lacks something that the build needs; the last line says what.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
. "$here/../debian.sh"

readonly suite=bookworm    # the Dockerfile's

lacking() { printf 'build-base: %s\n' "$*" >&2; exit 69; }

command -v mmdebstrap >/dev/null || lacking "mmdebstrap is missing: apt install mmdebstrap"
sources=$(debian_sources "$suite")
[ -n "$sources" ] || lacking "apt knows no Debian sources for '$suite': apt-get update"
mapfile -t apt_options < <(apt_options)
# Recommended packages are none of the smallest Debian's either.
mmdebstrap --quiet --variant=minbase "${apt_options[@]}" "$suite" "$1" - <<<"$sources"
