"""``python -m tests.support.simulation``: many seeds, or one of them in full."""

import argparse
import sys

from tests.support.simulation.scenario import Scenario, from_seed
from tests.support.simulation.seeds import run_seeds
from tests.support.simulation.shrink import shrink
from tests.support.simulation.simulate import simulate


def main() -> int:
    """Run what was asked for; 1 if a law was broken."""
    parser = argparse.ArgumentParser(prog="simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=2000, help="how many")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first one")
    parser.add_argument("--seed", type=int, help="this one alone, told in full")
    parser.add_argument("--shrink", action="store_true", help="with --seed: the least of it")
    options = parser.parse_args()
    if options.seed is not None:
        return _tell(from_seed(options.seed), least=options.shrink)
    summary = run_seeds(range(options.first, options.first + options.seeds))
    print(summary)
    for seed, violation in sorted(summary.broken.items()):
        print(f"seed {seed}: {violation}")
    if summary.broken:
        print(f"make simulate SEED={min(summary.broken)} tells the history of the first one")
    return 1 if summary.broken else 0


def _tell(scenario: Scenario, *, least: bool) -> int:
    if least:
        scenario = shrink(scenario, lambda one: bool(simulate(one).violations))
    verdict = simulate(scenario, traced=True)
    print(scenario)
    print(verdict)
    return 1 if verdict.violations else 0


if __name__ == "__main__":
    sys.exit(main())
