"""A whole cluster on one machine, embedded: no container engine, no root.

etcd, kube-apiserver, NATS, operators and workers run as plain processes under one
state directory, on free loopback ports. Nothing here imports the command line, and
nothing here is needed in a real cluster.
"""
