"""Rules on fences: what bounds a team on a cluster that it shares with others."""
