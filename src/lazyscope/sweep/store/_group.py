"""How are named arrays written as one Zarr group, and read back?

Zarr version 3: ``zarr.json`` for the group and for every array, and the numbers of every array in one
chunk, uncompressed. Any Zarr tool reads it; written here in a hundredth of the time that one takes.
"""

import json
import math
import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

GROUP = "zarr.json"
"""Entry that describes the group."""

_KINDS: dict[str, tuple[str, Any]] = {
    "float64": ("<f8", "NaN"),
    "int64": ("<i8", 0),
    "int8": ("|i1", 0),
    "bool": ("|b1", False),
}


class Array(NamedTuple):
    """One array of a group.

    Attributes:
        dims: name of every axis.
        values: float64, int64, int8, bool or text (objects).
        attrs: what is told about it.
    """

    dims: tuple[str, ...]
    values: np.ndarray
    attrs: Mapping[str, Any]


def group_entry(attrs: Mapping[str, Any]) -> bytes:
    """The description of a group with these attributes."""
    return _json({"attributes": dict(attrs), "zarr_format": 3, "node_type": "group"})


def array_entries(name: str, array: Array) -> dict[str, bytes]:
    """The entries, by their names in the group, that make up one array."""
    values = array.values
    text = values.dtype == object
    kind = "string" if text else str(values.dtype)
    bytes_codec: dict[str, Any] = {"name": "bytes"}
    if not text and values.dtype.itemsize > 1:
        bytes_codec["configuration"] = {"endian": "little"}
    about = {
        "shape": list(values.shape),
        "data_type": kind,
        "chunk_grid": {
            "name": "regular",
            "configuration": {"chunk_shape": [max(1, size) for size in values.shape]},
        },
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": "" if text else _KINDS[kind][1],
        "codecs": [{"name": "vlen-utf8", "configuration": {}} if text else bytes_codec],
        "attributes": dict(array.attrs),
        "dimension_names": list(array.dims),
        "zarr_format": 3,
        "node_type": "array",
        "storage_transformers": [],
    }
    entries = {f"{name}/{GROUP}": _json(about)}
    if values.size:
        entries[_chunk(name, values.ndim)] = _written(values, text, kind)
    return entries


def read_array(name: str, entries: Mapping[str, bytes]) -> Array:
    """The array `name` of a group that was written here.

    Raises:
        ValueError: an entry is missing, or is not what is written here.
    """
    about = _object(entries, f"{name}/{GROUP}")
    shape, kind = about.get("shape"), about.get("data_type")
    if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError(f"{name} has no shape")
    dims, attrs = about.get("dimension_names"), about.get("attributes")
    if not isinstance(dims, list) or len(dims) != len(shape) or not isinstance(attrs, dict):
        raise ValueError(f"{name} has no dims")
    if not math.prod(shape):
        values = np.zeros(shape, object if kind == "string" else kind)
    else:
        chunk = _chunk(name, len(shape))
        if chunk not in entries:
            raise ValueError(f"{chunk} is missing")
        values = _read(name, entries[chunk], shape, kind)
    return Array(tuple(dims), values, attrs)


def read_group(entries: Mapping[str, bytes]) -> dict[str, Any]:
    """Attributes of a group.

    Raises:
        ValueError: its description is missing or is none.
    """
    attrs = _object(entries, GROUP).get("attributes")
    if not isinstance(attrs, dict):
        raise ValueError(f"{GROUP} has no attributes")
    return attrs


def _read(name: str, raw: bytes, shape: list[int], kind: Any) -> np.ndarray:
    if kind == "string":
        texts = _texts(name, raw)
        if len(texts) != math.prod(shape):
            raise ValueError(f"{name} has {len(texts)} texts where {math.prod(shape)} belong")
        return np.array(texts, dtype=object).reshape(shape)
    if kind not in _KINDS:
        raise ValueError(f"{name} is of type {kind}")
    dtype = np.dtype(_KINDS[kind][0])
    if len(raw) != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{name} has {len(raw)} bytes for the shape {shape} of {kind}")
    return np.frombuffer(raw, dtype).astype(kind).reshape(shape)


def _written(values: np.ndarray, text: bool, kind: str) -> bytes:
    if not text:
        return np.ascontiguousarray(values, _KINDS[kind][0]).tobytes()
    encoded = [value.encode() for value in values.ravel()]
    parts = [struct.pack("<I", len(encoded))]
    for word in encoded:
        parts += [struct.pack("<I", len(word)), word]
    return b"".join(parts)


def _texts(name: str, raw: bytes) -> list[str]:
    try:
        (count,), at, texts = struct.unpack_from("<I", raw), 4, []
        for _ in range(count):
            (length,) = struct.unpack_from("<I", raw, at)
            if at + 4 + length > len(raw):
                raise ValueError(f"a text of {name} is cut short")
            texts.append(raw[at + 4 : at + 4 + length].decode())
            at += 4 + length
    except struct.error as error:
        raise ValueError(f"the texts of {name} are cut short") from error
    if at != len(raw):
        raise ValueError(f"{name} has bytes behind its texts")
    return texts


def _chunk(name: str, ndim: int) -> str:
    return "/".join([name, "c", *["0"] * ndim])


def _object(entries: Mapping[str, bytes], key: str) -> dict[str, Any]:
    if key not in entries:
        raise ValueError(f"{key} is missing")
    try:
        found = json.loads(entries[key])
    except RecursionError as error:
        raise ValueError(f"{key} has brackets nested too deeply") from error
    if not isinstance(found, dict):
        raise ValueError(f"{key} is no table")
    return found


def _json(table: Mapping[str, Any]) -> bytes:
    return json.dumps(table, separators=(",", ":")).encode()
