"""Services of the catalogue: one file each, in a folder per category."""
