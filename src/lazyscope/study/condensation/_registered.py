"""Which study of condensation is there?"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from lazyscope.study._protocol import AbstractStudy, Runs

if TYPE_CHECKING:
    from lazyscope.study.condensation._settings import CondensationSettings
    from lazyscope.sweep import SweepDesign


@final
class CondensationStudy(AbstractStudy["CondensationSettings"]):
    """The map of condensation over (gamma, gamma'): how few directions do the input weights take?

    A click on a cell of the page shows its weights before, early and after.

    Example: `lazyscope study condensation --output condensation`

    Example: `lazyscope study condensation --gamma 0.5,1,1.75 --gamma-prime -0.25,0.25 --output quick`
    """

    name = "condensation"

    @property
    def settings(self) -> "type[CondensationSettings]":
        """Axes gamma and gamma', and when the initial stage ends."""
        from lazyscope.study.condensation._settings import CondensationSettings

        return CondensationSettings

    def designs(self, settings: "CondensationSettings") -> "Mapping[str, SweepDesign]":
        """One sweep, in which every run is made to both ends."""
        return {"runs": settings.design()}

    def judge(self, settings: "CondensationSettings", runs: Runs) -> dict[str, Any]:
        """Order parameters on both sides of the boundary."""
        from lazyscope.study.condensation._judge import judge_condensation

        return judge_condensation(runs["runs"], num_directions=settings.num_directions)

    def page(self, result: Mapping[str, Any], runs: Runs, path: Path) -> Path:
        """The map of the order parameter."""
        from lazyscope.study.condensation._stages import staged_runs
        from lazyscope.study.condensation.page._page import write_condensation_page
        from lazyscope.study.phase_diagram.page._study import estimates_of

        return write_condensation_page(staged_runs(runs["runs"]), estimates_of(result), path)
