"""The command line: ``djob`` and ``kubectl djob``.

It speaks to the API server and the operator's endpoint as any user may; nothing else
imports it.
"""
