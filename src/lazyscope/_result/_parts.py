"""What are the parts of a result called, and how is each of them shown and written?"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

_MOST_SHOWN = 6
"""Entries of a row that are shown one by one."""


def short(value: Any, longest: int = 40) -> str:
    """A value in a few characters: an array by its shape, a row by its first entries."""
    shape = getattr(value, "shape", None)
    if shape:
        entries = _entries(value) if len(shape) == 1 and shape[0] <= _MOST_SHOWN else None
        if entries is None:
            return f"array{tuple(int(n) for n in shape)}"
        value = entries
    if shape == () and hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return f"{{{len(value)} entries}}"
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        plain_entries = all(isinstance(each, int | float | str) for each in value)
        if not plain_entries or len(value) > _MOST_SHOWN:
            return f"[{len(value)} entries]"
        value = f"[{', '.join(short(each) for each in value)}]"
    text = value if isinstance(value, str) else repr(value)
    text = " ".join(text.split())
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def _entries(array: Any) -> list[Any] | None:
    """Numbers of a short row; None of one that is being traced, or holds anything else."""
    import numpy as np

    try:
        return np.asarray(array).tolist()
    except Exception:  # no array without numbers has one kind of refusal in all libraries
        return None


def dims_of(kind: type) -> dict[str, tuple[str, ...]]:
    """The dims that fields are annotated with by jaxtyping."""
    from typing import get_args, get_type_hints

    try:
        hints = get_type_hints(kind)
    except (NameError, TypeError):
        return {}
    found = {}
    for name, hint in hints.items():
        for one in (hint, *get_args(hint)):
            text = getattr(one, "dim_str", None)
            if isinstance(text, str) and all(part.isidentifier() for part in text.split()):
                found[name] = tuple(text.split())
    return found


def flat(told: Mapping[str, Any], stem: str = "") -> dict[str, Any]:
    """Fields inside fields under one name, ``loss.initial``."""
    found: dict[str, Any] = {}
    for key, value in told.items():
        name = f"{stem}{key}"
        held = inner(value)
        found |= {name: value} if held is None else flat(held, f"{name}.")
    return found


def inner(value: Any) -> Mapping[str, Any] | None:
    """What a field holds by name, if it holds anything by name."""
    if hasattr(value, "quantities"):
        return value.quantities()
    if isinstance(value, Mapping):
        return {str(key): entry for key, entry in value.items()}
    if hasattr(value, "_fields"):
        return value._asdict()
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in fields(value)}
    return None


def as_numbers(value: Any) -> "np.ndarray | None":
    """An array of numbers or texts, or None for what is neither."""
    import numpy as np

    if value is None or isinstance(value, str | bytes):
        return None
    try:
        array = np.asarray(value)
    except (ValueError, TypeError):
        return None
    return array if array.dtype.kind in "biuf" else None


def as_text(value: Any) -> str:
    """Text that any format of files keeps."""
    return value if isinstance(value, str) else short(value, longest=400)


def jsonable(value: Any) -> Any:
    """The same with rows, mappings and plain numbers only; anything else as text."""
    held = inner(value)
    if held is not None:
        return {str(key): jsonable(entry) for key, entry in held.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [jsonable(entry) for entry in value]
    if value is None or isinstance(value, str | int | float):
        return value
    array = as_numbers(value)
    return array.tolist() if array is not None else as_text(value)
