"""Services that show how the cluster and its apps are doing."""
