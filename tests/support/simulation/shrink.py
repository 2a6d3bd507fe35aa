"""The same failure with less in it: what is left is what it takes."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.support.simulation.nats import Noise
from tests.support.simulation.scenario import Scenario


def shrink(scenario: Scenario, fails: Callable[[Scenario], bool]) -> Scenario:
    """Take away, one at a time, whatever the failure does not need."""
    smaller = next((one for one in _smaller(scenario) if fails(one)), None)
    return scenario if smaller is None else shrink(smaller, fails)


def _smaller(scenario: Scenario) -> Iterator[Scenario]:
    for at in range(len(scenario.steps)):
        yield replace(scenario, steps=scenario.steps[:at] + scenario.steps[at + 1 :])
    if len(scenario.jobs) > 1:
        yield replace(scenario, jobs=scenario.jobs[:1])
    if scenario.operators > 2:
        yield replace(scenario, operators=2)
    for name in ("reorder", "duplicate", "loss", "delay"):
        if getattr(scenario.noise, name):
            yield replace(scenario, noise=replace(scenario.noise, **{name: 0.0}))
    if scenario.noise == Noise() and len(scenario.workers) > 2:
        yield replace(scenario, workers=scenario.workers[:-1])
