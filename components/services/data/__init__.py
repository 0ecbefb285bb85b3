"""Services that keep data."""
