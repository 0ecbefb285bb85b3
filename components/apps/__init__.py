"""Apps: from the files of an app to what the GitOps engine delivers."""
