"""Where the model comes from. Each source turns what it reads into resources, without secrets."""
