"""What is provisioned: settings, and the six components that are made from them."""
