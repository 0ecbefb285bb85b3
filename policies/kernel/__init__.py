"""Rule, finding, verdict, exemption, settings and registry. Knows nothing of Pulumi or of any source."""
