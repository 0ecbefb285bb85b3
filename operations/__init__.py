"""Day-2 work: what people do to a platform besides deploying it, each with a plan that is shown first."""
