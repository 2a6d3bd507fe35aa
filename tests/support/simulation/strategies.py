"""Scenarios as Hypothesis makes them up, and makes them smaller."""

from hypothesis import strategies as st

from tests.support.simulation.nats import Noise
from tests.support.simulation.scenario import (
    CHAOS_SECONDS,
    EARLY_ENDS,
    Fault,
    JobPlan,
    Scenario,
    Step,
)

_steps = st.builds(
    Step,
    at=st.integers(0, int(CHAOS_SECONDS * 10)).map(lambda tenths: tenths / 10),
    fault=st.sampled_from(Fault),
    target=st.integers(0, 11),
    size=st.integers(0, 10).map(lambda tenths: tenths / 10),
)

_indexes = st.frozensets(st.integers(0, 9), max_size=2)

_jobs = st.builds(
    JobPlan,
    tasks=st.integers(10, 30),
    seconds=st.sampled_from((0.2, 1.0, 3.0)),
    hopeless=_indexes,
    flaky=_indexes,
    millis=st.sampled_from((1000, 500)),
    backoff_limit_per_index=st.integers(1, 3),
    interruption_limit=st.just(100),
    parallelism=st.sampled_from((None, 3)),
    placement=st.sampled_from(("Anywhere", "OtherNode")),
    early_end=st.sampled_from(tuple(EARLY_ENDS)),
)

_noise = st.builds(
    Noise,
    loss=st.sampled_from((0.0, 0.03, 0.15)),
    duplicate=st.sampled_from((0.0, 0.1)),
    delay=st.sampled_from((0.0, 0.3, 2.0)),
    reorder=st.sampled_from((0.0, 0.1)),
)

scenarios = st.builds(
    Scenario,
    dice=st.integers(0, 2**16),
    operators=st.integers(2, 3),
    workers=st.lists(st.sampled_from((1000, 2000)), min_size=2, max_size=4).map(tuple),
    jobs=st.lists(_jobs, min_size=1, max_size=2).map(tuple),
    noise=_noise,
    steps=st.lists(_steps, max_size=8).map(tuple),
)
