"""The GitOps engine behind one interface, and what Pulumi hands to it."""
