"""How does a result show itself, and how does it leave the library: line, notebook, table, file?"""

from abc import ABC
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from html import escape
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from lazyscope._checks import InputError
from lazyscope._result._parts import as_numbers, as_text, dims_of, flat, jsonable, short

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

_LINE = 100
"""Characters of a representation, at most."""
_ENDINGS = (".json", ".csv", ".nc")


class AbstractShown(ABC):  # noqa: B024 (all that is told has a default)
    """What shows itself: one line in a terminal, a table in a notebook.

    What is told are the fields, or the items of a mapping.
    """

    __slots__ = ()
    _told_first: ClassVar[tuple[str, ...]] = ()
    """Names of what a line begins with."""

    def quantities(self) -> dict[str, Any]:
        """Every quantity by its name, as it is."""
        if isinstance(self, Mapping):
            return {str(name): self[name] for name in self}
        assert is_dataclass(self), "results are dataclasses or mappings"
        return {f.name: getattr(self, f.name) for f in fields(self) if not f.name.startswith("_")}

    def __repr__(self) -> str:
        """The first numbers and texts, on one line."""
        opening, parts, length = type(self).__name__, [], 0
        for name, value in self._in_order().items():
            part = f"{name}={short(value)}"
            length += len(part) + 2
            if length + len(opening) + 6 > _LINE:
                parts.append("...")
                break
            parts.append(part)
        return f"{opening}({', '.join(parts)})"

    def _repr_html_(self) -> str:
        """A table of names and values, for notebooks."""
        rows = "".join(
            f"<tr><th style='text-align:left'>{escape(name)}</th>"
            f"<td style='text-align:left'>{escape(short(value, longest=_LINE))}</td></tr>"
            for name, value in self._in_order().items()
        )
        return f"<table><caption>{escape(type(self).__name__)}</caption>{rows}</table>"

    def _in_order(self) -> dict[str, Any]:
        told = self.quantities()
        first = {name: told[name] for name in self._told_first if told.get(name) is not None}
        return {**first, **{name: value for name, value in told.items() if name not in first}}


class AbstractResult(AbstractShown):
    """What a function of the library returns that somebody reads: numbers with names.

    One line in a terminal, a table in a notebook, `to_dataset` and `to_dataframe` for work, and `save` for
    a file. What is told are the fields, or the items of a mapping.
    """

    __slots__ = ()

    def dims(self) -> Mapping[str, tuple[str, ...]]:
        """Names of the axes of what `quantities` gives, as far as they have names."""
        return dims_of(type(self))

    def to_dataset(self) -> "xr.Dataset":
        """Numbers and arrays as variables, everything else that JSON knows as attributes.

        Dims are those that the fields are annotated with, else ``NAME_0``, ``NAME_1``, ...; numbers inside
        a field are called ``FIELD.KEY``. Names of a dim's places, ``groups`` of the dim groups, are its
        coordinate.
        """
        import xarray as xr

        found = xr.Dataset(attrs={"result": type(self).__name__})
        dims = self.dims()
        for name, value in flat(self.quantities()).items():
            array = as_numbers(value)
            if array is None:
                found.attrs[name] = as_text(value)
                continue
            named = dims.get(name, ())
            if len(named) != array.ndim or any(
                found.sizes.get(dim, size) != size
                for dim, size in zip(named, array.shape, strict=True)
            ):
                named = tuple(f"{name}_{axis}" for axis in range(array.ndim))
            if array.ndim != 1 or named != (name,):  # a variable of its own dim is a coordinate
                taken = (*found.data_vars, name)
                named = tuple(f"{dim}_" if dim in taken else dim for dim in named)
            found[name] = (named, array)
        for name in [name for name in found.attrs if name in found.sizes]:
            entries = self.quantities().get(name)
            if isinstance(entries, tuple | list) and len(entries) == found.sizes[name]:
                found = found.assign_coords({name: [str(entry) for entry in entries]})
                del found.attrs[name]
        return found

    def to_dataframe(self) -> "pd.DataFrame":
        """One row for each number: its ``quantity``, its place in it (``index``), and its ``value``."""
        import numpy as np
        import pandas as pd

        rows: list[tuple[str, str, float]] = []
        for name, variable in self.to_dataset().data_vars.items():
            rows += [
                (str(name), ",".join(map(str, place)), float(variable.values[place]))
                for place in np.ndindex(variable.shape)
            ]
        return pd.DataFrame(rows, columns=["quantity", "index", "value"])

    def save(self, path: str | PathLike[str]) -> Path:
        """Write it whole or not at all: ``.json``, ``.csv`` (`to_dataframe`) or ``.nc`` (`to_dataset`).

        Raises:
            InputError: another ending, or a path that cannot be written.
        """
        from lazyscope._file import local_path, write_bytes_whole, write_text_whole

        target = local_path("the file of a result", path)
        rule = "the file of a result must be in a folder that can be written"
        if target.suffix == ".json":
            return write_text_whole(rule, self._as_json(), target)
        if target.suffix == ".csv":
            return write_text_whole(rule, self.to_dataframe().to_csv(index=False), target)
        if target.suffix == ".nc":
            return write_bytes_whole(bytes(self.to_dataset().to_netcdf()), target)
        raise InputError(
            f"a result is saved as {', '.join(_ENDINGS)}",
            received=repr(str(path)),
            cause="a path without an ending, or with that of another format",
            fix="end the path in .json",
        )

    def _as_json(self) -> str:
        import json

        from lazyscope._plain import plain

        to_json = getattr(self, "to_json", None)
        told = to_json() if callable(to_json) else jsonable(self.quantities())
        return json.dumps(plain(told), indent=1)
