"""Rules on the exemptions themselves: an exemption that nobody looks after becomes the norm."""
