"""Real back ends for a rehearsal, on this machine alone: an API server, OpenBao, a directory, a vCenter, a database."""
