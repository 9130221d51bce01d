"""Which study of a user's wide network is there?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, final

from lazyscope.study._protocol import AbstractStudy, Runs

if TYPE_CHECKING:
    from lazyscope.report.parts import Table
    from lazyscope.study.narrow_proxy._settings import NarrowProxySettings
    from lazyscope.sweep import SweepDesign


@final
class NarrowProxyStudy(AbstractStudy["NarrowProxySettings"]):
    """A wide network, predicted by narrow ones with its scales: loss, displacements and regime.

    BUILD returns (apply, params), (apply, params, groups, rates), an Equinox or a Flax NNX module, a PyTorch
    module, or (module, groups, rates) with one. The wide network is drawn, not trained; --verify trains it
    as well and judges the prediction. Finished trainings stay in DIR/trainings.

    Example: `lazyscope proxy my_model:build --width 4096 --data digits --lr 1e-3 --steps 500 --output wide`

    Example: `lazyscope proxy my_model:build --width 4096 --optimizer momentum --lr 0.02 --stability`

    Example: `lazyscope study narrow-proxy my_model:build --width 1024 --proxy-widths 64,128,256 --verify`
    """

    name = "narrow-proxy"
    also: ClassVar[Mapping[str, tuple[str, ...]]] = {"rate": ("--lr",)}

    @property
    def settings(self) -> "type[NarrowProxySettings]":
        """A function that builds networks, widths, and a training."""
        from lazyscope.study.narrow_proxy._settings import NarrowProxySettings

        return NarrowProxySettings

    def designs(self, settings: "NarrowProxySettings") -> "Mapping[str, SweepDesign]":
        """None: what a user's function builds cannot be sent to workers."""
        return {}

    def judge(self, settings: "NarrowProxySettings", runs: Runs) -> dict[str, Any]:
        """Train narrow networks and read the wide one's numbers off them."""
        return self.judge_in(settings, runs, None)

    def judge_in(
        self, settings: "NarrowProxySettings", runs: Runs, folder: Path | None
    ) -> dict[str, Any]:
        """The same, with finished trainings in the folder."""
        from lazyscope.study.narrow_proxy._judge import judge_narrow_proxy

        return judge_narrow_proxy(settings, folder)

    def page(self, result: Mapping[str, Any], runs: Runs, path: Path) -> Path:
        """The loss, and the arrays as a table."""
        from lazyscope.study.narrow_proxy.page._page import write_narrow_proxy_page

        return write_narrow_proxy_page(result, path)

    def tables(self, result: Mapping[str, Any]) -> "Sequence[Table]":
        """The arrays."""
        from lazyscope.study.narrow_proxy.page._page import array_table

        return [array_table(result)]

    def words(self, result: Mapping[str, Any]) -> Sequence[str]:
        """What it cost, and what to know."""
        from lazyscope.study.narrow_proxy.page._page import proxy_words

        return proxy_words(result)
