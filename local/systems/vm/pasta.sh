#!/bin/sh
# Connects a network namespace to the networks that the host reaches, without a rule or a listener on the host.
# Runs in a mount namespace of its own, so that its mounts are gone with the process.
#
# Usage: pasta.sh NAMESPACE INTERFACE
set -eu

# pasta gives up the right to follow links of /proc, so the namespace needs a place in the file system.
# This is the only one that the AppArmor profile in pasta's package knows.
mkdir -p /run/user
mount -t tmpfs tmpfs /run/user
mkdir -p /run/user/0/netns
touch /run/user/0/netns/vm
mount --bind "$1" /run/user/0/netns/vm

# Without --runas, root becomes nobody and may not enter the namespace.
# -t, -u, -T, -U: no port of either side is forwarded. --no-map-gw: the gateway's address is not the host's loopback.
exec pasta --quiet --stderr --foreground --runas 0 --config-net --ns-ifname "$2" \
    -t none -u none -T none -U none --no-map-gw --netns /run/user/0/netns/vm
