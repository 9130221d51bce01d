"""How does a page show a design so that a sweep reads it?"""

import json
from collections.abc import Mapping
from typing import Any


def toml_text(table: Mapping[str, Any]) -> str:
    """A table of numbers, words, lists and tables as TOML; entries without a value are left out.

    Example:
        >>> print(toml_text({"name": "a", "axes": {"width": [8, 16]}, "fixed": {"scheme": "ntk"}}))
        name = "a"
        <BLANKLINE>
        [axes]
        width = [8, 16]
        <BLANKLINE>
        [fixed]
        scheme = "ntk"
    """
    return "\n".join(_lines(table, ())).strip()


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    plain = {k: v for k, v in table.items() if v is not None and not isinstance(v, Mapping)}
    inner = {k: v for k, v in table.items() if isinstance(v, Mapping) and v}
    lines = ["", f"[{'.'.join(map(_key, path))}]"] if path and (plain or not inner) else []
    lines += [f"{_key(name)} = {_value(value)}" for name, value in plain.items()]
    for name, held in inner.items():
        lines += _lines(held, (*path, name))
    return lines


def _key(name: str) -> str:
    bare = name.replace("_", "").replace("-", "")
    return name if bare.isascii() and bare.isalnum() else json.dumps(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
