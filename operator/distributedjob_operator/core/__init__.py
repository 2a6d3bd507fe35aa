"""The operator's decisions, as functions of values.

No await, no clock, no IO, no logging, no randomness: time comes in as an
:class:`~distributedjob_operator.core.clock.Instant`, and what is to be done goes out
as effects.
"""
