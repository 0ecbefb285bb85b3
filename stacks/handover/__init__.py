"""Hand-over files: what one layer gives to the next where the two run in separate networks."""
