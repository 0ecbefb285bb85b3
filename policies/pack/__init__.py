"""The CrossGuard pack: a thin adapter between the engine and the rules."""
