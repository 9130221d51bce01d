"""Does an array, or a tree of arrays, hold the real numbers that it should?"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from lazyscope._checks._error import InputError, shown, unreadable_value
from lazyscope._checks._numbers import check_positive

if (
    TYPE_CHECKING
):  # and inside functions, since what looks at no arrays answers without NumPy and JAX
    import numpy as np


def check_tree(name: str, tree: Any, *, finite: bool = True) -> Any:
    """Return a tree of parameters whose leaves are all arrays of numbers, or refuse it.

    Raises:
        InputError: no leaf at all, or a leaf that `check_array` refuses.
    """
    import jax

    named, _ = jax.tree_util.tree_flatten_with_path(tree, is_leaf=_is_masked)
    if not named:
        raise InputError(
            f"{name} must hold at least one array",
            received=shown(tree),
            cause="an empty tree, or None in place of parameters",
            fix="give the tree of parameters",
        )
    for path, leaf in named:
        check_array(f"{name}{jax.tree_util.keystr(path)}", leaf, finite=finite)
    return tree


def _is_masked(leaf: Any) -> bool:
    import numpy as np

    return isinstance(leaf, np.ma.MaskedArray)


def check_array(
    name: str, value: Any, *, finite: bool = True, ndim: Iterable[int] | int | None = None
) -> Any:
    """Return `value` as an array of real or whole numbers as it came, or refuse it.

    Refused are masked entries, imaginary parts, text, objects, dates and, unless ``finite`` is False,
    NaN and infinity, since none of them can be used as given; with `ndim`, other numbers of axes too.
    Arrays of JAX stay where they are; while tracing only type and shape can be checked. Anything else
    becomes a NumPy array.

    Example:
        >>> check_array("targets", [1, 2]).dtype.kind
        'i'
    """
    import numpy as np

    if value is None:
        raise InputError(
            f"{name} must be an array of numbers",
            received="None",
            cause="an argument that was left out, or a function without a return",
            fix=f"give {name}",
        )
    if isinstance(value, np.ma.MaskedArray):
        if np.ma.getmaskarray(value).any():
            raise InputError(
                f"{name} must be an array without a mask",
                received=f"{int(np.ma.getmaskarray(value).sum())} masked entries",
                cause="missing values kept in a masked array",
                fix="drop or fill those entries, for example with its filled method",
            )
        value = value.data
    values = _as_array(name, value)
    if not _is_real(values.dtype):
        raise InputError(
            f"{name} must be real or whole numbers",
            received=f"entries of type {values.dtype}",
            cause="complex numbers, text, dates or missing entries among the data",
            fix="encode categories as numbers, and take real parts or absolute values beforehand",
        )
    _check_axes(name, values, ndim)
    if finite and values.dtype.kind not in "biu" and is_known(values):
        numbers = values if isinstance(values, np.ndarray) else as_numpy(name, values)
        if numbers.dtype.itemsize > _DOUBLE:
            with np.errstate(over="ignore"):
                numbers = numbers.astype(np.float64)  # in which everything is computed
        bad = int((~np.isfinite(numbers)).sum())
        if bad:
            raise InputError(
                f"{name} must be finite",
                received=f"{bad} of {numbers.size} numbers that are NaN or infinite",
                cause="missing values in the data, or an overflow upstream",
                fix="remove or fill the missing values, or use a smaller scale",
            )
    return values


def check_alike(*, may_be_empty: bool = False, **arrays: Any) -> None:
    """Refuse arrays of different shapes or without entries; names are those of the arguments."""
    import numpy as np

    shapes = {name: tuple(np.shape(value)) for name, value in arrays.items()}
    is_empty = not may_be_empty and any(0 in shape for shape in shapes.values())
    if len(set(shapes.values())) > 1 or is_empty:
        raise InputError(
            f"{' and '.join(shapes)} must have one shape, with entries",
            received=f"shapes {' and '.join(map(str, shapes.values()))}",
            cause="outputs at different points, or an axis too many",
            fix="give both at the same points",
        )


_DOUBLE = 8  # bytes


def _check_axes(name: str, values: Any, ndim: Iterable[int] | int | None) -> None:
    if ndim is None:
        return
    allowed = (ndim,) if isinstance(ndim, int) else tuple(ndim)
    if values.ndim not in allowed:
        words = " or ".join(map(str, allowed))
        raise InputError(
            f"{name} must be an array with {words} {'axis' if words == '1' else 'axes'}",
            received=f"shape {tuple(values.shape)}",
            cause="a flattened array, a single number or row, or one axis too many",
            fix="reshape it, for instance with array[:, None] or array[None]",
        )


def _as_array(name: str, value: Any) -> Any:
    """An array of JAX as it is, anything else as one of NumPy."""
    try:
        is_jax = hasattr(value, "aval")
        if is_jax and is_known(value) and getattr(value, "is_deleted", bool)():
            raise RuntimeError("Array has been deleted")
    except Exception as error:
        raise unreadable_value(name, value, error) from error
    return value if is_jax else as_numpy(name, value)


def as_numpy(name: str, value: Any) -> "np.ndarray":
    """`value` as an array of NumPy, whatever its entries are, or a refusal."""
    import numpy as np

    if value is None or isinstance(value, dict | set):
        value = np.asarray(value, object)
    try:
        return np.asarray(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise InputError(
            f"{name} must be an array of numbers",
            received=f"{type(value).__name__} ({error})",
            cause="rows of different lengths, or an object that is no array",
            fix="give a NumPy array",
        ) from error
    except Exception as error:
        raise unreadable_value(name, value, error) from error


def _is_real(dtype: Any) -> bool:
    """Whether entries are real: NumPy's kinds, and short ones such as bfloat16 by their names."""
    return getattr(dtype, "kind", "O") in "biuf" or str(dtype).startswith(("bfloat", "float"))


def is_known(values: Any) -> bool:
    """Whether the entries have values, which arrays of JAX have not while tracing."""
    return not hasattr(values, "_trace")


def check_scale(name: str, value: Any) -> Any:
    """Return a factor above zero as it came, or refuse it; of a traced one only type and shape."""
    import jax

    if not isinstance(value, jax.Array):
        return check_positive(name, value)
    check_array(name, value, ndim=0)
    if is_known(value):
        check_positive(name, float(value))
    return value
