# shellcheck shell=bash
# Where this machine's own Debian packages come from, for the scripts that make a Debian of their own. Source it.

# Prints the lines of a sources.list for suite $1; sources that are not Debian's have no business there.
debian_sources() {
    apt-get indextargets --format '$(ORIGIN)|$(REPO_URI)|$(CODENAME)|$(COMPONENT)' 'Created-By: Packages' |
        awk -F'|' -v suite="$1" -v options="[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" '
            $1 == "Debian" && ($3 == suite || index($3, suite "-") == 1) { print "deb", options, $2, $3, $4 }' | sort -u
}

# Prints mmdebstrap's options for this machine's way to the archive, one a line.
apt_options() {
    apt-config dump | grep -E '^Acquire::(https?::[Pp]roxy|https::CA[Ii]nfo)[^"]* "[^"]+";' | sed 's/^/--aptopt=/'
}
