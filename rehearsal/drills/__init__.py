"""Drills: something is broken on purpose during or after an `up`, and what comes of it is counted."""
