"""Options that need no conversion get none.

typer converts every value with pydantic, which takes as long to import as all the rest
of a short command; but most options were not given, or are text as they stand.
"""

from typing import Any, Final

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

_TEXTS: Final = list[str]


class _Quick:
    """Stands before what converts the values of one option or argument."""

    def __init__(self, parameter: TyperOption | TyperArgument) -> None:
        self._kind = parameter.type_descriptor.annotation
        self._whole = parameter.get_runtime_param

    def __call__(self) -> "_Quick":
        return self

    def coerce(self, value: Any, param: TyperOption | TyperArgument, ctx: Any) -> Any:
        """The value that the command gets."""
        if param.multiple or param.nargs == -1:
            if not value:
                return ()
            if self._kind == _TEXTS and not isinstance(value, str):
                return value
        elif value is None or type(value) is self._kind:
            return value
        return self._whole().coerce(value, param=param, ctx=ctx)


def quickened(parameters: list[Any]) -> list[Any]:
    """The same ones; what needs no conversion is handed on as it is."""
    for parameter in parameters:
        if not isinstance(parameter.get_runtime_param, _Quick):
            parameter.get_runtime_param = _Quick(parameter)
    return parameters


class QuickCommand(TyperCommand):
    """A command whose options need no conversion where they are text, or absent."""

    def get_params(self, ctx: Any) -> list[Any]:
        """All of them, ``--help`` included."""
        return quickened(super().get_params(ctx))


class QuickGroup(TyperGroup):
    """A group of commands whose own options need none, either."""

    def get_params(self, ctx: Any) -> list[Any]:
        """All of them, ``--help`` included."""
        return quickened(super().get_params(ctx))
