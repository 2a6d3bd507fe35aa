"""What a process answers at ``/metrics``, as Prometheus reads it."""

from collections.abc import Mapping

import requests
from prometheus_client.parser import text_string_to_metric_families

from distributedjob_api.metric_families import OPERATOR, WORKER

Samples = dict[tuple[str, ...], float]
"""Values by name and labels' values, these in the order in which they are declared."""

_LABELS = {family.name.removesuffix("_total"): family.labels for family in (*OPERATOR, *WORKER)}


def samples(text: str) -> Samples:
    """Every sample of a text; the bound of a bucket is the last of its labels."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            names = [*_LABELS.get(family.name, ()), "le"]
            values = [sample.labels[name] for name in names if name in sample.labels]
            found[sample.name, *values] = sample.value
    return found


def described(text: str) -> Mapping[str, tuple[str, str]]:
    """Kind and meaning of each of our families, by its full name."""
    found = {}
    for family in text_string_to_metric_families(text):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        if name.startswith("distributedjob_"):
            found[name] = (family.type, family.documentation)
    return found


def scrape(address: str) -> str:
    """The text that an address serves, with no proxy in between."""
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(f"http://{address}/metrics", timeout=10)
    answer.raise_for_status()
    assert answer.headers["Content-Type"].startswith("text/plain")
    return answer.text
