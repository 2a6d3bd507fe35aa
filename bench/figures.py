"""All figures of a run: the targets they are held to, and the tables people read."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from bench.spread import spread

Figures = dict[str, Any]

MIB: Final = 2**20


@dataclass(frozen=True, slots=True)
class Target:
    """One row of design: where the figure stands, what it is, and what it is held to."""

    path: str
    title: str
    bound: float
    at_least: bool
    unit: str = ""

    def met(self, value: float) -> bool:
        """Whether a measured value will do."""
        return value >= self.bound if self.at_least else value <= self.bound

    def wanted(self) -> str:
        """The bound in words."""
        return f"{'at least' if self.at_least else 'at most'} {shown(self.bound)}{self.unit}"


TARGETS: Final = (
    Target("end_to_end.ratio_to_xargs", "apply to Complete, against xargs -P2", 1.3, True, " x"),
    Target("end_to_end.ratio_to_ceiling", "... against the C ceiling", 0.85, True, " x"),
    Target("end_to_end.ratio_to_parallel", "... against GNU parallel", 7.0, True, " x"),
    Target("latency_ms.first_start.p50", "created to first task started, p50", 15, False, " ms"),
    Target("latency_ms.complete.p50", "last exit to Complete visible, p50", 25, False, " ms"),
    Target("latency_ms.one_task.p50", "one-task job in all, p50", 50, False, " ms"),
    Target("jobs_per_second", "jobs of one task", 100, True, "/s"),
    Target("writes_a_job", "API writes for such a job", 2, False, ""),
    Target("leader.results_per_second", "leader alone, results", 300_000, True, "/s"),
    Target("leader.rss_mib_at_1m", "leader, 1M tasks above idle", 64, False, " MiB"),
    Target("object_bytes_at_1m", "largest object at 1M tasks", MIB, False, " bytes"),
    Target("planning_ms_5000_nodes", "planning round, 5,000 nodes", 50, False, " ms"),
    Target("simulation.utilisation", "5,000 nodes: slots busy", 0.99, True),
    Target("simulation.fairness_error", "... unfairness between namespaces", 0.02, False),
    Target("simulation.makespan_over_ideal", "... makespan by the best order", 1.02, False, " x"),
    Target("journal.ratio_on_off", "task rate, journal on by off", 0.9, True, " x"),
    Target("journal.read_one_seconds", "output of one task of 1M", 1, False, " s"),
    Target("cost_growth", "dearest size against 10,000 tasks", 1.1, False, " x"),
)
"""The figures of the design; the ratios are our rate by theirs."""


def at(figures: Figures, path: str) -> Any:
    """A figure by its dotted path, or None where it was not measured."""
    found: Any = figures
    for name in path.split("."):
        if not isinstance(found, dict) or found.get(name) is None:
            return None
        found = found[name]
    return found


def cost_growth(figures: Figures) -> float | None:
    """The dearest size's cost a task by that of 10,000 tasks."""
    costs = {size: cost for size, cost in figures["cost_us_per_task"].items() if cost}
    base = costs.pop("10k", None)
    return round(max(costs.values()) / base, 3) if base and costs else None


def shown(value: float) -> str:
    """A number with about three digits that count."""
    if abs(value) >= 100 or float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def rows(figures: Figures) -> Iterator[tuple[str, str, str, str]]:
    """What, how much, what was wanted, and whether it was met."""
    for target in TARGETS:
        value = at(figures, target.path)
        if value is None:
            yield target.title, "not measured", target.wanted(), ""
        else:
            verdict = "yes" if target.met(value) else "NO"
            yield target.title, f"{shown(value)}{target.unit}", target.wanted(), verdict


def table(figures: Figures) -> str:
    """The figures against their targets, for a terminal."""
    lines = [f"{'':<40}{'measured':>16}{'wanted':>24}{'met':>6}"]
    lines += [f"{a:<40}{b:>16}{c:>24}{d:>6}".rstrip() for a, b, c, d in rows(figures)]
    return "\n".join(lines)


def _rates(figures: Figures) -> Iterator[str]:
    rates = at(figures, "end_to_end.rates") or {}
    for name, each in rates.items():
        yield f"| {name} | {spread(each)} |"


def _hops(figures: Figures) -> Iterator[str]:
    latency = figures.get("latency_ms") or {}
    named = {
        "**created to first task started**": latency.get("first_start"),
        "**last exit to Complete visible**": latency.get("complete"),
        "**a one-task job in all**": latency.get("one_task"),
        **(latency.get("hops") or {}),
        "cancel to last process gone": at(figures, "ending_ms.processes_gone"),
        "cancel to Cancelled visible": at(figures, "ending_ms.cancelled"),
        "suspend (Drain, tasks of 100 ms) to Suspended visible": at(figures, "ending_ms.drained"),
    }
    for name, found in named.items():
        if found:
            yield f"| {name} | {found['p50']} | {found['p99']} |"


def _growth(figures: Figures) -> Iterator[str]:
    for one in (figures.get("growth") or {}).values():
        before, most = one["resident_mib_before"], one["resident_mib_most"]
        added = {kind: most[kind] - before[kind] for kind in most}
        yield (
            f"| {one['tasks']:,} | {shown(one['tasks_per_second'])} | {one['cost_us_per_task']}"
            f" | {_range(one['tenths'])}"
            f" | {one['object_bytes']:,} | {shown(one['status_writes_a_job'])}"
            f" | {added['operator']:.1f} | {added['worker']:.1f} | {added['nats-server']:.1f}"
            f" | {added['kube-apiserver']:.1f} | {added['etcd']:.1f} |"
        )


def _range(rates: list[float]) -> str:
    return f"{min(rates):,.0f}-{max(rates):,.0f}" if rates else ""


def _jobs(figures: Figures) -> Iterator[str]:
    for one in figures.get("many_jobs") or ():
        cpu = one["cpu_ms_a_job"]
        yield (
            f"| {one['jobs']:,} | {one['jobs_per_second']} | {one['writes_a_job']}"
            f" | {cpu['operator, main thread']} | {cpu['operator, kopf thread']}"
            f" | {cpu['kube-apiserver']} | {cpu['etcd']} |"
        )


def _machine(figures: Figures) -> str:
    machine = figures["machine"]
    return (
        f"{machine['cores']} cores of {machine['processor']}, Linux {machine['kernel']},"
        f" Python {machine['python']}; load average {machine['load_before']:.2f} before the run."
    )


def markdown(figures: Figures) -> str:
    """Every table of ``docs/performance.md``."""
    heads = {
        "Against the targets": (
            "| what | measured | wanted | met |\n|---|---|---|---|",
            (f"| {a} | {b} | {c} | {d} |" for a, b, c, d in rows(figures)),
        ),
        "Commands a second, median (least-most) of the rounds": (
            "| what | tasks/s |\n|---|---|",
            _rates(figures),
        ),
        "Latency on an idle system, ms": ("| hop | p50 | p99 |\n|---|---|---|", _hops(figures)),
        "Growth: one job of N tasks on 2 slots": (
            "| N | tasks/s | us a task | tasks/s by tenths | object bytes | status writes"
            " | operator MiB | worker MiB | NATS MiB | API server MiB | etcd MiB |\n"
            "|---|---|---|---|---|---|---|---|---|---|---|",
            _growth(figures),
        ),
        "Many jobs of one task": (
            "| jobs | jobs/s | writes a job | CPU ms a job: operator's loop | kopf"
            " | API server | etcd |\n|---|---|---|---|---|---|---|",
            _jobs(figures),
        ),
    }
    parts = [_machine(figures)]
    for title, (head, lines) in heads.items():
        found = list(lines)
        if found:
            parts.append("\n".join([f"### {title}", "", head, *found]))
    return "\n\n".join(parts) + "\n"
