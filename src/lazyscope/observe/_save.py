"""How is a record kept on disk, and how does it become labelled data?"""

import hashlib
import json
import math
import os
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lazyscope._checks import InputError
from lazyscope._entry import checked
from lazyscope._file import local_path, read_json, unreadable, write_text_whole
from lazyscope._plain import plain
from lazyscope.observe._record import OLD_NAMES, SERIES, Look, Measurement, Observations, Subject

if TYPE_CHECKING:
    import xarray as xr

FORMAT = "lazyscope-observations-3"
_FIRST_FORMAT, _SECOND_FORMAT = "lazyscope-observations-1", "lazyscope-observations-2"
_LAYERS = ("update_alignment", "weight_alignment", "input_rank")
_PER_PARAMETER = ("parameter_frobenius", "parameter_operator", *_LAYERS)
_LATER = ("largest_eigenvalue", "smallest_eigenvalue", "sharpness", "low_rank_distance", "rate")
"""What records of the first two formats do not have, as well as the readings of layers."""
_PER_GROUP = ("group_frobenius", "group_operator")
_FORMATS = (FORMAT, _FIRST_FORMAT, _SECOND_FORMAT)
_UNITS = {"loss": "as given", "seconds": "s", "rate": "as given"}


@checked()
def to_json(record: Observations) -> dict[str, Any]:
    """The record as values that JSON can hold: NaN is null, infinity is ``"inf"``.

    Example:
        >>> nothing = np.array([np.inf])
        >>> look = Measurement(nothing, nothing, nothing, nothing, 0, 1, 0, 1, 0.5, 0, np.nan, 0)
        >>> subject = Subject(("w",), ((3, 2),), ("w",), (0,), 4, 2, True)
        >>> stored = to_json(Observations(subject, (Look(0, 0.0, 1.0, look),)))
        >>> stored["group_operator"], stored["linearisation_share"]
        ([['inf']], [None])
    """
    subject = {f.name: getattr(record.subject, f.name) for f in fields(Subject)}
    series = {name: record.series(name) for name in (*_PER_PARAMETER, *_PER_GROUP, *SERIES)}
    own = {"step": record.steps, "seconds": record.seconds, "loss": record.loss}
    own["rate"] = record.rate
    return {
        "format": FORMAT,
        "subject": plain({**subject, "provenance": dict(record.subject.provenance)}),
        "observing_seconds": record.observing_seconds,
        "setup_seconds": record.setup_seconds,
        **{name: _encoded(values.tolist()) for name, values in (own | series).items()},
    }


def from_json(stored: Any) -> Observations:
    """The record that `to_json` wrote.

    Raises:
        InputError: another object, or one that was edited or damaged.
    """
    if not isinstance(stored, dict) or stored.get("format") not in _FORMATS:
        kind = stored.get("format") if isinstance(stored, dict) else type(stored).__name__
        raise InputError(
            f"a record of observations must have the format {FORMAT}",
            received=repr(kind),
            cause="another JSON file, or a record of another version of lazyscope",
            fix="give a file that Observer.record was saved to with save_observations",
        )
    told = stored.get("digest")
    if told is not None and told != _digest(stored):
        raise _damaged("numbers that do not fit the checksum of the file")
    try:
        return _checked(_decoded_record(_renamed(stored)))
    except MISSHAPEN as error:
        raise _damaged(f"{type(error).__name__}: {error}") from error


def _renamed(stored: dict[str, Any]) -> dict[str, Any]:
    """A record of an earlier format with the names of this one, and nothing where it has less."""
    if stored["format"] == FORMAT:
        return stored
    first = stored["format"] == _FIRST_FORMAT
    names = OLD_NAMES if first else {}
    new = {names.get(name, name): value for name, value in stored.items()}
    new["subject"] = {names.get(name, name): value for name, value in stored["subject"].items()}
    looks, parameters = len(new["step"]), len(new["subject"]["parameters"])
    nothing: dict[str, Any] = {name: [None] * looks for name in _LATER}
    nothing["setup_seconds"] = 0.0
    nothing |= {name: [[None] * parameters] * looks for name in _LAYERS}
    return nothing | new


MISSHAPEN = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)


def _damaged(received: str) -> InputError:
    return InputError(
        "a record of observations must be whole",
        received=received,
        cause="a file that was edited, or damaged on its way",
        fix="save the record again, or copy the file again",
    )


def _digest(stored: dict[str, Any]) -> str:
    """Checksum of everything that a record holds, however its file is laid out."""
    rest = {name: value for name, value in stored.items() if name != "digest"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()[:32]


def _checked(record: Observations) -> Observations:
    """Return `record` if its parts have the sizes that its subject tells."""
    subject = record.subject
    num_parameters, num_groups = len(subject.parameters), len(subject.groups)
    words = (*subject.parameters, *subject.groups, *subject.notes, *dict(subject.provenance))
    words = (*words, subject.loss)
    if not all(isinstance(word, str) for word in words):
        raise ValueError("names or notes that are no text")
    if not len(subject.shapes) == len(subject.parameter_group) == num_parameters:
        raise ValueError("shapes or groups of another number of arrays")
    if not all(isinstance(k, int) and 0 <= k < num_groups for k in subject.parameter_group):
        raise ValueError("arrays of groups that are not there")
    counts = (subject.num_points, subject.num_outputs, *(n for s in subject.shapes for n in s))
    if not all(isinstance(count, int) and count >= 0 for count in counts):
        raise ValueError("sizes that are no whole numbers")
    for name, size in dict.fromkeys(_PER_PARAMETER, num_parameters).items():
        _check_size(name, record, size)
    for name, size in dict.fromkeys(_PER_GROUP, num_groups).items():
        _check_size(name, record, size)
    return record


def _check_size(name: str, record: Observations, size: int) -> None:
    if any(getattr(look.measurement, name).shape != (size,) for look in record.looks):
        raise ValueError(f"{name} of another size")


@checked()
def save_observations(record: Observations, path: str | os.PathLike[str]) -> Path:
    """Write the record to a JSON file with a checksum, whole or not at all.

    Raises:
        InputError: a path that cannot be written.
    """
    stored = to_json(record)
    text = json.dumps({**stored, "digest": _digest(stored)}, allow_nan=False)
    return write_text_whole("a record needs a path that can be written", text, path)


def open_observations(path: str | os.PathLike[str]) -> Observations:
    """Read a record that `save_observations` wrote.

    Raises:
        InputError: no such file, another kind of file, or a damaged one.
    """
    source = local_path("a record", path)
    try:
        stored = read_json(source)
    except (OSError, ValueError) as error:
        raise unreadable(
            "a record of observations must be a JSON file",
            source,
            error,
            fix="give the file that save_observations wrote",
        ) from error
    return from_json(stored)


@checked()
def to_dataset(record: Observations) -> "xr.Dataset":
    """The record as labelled data with the dimensions step, parameter and group.

    Returns:
        A dataset; ``.to_netcdf`` and ``.to_zarr`` keep it. Attributes hold the provenance and the notes.
    """
    import xarray as xr

    subject = record.subject
    data: dict[str, Any] = {name: ("step", record.series(name)) for name in SERIES}
    data |= {name: (("step", "parameter"), record.series(name)) for name in _PER_PARAMETER}
    data |= {name: (("step", "group"), record.series(name)) for name in _PER_GROUP}
    data |= {"loss": ("step", record.loss), "seconds": ("step", record.seconds)}
    data |= {"rate": ("step", record.rate)}
    coords = {
        "step": record.steps,
        "parameter": list(subject.parameters),
        "group": list(subject.groups),
        "parameter_group": ("parameter", [subject.groups[k] for k in subject.parameter_group]),
    }
    attributes = {**subject.provenance, "notes": " ".join(subject.notes), "format": FORMAT}
    attributes |= {"probe_loss": subject.loss}
    attributes |= {"num_points": subject.num_points, "num_outputs": subject.num_outputs}
    made = xr.Dataset(data, coords, attributes)
    for name in made.data_vars:
        made[name].attrs["units"] = _UNITS.get(str(name), "1")
    return made


def _decoded_record(stored: dict[str, Any]) -> Observations:
    given = dict(stored["subject"])
    given["shapes"] = tuple(tuple(shape) for shape in given["shapes"])
    for name in ("parameters", "groups", "parameter_group", "notes"):
        given[name] = tuple(given[name])
    subject = Subject(**given)
    arrays = {
        name: np.array(_decoded(stored[name]), float)
        for name in (*_PER_PARAMETER, *_PER_GROUP, *SERIES, "seconds", "loss", "rate")
    }
    looks = []
    if {len(array) for array in arrays.values()} != {len(stored["step"])} or not stored["step"]:
        raise ValueError("series of different lengths, or none")
    if not all(type(step) is int for step in stored["step"]):
        raise ValueError("steps that are no whole numbers")
    for k, step in enumerate(stored["step"]):
        vectors: dict[str, Any] = {name: arrays[name][k] for name in (*_PER_PARAMETER, *_PER_GROUP)}
        numbers: dict[str, Any] = {name: float(arrays[name][k]) for name in SERIES}
        seconds, loss = float(arrays["seconds"][k]), float(arrays["loss"][k])
        seen = Measurement(**vectors, **numbers)
        looks.append(Look(int(step), seconds, loss, seen, float(arrays["rate"][k])))
    spent, setup = (float(stored[f"{name}_seconds"]) for name in ("observing", "setup"))
    return Observations(subject, tuple(looks), spent, setup)


def _encoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_encoded(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "inf"
    return value


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(entry) for entry in value]
    if isinstance(value, str) and value != "inf":
        raise ValueError(f"{value[:40]!r} where a number belongs")
    return float("nan") if value is None else float(value)
