"""Local VMs: a Debian with systemd and cloud-init, booted from the user-data of an EC2 instance.

- `rootfs` builds the image, once.
- `hypervisor` boots a VM for each EC2 instance, with an `imds` metadata service for each VM.
- `machine` is one VM: its disk, its process, its state.
- `firewall` has what the security groups of a VM let pass in its VPC.
- `network` connects a VM: to services of the host (by a `forwarder`), to the Internet and to the VMs of its VPC. Each
  VM has a network `namespace` of its own.
- `shell` runs a command inside a VM.
"""
