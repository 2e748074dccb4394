"""Local VMs: a Debian with systemd and cloud-init, booted from the user-data of an EC2 instance.

- `rootfs` builds the image, once.
- `hypervisor` boots an instance for each of EC2's, with an `imds` metadata service beside it.
- `machine` is one VM: its disk, its process, its state.
- `shell` runs a command inside one.
"""
