"""The `kade` command: thin, over the other packages."""
