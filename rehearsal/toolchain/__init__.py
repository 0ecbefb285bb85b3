"""Set-up of everything a run needs: the Python environment and a Pulumi CLI. Standard library only."""
