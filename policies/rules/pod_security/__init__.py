"""The Pod Security Standards, baseline and restricted: a rule for each control."""
