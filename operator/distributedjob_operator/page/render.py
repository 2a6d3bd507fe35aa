"""Values in, HTML out: every text is escaped, and there is no script anywhere."""

from datetime import UTC, datetime
from importlib import resources
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from distributedjob_api.durations import human_duration
from distributedjob_api.quantity import cpu_text

STYLE: Final = resources.files(__package__).joinpath("style.css").read_bytes()

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""Of every answer: nothing is loaded from elsewhere, framed, kept or told to others."""


def page(template: str, **values: Any) -> str:
    """One whole page."""
    return _templates.get_template(template).render(**values)


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


_templates: Final = Environment(
    loader=PackageLoader(__package__),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters.update(cpu=cpu_text, span=human_duration, moment=_moment)
