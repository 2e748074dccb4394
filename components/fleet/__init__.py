"""What `worker.mode: distributed` needs besides the VMs: a place for Connect's state, and the VMs' certificate."""
