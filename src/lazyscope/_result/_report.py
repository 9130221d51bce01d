"""How is an answer that is ready for JSON read by items and by fields alike?"""

from collections.abc import Mapping
from typing import Any, final

from lazyscope._result._abstract import AbstractResult


class AbstractReport(AbstractResult, dict[str, Any]):
    """An answer by name, ready for JSON: ``answer["regime"]`` and ``answer.regime`` are the same.

    Answers inside it have fields too, ``answer.displacement.operator``.
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        return field_of(self, name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *(name for name in self if name.isidentifier())})


@final
class AnswerPart(AbstractReport):
    """An answer inside another one."""

    __slots__ = ()


def field_of(told: Mapping[str, Any], name: str) -> Any:
    """An item as a field; a mapping among them has fields as well.

    Raises:
        AttributeError: there is no such item; close names are told.
    """
    if name not in told:
        from difflib import get_close_matches

        near = "" if name.startswith("_") else ", ".join(get_close_matches(name, map(str, told)))
        hint = f"; did you mean {near}?" if near else ""
        raise AttributeError(f"no field or item {name!r}{hint}")
    found = told[name]
    return AnswerPart(found) if type(found) is dict else found
