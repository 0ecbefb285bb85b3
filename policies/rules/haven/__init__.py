"""The checks of the official Haven checker, and rules on the traps around them."""
