"""Services that bring traffic in and out."""
