"""What rules look at: a small normalised model, the same whatever source it was built from."""
