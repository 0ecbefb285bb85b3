"""What people write: YAML files with line numbers, and the faults found in them."""
