"""The operator: watches jobs and nodes, leads or stands by, plans, counts.

``app`` wires; ``core`` decides and may do no IO; ``kube`` and ``bus`` are the only
importers of their client libraries. It never imports the worker.
"""
