"""What is allowed: the rule kernel, the rules, and the CrossGuard pack that applies them."""
