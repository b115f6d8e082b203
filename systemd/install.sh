#!/usr/bin/env bash
# Installs or upgrades pi-classifier as a service, or removes it; both may be repeated.
#
#   sudo systemd/install.sh install      (make install)
#   sudo systemd/install.sh uninstall    (make uninstall)
#   sudo LITE=1 systemd/install.sh install   (make install LITE=1)
#        without torch, for boards with 512 MB: models run on LiteRT, and come as bundles from another machine
#   sudo ONNX=1 systemd/install.sh install   (make install ONNX=1, also with LITE=1)
#        with ONNX Runtime, for models from elsewhere
#   sudo systemd/install.sh environment FOLDER
#        the program alone, in FOLDER, without a service: for a container or a chroot, where no systemd runs
#   systemd/install.sh packages
#        prints which Debian packages are installed where they are missing
#
# What goes where:
#   /opt/pi-classifier/<number>       one virtual environment a version; `current` points to the one in use
#   /opt/pi-classifier/current/share  the documents
#   /usr/local/bin/pi-classifier      the command
#   /usr/local/share/{bash-completion,zsh,fish}   what completes it in a shell
#   /etc/pi-classifier/config.toml    the configuration, kept when it was edited
#   /etc/pi-classifier/web-token      opens the live page; root's alone, made once
#   /etc/systemd/system, /etc/sysusers.d
#   /var/lib, /var/cache/pi-classifier   the daemon's own
#
# A new version is built beside the old one and takes its place in one step, when it is whole. If any step before that
# fails, what was begun is removed and the old version stays as it was.
set -euo pipefail

readonly opt=/opt/pi-classifier etc=/etc/pi-classifier cache=/var/cache/pi-classifier state=/var/lib/pi-classifier
readonly unit=/etc/systemd/system/pi-classifier.service sysusers=/etc/sysusers.d/pi-classifier.conf
readonly command=/usr/local/bin/pi-classifier
# Where each shell looks for what completes a command, for all users.
declare -rA completions=(
    [bash]=/usr/local/share/bash-completion/completions/pi-classifier
    [zsh]=/usr/local/share/zsh/site-functions/_pi-classifier
    [fish]=/usr/local/share/fish/vendor_completions.d/pi-classifier.fish)
readonly python=${PYTHON:-python3}
# Whether without torch, and how much that is; whether with ONNX Runtime.
readonly lite=${LITE:-} onnx=${ONNX:-}
size='1 GB'
[ -z "$lite" ] || size='400 MB'
# python3-systemd is systemd-python, built: the environment sees Debian's Python packages, so that pip finds it there, and
# picamera2 where Raspberry Pi OS has it.
readonly packages=(python3 python3-pip python3-systemd)

source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
here=$source/systemd

say() { echo "pi-classifier: $*"; }
fail() { echo "pi-classifier: $1" >&2; exit "${2:-1}"; }

check_machine() {
    [ "$(id -u)" = 0 ] || fail "run this with sudo" 77
    # What programs are built for counts: under a 64-bit kernel, which Raspberry Pi OS boots by default, a 32-bit system
    # says aarch64 too.
    local architecture
    architecture=$(dpkg --print-architecture)
    case $(uname -m) in
        aarch64 | x86_64) ;;
        *) fail "$(uname -m) is not supported: install the 64-bit Raspberry Pi OS" 78 ;;
    esac
    case $architecture in
        arm64 | amd64) ;;
        *) fail "the system is 32-bit ($architecture), and torch is not built for it: install the 64-bit Raspberry Pi OS" 78 ;;
    esac
}

check_systemd() {
    [ -d /run/systemd/system ] || fail "systemd does not run this machine; 'make run' needs none" 69
}

install_packages() {
    local missing=() package
    for package in "${packages[@]}"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing ${missing[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

new='' copy=''
undo() {
    [ -n "$new$copy" ] || return 0
    rm -rf "$new" "$copy"
    [ ! -d "$opt" ] || rmdir --ignore-fail-on-non-empty "$opt"
    say "not finished: what was begun is removed, an installed version is unchanged" >&2
}
trap undo EXIT
end_on_signals() { trap 'exit 130' INT; trap 'exit 143' TERM HUP; }
end_on_signals

# Whether what is installed is `lite`; nothing for a whole one, and `none`. One of the other kind is no beginning for an
# upgrade: its packages would stay.
kind_of() {
    if [ ! -d "$1" ]; then echo none; elif [ ! -d "$1/site-packages/torch" ]; then echo lite; fi
}

# Fills the folder $new. An upgrade begins with the installed version's packages: pip then unpacks only what has changed,
# and the modules are compiled already. They are linked, not copied, which spares an SD card a gigabyte: pip never writes
# into a file that is there, but replaces it. The versions are those of constraints.txt, which the tests passed with.
build_environment() {
    # A copy: a build leaves files behind, which in a checkout would belong to root.
    copy=$(mktemp -d)
    tar -C "$source" --exclude=./.venv --exclude=./.git --exclude=__pycache__ -cf - . | tar -C "$copy" -xf -
    local library
    library=$("$python" -c 'import sys; print("lib/python%d.%d" % sys.version_info[:2])')
    if [ "$(kind_of "$opt/current/$library")" = "${lite:+lite}" ]; then
        say "building the environment, from the installed one"
        local how=(--archive)
        case $new in "$opt"/*) how+=(--link) ;; esac
        mkdir "$new/lib"
        cp "${how[@]}" "$opt/current/$library" "$new/lib"
    else
        say "building the environment (a few minutes, about $size)"
    fi
    # Debian's pip works on it from outside: to unpack and compile another takes a Raspberry Pi longer than torch's import.
    "$python" -m venv --without-pip "$new"
    # By environment, for the pip that pip runs to get setuptools shall not compile either.
    local pip=(env PIP_COMPILE=0 "$python" -m pip --python "$new/bin/python" --disable-pip-version-check --quiet
        install --no-cache-dir)
    if [ -n "$lite" ]; then
        "${pip[@]}" --no-deps --requirement "$here/requirements-lite.txt" \
            ${onnx:+--requirement "$here/requirements-onnx.txt"}
        "${pip[@]}" --no-deps "$copy"
    else
        # With the second runtime and the page, so that each takes one line of the configuration.
        "${pip[@]}" --constraint "$copy/constraints.txt" "${copy}[litert,web,mqtt${onnx:+,onnx}]"
    fi
    # Debian's packages may be imported from now on. Before, pip would have relied on them, and an upgrade or autoremove
    # of Debian's would break what is here.
    sed -i 's/^include-system-site-packages = .*/include-system-site-packages = true/' "$new/pyvenv.cfg"
    install -Dm644 -t "$new/share" "$here/config.toml" "$here/pi-classifier.service" "$here/pi-classifier.sysusers" \
        "$source/README.md"
    install -Dm644 -t "$new/share/docs" "$source"/docs/*.md
    [ -z "$lite" ] || sed -i 's/^runtime = "torchscript"/runtime = "litert"     /' "$new/share/config.toml"
    rm -rf "$copy"
    copy=''
    try_environment
}

# One prediction, so that a version that cannot run here never takes the place of one that can. It also compiles just
# the modules that are used: all of them would take longer than the rest of the installation. Not on the service's own
# model: this is root, and the files of the cache are not root's.
try_environment() {
    [ -z "$onnx" ] || "$new/bin/python" -c 'import pi_classifier.runtimes.onnx.session'
    if [ -n "$lite" ]; then
        say "trying the new version: its libraries"
        "$new/bin/python" -c 'import pi_classifier.daemon, pi_classifier.runtimes.litert, pi_classifier.web.server, pi_classifier.mqtt.publisher'
        return
    fi
    say "trying the new version: one prediction"
    env CACHE_DIRECTORY="$new/trial" TORCHINDUCTOR_CACHE_DIR="$new/trial" "$new/bin/pi-classifier" run \
        --config "$new/share/config.toml" --weights untrained --source synthetic: --frames 1 --metrics-listen '' \
        >/dev/null
    rm -r "$new/trial"
}

# For every shell, whether it is there or not: it may be installed later.
write_completions() {
    local shell
    mkdir "$new/share/completions"
    for shell in "${!completions[@]}"; do
        env "_PI_CLASSIFIER_COMPLETE=source_$shell" "$new/bin/pi-classifier" >"$new/share/completions/$shell"
    done
}

# The new version takes the place of the old; from here on nothing is undone, and nothing is left out.
switch_over() {
    trap '' INT TERM HUP
    install -Dm644 "$new/share/pi-classifier.sysusers" "$sysusers"
    systemd-sysusers "$sysusers"
    install -d -o pi-classifier -g pi-classifier -m 755 "$cache" "$state"
    local version=$new old
    old=$(readlink "$opt/current" || true)
    ln -sfn "$new" "$opt/current.new"
    mv -T "$opt/current.new" "$opt/current"
    new=''
    ln -sfn "$opt/current/bin/pi-classifier" "$command"
    local shell
    for shell in "${!completions[@]}"; do
        install -Dm644 "$version/share/completions/$shell" "${completions[$shell]}"
    done
    install_configuration "$old/share/config.toml" "$version/share/config.toml"
    make_token
    install -Dm644 "$version/share/pi-classifier.service" "$unit"
    # The old one, and what an installation that was cut off has left.
    find "$opt" -mindepth 1 -maxdepth 1 -type d ! -path "$version" -exec rm -rf {} +
    systemctl daemon-reload
    systemctl enable --quiet pi-classifier
    end_on_signals
}

# An edited configuration is kept; one that is still as the old version shipped it, $1, becomes the new one's, $2.
install_configuration() {
    if [ ! -e "$etc/config.toml" ] || cmp -s "$etc/config.toml" "$1"; then
        install -Dm644 "$2" "$etc/config.toml"
    elif ! cmp -s "$1" "$2"; then
        install -m644 "$2" "$etc/config.toml.new"
        say "kept your $etc/config.toml; the new default is config.toml.new beside it"
    else
        say "kept your $etc/config.toml"
    fi
}

# The unit hands it to the daemon as a credential: without the file it would not start. One that is there is kept, for
# phones have logged in with it.
make_token() {
    [ ! -s "$etc/web-token" ] || return 0
    (umask 077 && "$python" -c 'import secrets; print(secrets.token_hex(16))' >"$etc/web-token")
}

prepare_model() {
    local status=0
    if [ -n "$lite" ]; then
        say "its model is a bundle, which another machine makes: pi-classifier prepare --runtime litert --output model.bundle"
        say "copy that to $state/model.bundle, and write into $etc/config.toml below [model]: weights = \"$state/model.bundle\""
        return
    fi
    say "preparing the model"
    # torch leaves an empty folder in /tmp behind, unless TORCHINDUCTOR_CACHE_DIR names another.
    runuser -u pi-classifier -- env CACHE_DIRECTORY="$cache" TORCH_HOME="$cache/torch" \
        TORCHINDUCTOR_CACHE_DIR="$cache/torch" \
        "$opt/current/bin/pi-classifier" prepare --if-missing || status=$?
    # Without a network the first start will try again; what else may be wrong has been printed, with its remedy.
    [ "$status" = 0 ] || say "no model yet (exit code $status); the service prepares it when it starts"
}

make_environment() {
    check_machine
    [ ! -e "$1" ] || fail "$1 is there already; name a folder that is not" 73
    install_packages
    mkdir -p "$1"
    new=$(realpath "$1")
    build_environment
    say "installed: $new/bin/pi-classifier"
    new=''
}

install_service() {
    check_machine
    check_systemd
    install_packages
    mkdir -p "$opt"
    new=$(mktemp -d "$opt/XXXXXX")
    chmod 755 "$new"
    build_environment
    write_completions
    # Before anything is replaced: an edited configuration may not fit the new version.
    "$new/bin/pi-classifier" check-config >/dev/null
    switch_over
    prepare_model
    say "[web] listen in $etc/config.toml turns the live page on; this shows its token: sudo cat $etc/web-token"
    if systemctl is-active --quiet pi-classifier; then
        say "restarting the service"
        systemctl restart pi-classifier
    else
        say "installed; start it with 'sudo systemctl start pi-classifier'"
    fi
}

uninstall_service() {
    [ "$(id -u)" = 0 ] || fail "run this with sudo" 77
    if [ -e "$unit" ]; then
        systemctl disable --quiet --now pi-classifier
        systemctl reset-failed --quiet pi-classifier || true
    fi
    rm -rf "$unit" "$unit.d" "$sysusers" "$command" "${completions[@]}" "$opt" "$etc" "$cache" "$state"
    systemctl daemon-reload
    if getent passwd pi-classifier >/dev/null; then userdel pi-classifier; fi
    if getent group pi-classifier >/dev/null; then groupdel pi-classifier; fi
    say "removed, with its configuration and cache; Debian packages were left (${packages[*]})"
}

case ${1:-} in
    install) install_service ;;
    uninstall) uninstall_service ;;
    environment) make_environment "${2:?usage: install.sh environment FOLDER}" ;;
    packages) echo "${packages[*]}" ;;
    *) fail "usage: install.sh install|uninstall|environment FOLDER|packages" 64 ;;
esac
