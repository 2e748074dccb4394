#!/bin/sh
# Mounts a VM's disk over the image and becomes its systemd-nspawn. It runs in a mount namespace of its own, so
# the mount goes with the last process of the VM.
#
# Usage: boot.sh IMAGE DISK [systemd-nspawn argument ...]
set -eu

image=$1
disk=$2
shift 2

mount -t overlay overlay -o "lowerdir=$image,upperdir=$disk/upper,workdir=$disk/work" "$disk/root"
if [ ! -e "$disk/certificates-done" ]; then
    # An image with Java has a keystore, which is updated only where /proc is mounted.
    mount -t proc proc "$disk/root/proc"
    chroot "$disk/root" update-ca-certificates >/dev/null 2>&1
    umount "$disk/root/proc"
    touch "$disk/certificates-done"
fi
# A control group of its own. In one that they shared, the systemd of a VM would find processes of other VMs in its
# services. The trees are those of cgroup v1, of v2 beside it, and of v2 alone.
for tree in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do
    if [ -e "$tree/cgroup.procs" ]; then
        group=$tree/$(basename "$(dirname "$disk")")
        mkdir -p "$group"
        echo $$ >"$group/cgroup.procs"
    fi
done
exec systemd-nspawn --directory="$disk/root" "$@"
