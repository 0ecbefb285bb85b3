"""The controllers that a rehearsal plays because nothing of theirs can run in it: each part in a file of its own."""
