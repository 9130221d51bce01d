"""Which study of a user's networks is there?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from lazyscope.study._protocol import AbstractStudy, Runs

if TYPE_CHECKING:
    from lazyscope.report.parts import Table
    from lazyscope.study.coordinates._settings import CoordinateSettings
    from lazyscope.sweep import SweepDesign


@final
class CoordinatesStudy(AbstractStudy["CoordinateSettings"]):
    """A coordinate check with a verdict: kappa, regime of every layer, and what would change them.

    BUILD returns (apply, params), (apply, params, groups, rates), an Equinox or a Flax NNX module, a PyTorch
    module, or (module, groups, rates) with one. Inputs come as rows. The networks are the user's and
    are not kept: the check is made again each time. `lazyscope check` is the same without a folder.

    Example: `lazyscope study coordinates my_model:build --data digits --expect mup --output my-model`
    """

    name = "coordinates"

    @property
    def settings(self) -> "type[CoordinateSettings]":
        """A function that builds networks, and widths."""
        from lazyscope.study.coordinates._settings import CoordinateSettings

        return CoordinateSettings

    def designs(self, settings: "CoordinateSettings") -> "Mapping[str, SweepDesign]":
        """None: what a user's function builds cannot be kept or sent to workers."""
        return {}

    def judge(self, settings: "CoordinateSettings", runs: Runs) -> dict[str, Any]:
        """Draw the networks, take their first steps, and fit."""
        from lazyscope.study.coordinates._judge import judge_coordinates

        return judge_coordinates(settings)

    def page(self, result: Mapping[str, Any], runs: Runs, path: Path) -> Path:
        """The figure, and the layers as a table."""
        from lazyscope.study.coordinates.page._page import write_coordinates_page

        return write_coordinates_page(result, path)

    def tables(self, result: Mapping[str, Any]) -> "Sequence[Table]":
        """The layers."""
        from lazyscope.study.coordinates.page._page import told_table

        return [told_table(result)]

    def words(self, result: Mapping[str, Any]) -> Sequence[str]:
        """Kappa, and what would change the regime."""
        from lazyscope.study.coordinates.page._page import check_words

        return [one for one in check_words(result) if one not in result["verdict"]["remarks"]]
