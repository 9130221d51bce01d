"""What is in a stored study of the theorem, and in which order is it shown?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from lazyscope.report.parts import (
    category_colors,
    category_markers,
    check_stored,
    ordered_colors,
)
from lazyscope.study.theorem.page._format import FORMAT

_PARTS = (
    "lazyscope",
    "created",
    "settings",
    "lambda_s",
    "runs",
    "curves",
    "bounds",
    "limits",
    "kernels",
    "thresholds",
    "verdict",
    "timing",
)
Record = Mapping[str, Any]


@final
@dataclass(frozen=True)
class TheoremRecord:
    """A stored study with its schemes, spreads, kappas and widths in order, and the looks of each."""

    stored: Record
    schemes: tuple[str, ...]
    spreads: tuple[str, ...]
    kappas: tuple[float, ...]
    widths: tuple[int, ...]
    threshold_widths: tuple[int, ...]
    scheme_colors: Mapping[str, str]
    scheme_markers: Mapping[str, str]
    spread_colors: Mapping[str, str]
    kappa_colors: Mapping[float, str]

    @property
    def failed(self) -> Sequence[Record]:
        """The runs that did not reach the asked loss."""
        return [run for run in self.stored["runs"] if run["outcome"] != "converged"]

    def of_kind(self, kind: str) -> Sequence[Record]:
        """The runs of named schemes, or of spreads of a given kappa."""
        return [run for run in self.stored["runs"] if run["kind"] == kind]


def read_theorem_study(result: Record) -> TheoremRecord:
    """Arrange a stored result for showing.

    Args:
        result: the stored JSON object of a study of the theorem, format 1.

    Raises:
        InputError: it is another study, another format, or a part is missing.
    """
    check_stored(result, "theorem", formats=(FORMAT,), parts=_PARTS)
    settings = result["settings"]
    schemes, spreads = tuple(settings["schemes"]), tuple(settings["spreads"])
    kappas = tuple(sorted(float(kappa) for kappa in settings["kappas"]))
    return TheoremRecord(
        stored=result,
        schemes=schemes,
        spreads=spreads,
        kappas=kappas,
        widths=tuple(sorted(settings["widths"])),
        threshold_widths=tuple(sorted(settings["threshold_widths"])),
        scheme_colors=category_colors(schemes),
        scheme_markers=category_markers(schemes),
        spread_colors=category_colors(spreads),
        kappa_colors=ordered_colors(kappas),
    )
