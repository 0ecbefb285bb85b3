"""The cluster layer: machine configuration, bootstrap, and what a cluster needs before GitOps can start."""
