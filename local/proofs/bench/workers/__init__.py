"""What more VMs and more tasks are worth: real Connect workers archive a backlog, without VMs around them."""
