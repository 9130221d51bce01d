"""Which study of the theorem is there?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from lazyscope.study._protocol import AbstractStudy, Runs

if TYPE_CHECKING:
    from lazyscope.report.parts import Table
    from lazyscope.study.theorem._settings import TheoremSettings
    from lazyscope.sweep import SweepDesign


@final
class TheoremStudy(AbstractStudy["TheoremSettings"]):
    """The theorem on real data: its bound, the rate of K(0), the measured rate and the threshold.

    Named schemes are trained at their own kappa over widths, and spreads of kappa over kappas, widths
    and seeds. What is not given takes the default of the model; those shown are of dense networks.

    Example: `lazyscope study theorem --output lazyscope-study-theorem`

    Example: `lazyscope study theorem --model convolution --output theorem-convolution`

    Example: `lazyscope study theorem --widths 32,64,128 --threshold-widths 32,64,128 --seeds 2`
    """

    name = "theorem"
    folder = "lazyscope-study-theorem"

    @property
    def settings(self) -> "type[TheoremSettings]":
        """Schemes and spreads, and their widths."""
        from lazyscope.study.theorem._settings import TheoremSettings

        return TheoremSettings

    def given(self, **values: Any) -> "TheoremSettings":
        """What is given, and for the rest what suits the architecture."""
        from lazyscope.study.theorem._settings import theorem_settings

        return theorem_settings(**values)

    def designs(self, settings: "TheoremSettings") -> "Mapping[str, SweepDesign]":
        """One sweep over named schemes, one over spreads."""
        return settings.designs()

    def look_ahead(self, settings: "TheoremSettings") -> None:
        """The limit kernels tell which schemes have no bound."""
        from lazyscope.study.theorem._study import warn_of_missing_bounds

        warn_of_missing_bounds(settings)

    def judge(self, settings: "TheoremSettings", runs: Runs) -> dict[str, Any]:
        """Rates over the bound, and thresholds in kappa."""
        from lazyscope.study.theorem._study import judge_theorem

        return judge_theorem(settings, runs)

    def page(self, result: Mapping[str, Any], runs: Runs, path: Path) -> Path:
        """Rates against kappa and width."""
        from lazyscope.study.theorem.page._page import write_theorem_page

        return write_theorem_page(result, path)

    def tables(self, result: Mapping[str, Any]) -> "Sequence[Table]":
        """Rates and thresholds."""
        from lazyscope.study.theorem.page._summary import rate_table, threshold_table

        return [rate_table(result), threshold_table(result)]
