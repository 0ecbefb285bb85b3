"""What is allowed: rules over a model, four sources that build it, and reports. The CrossGuard pack is an adapter."""
