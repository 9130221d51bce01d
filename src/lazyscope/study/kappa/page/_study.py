"""What is in a stored study of kappa, and in which order is it shown?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from lazyscope._checks import OPTIMISERS
from lazyscope.report.parts import (
    category_colors,
    category_markers,
    check_stored,
    ordered_colors,
)

FORMATS = (1, 2)
_PARTS = (
    "lazyscope",
    "created",
    "settings",
    "runs",
    "curves",
    "test_outputs",
    "fits",
    "collapse",
    "schemes",
    "verdict",
    "timing",
)
Run = Mapping[str, Any]


@final
@dataclass(frozen=True)
class KappaRecord:
    """A stored study with its shapes, widths, kappas and groups in order, and the looks of each."""

    stored: Mapping[str, Any]
    shapes: tuple[str, ...]
    widths: tuple[int, ...]
    kappas: tuple[float, ...]
    groups: tuple[str, ...]
    shape_colors: Mapping[str, str]
    kappa_colors: Mapping[float, str]
    width_markers: Mapping[int, str]

    @property
    def runs(self) -> Sequence[Run]:
        """Every run, failed ones included."""
        return self.stored["runs"]

    @property
    def num_layers(self) -> int:
        """Number of groups of parameters."""
        return len(self.groups)

    @property
    def weighed(self) -> Mapping[str, Any] | None:
        """The judgement of displacements times leverage, where groups differ in it."""
        return self.stored.get("weighed")

    @property
    def has_bounds(self) -> bool:
        """Whether the theorem has a rate for these networks."""
        return any(run["decay_rate"]["bound"] is not None for run in self.runs)

    @property
    def optimiser(self) -> str | None:
        """What trained in small steps; None for gradient flow."""
        method = str(self.stored["settings"].get("method", ""))
        return method if method in OPTIMISERS else None

    @property
    def failed(self) -> Sequence[Run]:
        """The runs that did not reach the asked loss."""
        return [run for run in self.runs if run["outcome"] != "converged"]

    @property
    def fits(self) -> Mapping[str, Mapping[str, Any]]:
        """The fitted slope of each shape."""
        return {fit["shape"]: fit for fit in self.stored["fits"]}

    def group(self, shape: str, width: int) -> Sequence[Run]:
        """The runs of one shape at one width."""
        return [run for run in self.runs if run["shape"] == shape and run["width"] == width]


def read_kappa_study(result: Mapping[str, Any]) -> KappaRecord:
    """Arrange a stored result for showing.

    Args:
        result: the stored JSON object of a kappa study, format 1 or 2, which calls shapes spreads.

    Raises:
        InputError: it is another study, another format, or a part is missing.
    """
    check_stored(result, "kappa", formats=FORMATS, parts=_PARTS)
    if result["format"] == FORMATS[-1]:
        result = _with_shapes(result)
    runs = result["runs"]
    shapes = tuple(dict.fromkeys(run["shape"] for run in runs))
    widths = tuple(sorted({run["width"] for run in runs}))
    kappas = tuple(sorted({float(run["kappa"]) for run in runs}))
    return KappaRecord(
        stored=result,
        shapes=shapes,
        widths=widths,
        kappas=kappas,
        groups=_groups(result),
        shape_colors=category_colors(shapes),
        kappa_colors=ordered_colors(kappas),
        width_markers=category_markers(widths),
    )


def _with_shapes(stored: Any) -> Any:
    """The result with shapes where it has spreads."""
    names = {"spread": "shape", "spreads": "shapes"}
    if isinstance(stored, Mapping):
        return {names.get(key, key): _with_shapes(value) for key, value in stored.items()}
    return [_with_shapes(value) for value in stored] if isinstance(stored, list) else stored


def _groups(result: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the groups of parameters, in the order of the displacements."""
    named = result["settings"].get("groups")
    if named:
        return tuple(name[:1].upper() + name[1:] for name in named)
    count = max((len(run["alpha"]) for run in result["runs"]), default=0)
    return tuple(f"Layer {layer + 1}" for layer in range(count))
