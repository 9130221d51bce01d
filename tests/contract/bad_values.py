"""Which values are none of the kind that an annotation says, and which only look like it?"""

import inspect
import os
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import jax
import numpy as np

FREE_TEXT = {
    "title",
    "name",
    "source",
    "description",
    "words",
    "what",
    "statement",
    "claim",
    "basis",
    "note",
    "command",
    "code",
    "units",
    "sentence",
    "remarks",
    "data",
}
"""Arguments that take any text; names of data are read when a study runs."""
SIGNED = {
    "exponent",
    "gamma",
    "gamma_prime",
    "prediction",
    "value",
    "low",
    "high",
    "bound",
    "floor",
    "ceiling",
    "multiplier_exponent",
    "scale_exponent",
    "scale_exponent_3",
    "speed_exponent",
    "slope_at_zero",
    "c",
    "scale_exponents",
    "speed_exponents",
    "f0_train",
    "f0_test",
    "f0_other",
}
"""Numbers that may be negative or zero."""
MAY_BE_ZERO = {
    "degree",
    "seed",
    "data_seed",
    "num_test",
    "accuracy",
    "epsilon",
    "bias_std",
    "draw_seed",
    "readout_bias_std",
    "successes",
    "num_parameters",
    "largest",
    "weight_std",
    "readout_weight_std",
    "memory",
    "noise",
    "ridge",
    "momentum",
}
MAY_BE_UNKNOWN = {
    ("measure.estimate_exponent", "values"),
    ("measure.estimate_exponents", "values"),
    ("measure.estimate_threshold", "converged"),
    ("measure.fit_power_law", "y"),
    ("claims.Finding", "prediction"),
    ("measure.Estimate", "value"),
    ("measure.laziness", "largest"),
}
"""Where NaN marks a run without a value, and infinity an open end."""
MAY_BE_INFINITE = {"low", "high"}
MAY_BE_EMPTY = {
    "x_test",
    "y_test",
    "x2",
    "x_other",
    "labels",
    "names",
    "description",
    "records",
    "claims",
    "x1",
    "kinks",
    "verdicts",
    "points",
    "fixed",
    "k_test_train",
    "record",
    "remarks",
}
PARAMETERS = {"params", "params_0", "initial", "final"}


def hints_of(function):
    """Annotations of arguments; those of a constructor stand above those of its fields."""
    found = {}
    for target in (function, function.__init__) if inspect.isclass(function) else (function,):
        try:
            found |= typing.get_type_hints(target)
        except NameError:  # names that only type checkers import
            found |= {k: v for k, v in target.__annotations__.items() if not isinstance(v, str)}
    return found


def kinds_of(hint, value):
    """(kind, whether None is allowed) of a parameter, from its annotation or else from its value."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        kinds = {kinds_of(part, value)[0] for part in parts if part is not type(None)}
        order = (
            "path",
            "function",
            "array",
            "sequence",
            "number",
            "choice",
            "text",
            "count",
            "object",
        )
        return next((k for k in order if k in kinds), None), type(None) in parts
    if hint is bool:
        return "flag", False
    if hint is int:
        return "count", False
    if hint is float:
        return "number", False
    if origin is typing.Literal:
        return "choice", False
    if hint is str:
        return "text", False
    if hint is Path or origin is os.PathLike or hint is os.PathLike:
        return "path", False
    if (hasattr(hint, "dims") and hasattr(hint, "array_type")) or hint in (jax.Array, np.ndarray):
        return "array", False
    if origin is Callable or hint is Callable:
        return "function", False
    if isinstance(origin, type) and issubclass(origin, Callable):
        return "function", False
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "mapping", False
    if isinstance(origin, type) and issubclass(origin, Iterable):
        return "sequence", False
    if hint is typing.Any or hint is inspect.Parameter.empty or hint is None:
        if isinstance(value, np.ndarray | jax.Array):
            return "array", False
        return None, False
    return ("object" if isinstance(hint, type) else None), False


def bad_arrays(value):
    array = np.array(value, float)
    spoiled = lambda entry: np.where(np.arange(array.size).reshape(array.shape) == 0, entry, array)  # noqa: E731
    yield "nan", spoiled(np.nan)
    yield "inf", spoiled(np.inf)
    yield "complex", array + 0.5j
    yield "masked", np.ma.masked_array(array, np.arange(array.size).reshape(array.shape) == 0)
    yield "text", array.astype(str)
    yield "object", np.full(array.shape, None)
    yield "none-or-text", "text"
    yield "mapping", {"x": 1.0}
    if array.ndim:
        yield "ragged", [[1.0], [1.0, 2.0]]
        yield "axes", array[..., None, None]
        yield "single", 1.0
        yield "empty", array[:0]


def bad_trees(value):
    leaves, structure = jax.tree.flatten(value)
    for label, leaf in bad_arrays(leaves[0]):
        if label in ("nan", "inf", "complex", "masked", "text", "object"):
            yield label, jax.tree.unflatten(structure, [leaf, *leaves[1:]])
    yield "none", None
    yield "nothing", {}
    yield "text", "text"


BAD = {
    "number": [
        ("nan", np.nan),
        ("inf", np.inf),
        ("text", "1"),
        ("none", None),
        ("flag", True),
        ("complex", 1j),
        ("list", [1.0]),
        ("negative", -1.0),
        ("zero", 0.0),
        ("huge", 10**400),
    ],
    "count": [
        ("zero", 0),
        ("negative", -1),
        ("part", 1.5),
        ("text", "3"),
        ("none", None),
        ("flag", True),
        ("nan", np.nan),
        ("huge", 10**30),
        ("list", [3]),
        ("complex", 3j),
    ],
    "choice": [
        ("word", "no such word"),
        ("empty", ""),
        ("number", 3),
        ("bytes", b"relu"),
        ("none", None),
        ("list", ["relu"]),
    ],
    "text": [
        ("word", "no such word"),
        ("number", 3),
        ("bytes", b"relu"),
        ("none", None),
        ("list", ["x"]),
    ],
    "flag": [("text", "False"), ("number", 1), ("none", None), ("float", 0.0), ("list", [])],
    "function": [("none", None), ("number", 3), ("text", "tanh")],
    "path": [
        ("number", 3),
        ("none", None),
        ("empty", ""),
        ("null", "a\0b"),
        ("bytes", b"path"),
        ("list", ["a"]),
    ],
    "mapping": [("none", None), ("number", 3), ("text", "text"), ("list", [1])],
    "object": [
        ("none", None),
        ("number", 3),
        ("text", "no such word"),
        ("object", object()),
        ("list", [1]),
    ],
    "sequence": [
        ("none", None),
        ("number", 3.0),
        ("text", "text"),
        ("nan", [np.nan, 1.0]),
        ("words", ["no such word", "b"]),
        ("complex", [1j, 1.0]),
        ("nones", [None, None]),
        ("empty", []),
        ("flags", [True, False]),
    ],
}


def bad_values(name, parameter, hint, value):
    """(label, value) of everything that this parameter must not be."""
    kind, optional = kinds_of(hint, value)
    if parameter.name in PARAMETERS and kind not in ("array",):
        found = list(bad_trees(value))
    elif kind == "array" and not isinstance(value, np.ndarray | jax.Array | list | tuple):
        found = [*BAD["number"]]
    elif kind == "array":
        found = list(bad_arrays(value))
    else:
        found = list(BAD.get(kind, ()))
    return [
        (label, bad)
        for label, bad in found
        if not in_truth_valid(name, parameter, kind, label, optional)
    ]


def in_truth_valid(name, parameter, kind, label, optional):
    """Whether a value is one that the argument may have, with the reasons of the lists above."""
    key = parameter.name
    return (
        (label == "none" and optional)
        or (kind in ("text", "sequence") and label in ("word", "words") and key in FREE_TEXT)
        or (label == "list" and key in ("weight_std", "bias_std"))  # one for each layer
        or (label in ("negative", "zero") and key in SIGNED)
        or (label == "zero" and key in MAY_BE_ZERO)
        or (label in ("nan", "inf") and (name, key) in MAY_BE_UNKNOWN)
        or (label == "inf" and key in MAY_BE_INFINITE)
        or (label == "empty" and key in MAY_BE_EMPTY)
        or (name, key, label) in VALID
    )


_LIMITS = (
    "limit_covariance_kernel",
    "limit_tangent_kernel",
    "limit_tangent_kernel_by_layer",
    "normalised_limit_kernels",
    "limit_amplification",
)
_ON_LIMITS = ("limit_kernel_operator",)
"""Operators of limit kernels."""

VALID = {
    ("composed.activation", "sigma", "text"),  # a name
    *(
        (f"composed.{part}", "strides", "number")  # 3.0 counts as 3, for all axes
        for part in ("conv", "avg_pool", "sum_pool")
    ),
    ("forecast.forecast", "stop", "zero"),  # trains to the end
    ("forecast.forecast_problem", "stop", "zero"),
    ("torch.forecast", "stop", "zero"),
    ("scaling.from_abc", "c", "number"),  # one exponent for all layers
    (
        "scaling.named_scheme",
        "activation",
        "word",
    ),  # unknown ones get the rectifier's value, as documented
    ("measure.fit_power_law", "groups", "text"),  # labels may be text
    ("measure.operator_norm", "matrix", "single"),  # a number is a diagonal of one entry
    ("model.parameter_groups", "params", "nan"),  # only names and structure are read
    ("model.parameter_groups", "params", "inf"),
    ("model.parameter_groups", "groups", "text"),  # one name for the whole tree
    ("observe.Observer", "groups", "text"),
    ("experiment.function_experiment", "groups", "text"),
    *(
        (f"kernel.{name}", "activation", "text")  # a name of one
        for name in _LIMITS
    ),
    *(
        (f"kernel.{name}", f"{which}_std", "number")  # one for all layers
        for name in _LIMITS
        for which in ("weight", "bias")
    ),
    *(
        (f"operator.{name}", *case)
        for name in _ON_LIMITS
        for case in (("activation", "text"), ("weight_std", "number"), ("bias_std", "number"))
    ),
    ("operator.kernel_operator", "x", "axes"),  # points of any shape that the function takes
    ("operator.predict_flow_with", "t", "zero"),  # the start
    ("operator.predict_flow_with", "t", "list"),  # several times
    ("operator.extreme_eigenvalues", "inverse_steps", "zero"),  # none
    ("operator.PreconditionerSettings", "rank", "zero"),  # none
    ("operator.solve_kernel_regression", "ridge", "zero"),  # as small as the precision allows
    ("kernel.predict_flow", "t", "inf"),  # the limit
    ("kernel.smallest_eigenvalue", "k", "axes"),  # many kernels of one point
    ("model.check_kernel_memory", "size", "zero"),  # the kernel of no points
    ("sweep.SweepDesign", "record", "empty"),  # what every run keeps, such as its outcome
    ("flow.OptimiserSteps", "weight_decay", "zero"),  # none
    ("kernel.predict_flow", "t", "zero"),  # the start
    ("kernel.calibration", "levels", "empty"),  # residuals and density only
    ("kernel.predict_flow", "t", "list"),  # several times
    ("claims.Claim", "rows", "empty"),  # a claim that is in no register
    ("data.duplicate_groups", "x", "empty"),  # no points, no duplicates
}
"""Single cases that are valid, with their reasons beside them."""
