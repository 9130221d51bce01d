"""How does a page show a design so that a sweep reads it?"""

import json
from collections.abc import Mapping, Sequence
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


def sweep_commands(
    design: Mapping[str, Any] | None, command: str = "", *, others: Sequence[Mapping[str, Any]] = ()
) -> list[tuple[str, str]]:
    """Words and code: what makes runs and page again, and the sweeps as `lazyscope sweep` reads them.

    Args:
        design: the sweep that the page shows; none where its store does not tell.
        command: of the study that ran it; a sweep of its own is run by its file.
        others: further sweeps of the same study.
    """
    name = str((design or {}).get("name", "sweep"))
    if command:
        again = [
            ("Run the study again (runs that are in its stores are not repeated):", command),
            ("Make this page again from what is stored:", "lazyscope report DIR"),
        ]
    else:
        words = "Run the sweep again (it does only what is missing), then make this page again:"
        lines = (
            f"lazyscope sweep {name}.toml --store {name}\nlazyscope report {name} -o {name}.html"
        )
        again = [(words, lines)]
    held = [each for each in (design, *others) if each]
    files = [(str(each.get("name", "sweep")).replace(" ", "-"), toml_text(each)) for each in held]
    return [
        *again,
        *((f"The sweep as designed, to be saved as {file}.toml:", text) for file, text in files),
    ]


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
