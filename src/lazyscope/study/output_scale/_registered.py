"""Which study of scaled outputs is there?"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from lazyscope.study._protocol import AbstractStudy, Runs

if TYPE_CHECKING:
    from lazyscope.study.output_scale._settings import OutputScaleSettings
    from lazyscope.sweep import SweepDesign


@final
class OutputScaleStudy(AbstractStudy["OutputScaleSettings"]):
    """The lazy/rich crossover of outputs scaled by alpha, over alpha and the width.

    More values of alpha, widths or seeds cost only the runs that are new.

    Example: `lazyscope study output-scale --output output-scale`

    Example: `lazyscope study output-scale --output quick --widths 32,128,512 --num-points 16`
    """

    name = "output-scale"

    @property
    def settings(self) -> "type[OutputScaleSettings]":
        """Scales in front of the network, and widths."""
        from lazyscope.study.output_scale._settings import OutputScaleSettings

        return OutputScaleSettings

    def designs(self, settings: "OutputScaleSettings") -> "Mapping[str, SweepDesign]":
        """One sweep."""
        return {"runs": settings.design()}

    def judge(self, settings: "OutputScaleSettings", runs: Runs) -> dict[str, Any]:
        """The power of the width on which the crossover depends."""
        from lazyscope.study.output_scale._judge import judge_output_scale

        return judge_output_scale(runs["runs"])

    def page(self, result: Mapping[str, Any], runs: Runs, path: Path) -> Path:
        """Curves over alpha and over kappa."""
        from lazyscope.study.output_scale.page._page import write_output_scale_page

        return write_output_scale_page(result, path)
