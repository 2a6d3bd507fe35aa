"""The contract: what user, operator and worker agree on.

The resource as pydantic models, the messages as msgspec structs, the subjects they
travel on, and the index sets both speak of. Nothing here but ``__main__`` does IO, and
nothing reads a clock or imports any other package of this distribution.
"""
