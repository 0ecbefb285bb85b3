"""The Kubernetes provider on a real API server: server-side apply, field ownership, conflicts, waiting, drift.

What is made here is real as far as an API server decides it. Charts are not: a Helm release is *played* (`releases`).
"""
