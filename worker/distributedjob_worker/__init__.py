"""The worker: one agent a node, which runs tasks and reports their results over NATS.

It speaks messages of ``distributedjob_api`` alone: no Kubernetes client, no
credentials of a cluster, nothing of the operator.
"""
