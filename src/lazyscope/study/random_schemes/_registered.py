"""Which study of random schemes is there?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, final

from lazyscope.study._protocol import AbstractStudy, Power, Runs

if TYPE_CHECKING:
    from lazyscope.report.parts import Table
    from lazyscope.study.random_schemes._settings import RandomSchemesSettings
    from lazyscope.sweep import SweepDesign


@final
class RandomSchemesStudy(AbstractStudy["RandomSchemesSettings"]):
    """The displacement law for schemes that nobody chose: drawn at random, 1 to 4 hidden layers.

    Every layer's exponent is estimated from the runs alone and held against the law's; rms, coverage of the
    intervals and the worst schemes are told. Networks of 128 units stand for widths to 10^30, where the
    law's own corrections have decayed; --widths takes real ones. More schemes keep those of fewer.

    Example: `lazyscope study random-schemes --output random-schemes`

    Example: `lazyscope study random-schemes --data digits --schemes 8 --seed 3 --depths 1,2 --output quick`
    """

    name = "random-schemes"
    also: ClassVar = {"draw_seed": ("--seed",), "num_schemes": ("--schemes",)}

    @property
    def settings(self) -> "type[RandomSchemesSettings]":
        """How many schemes of which depth, and on what they are trained."""
        from lazyscope.study.random_schemes._settings import RandomSchemesSettings

        return RandomSchemesSettings

    def designs(self, settings: "RandomSchemesSettings") -> "Mapping[str, SweepDesign]":
        """One sweep for every depth."""
        return {f"depth-{depth}": settings.design(depth) for depth in settings.all_depths}

    def power(self, settings: "RandomSchemesSettings") -> Sequence[Power]:
        """Errors drawn for the schemes that will be run; nothing at real widths."""
        from lazyscope.study.random_schemes._power import power_of_random_schemes

        return tuple(power_of_random_schemes(settings))

    def judge(self, settings: "RandomSchemesSettings", runs: Runs) -> dict[str, Any]:
        """Exponents against the law's."""
        from lazyscope.study.random_schemes._judge import judge_random_schemes

        return judge_random_schemes(settings, runs)

    def page(self, result: Mapping[str, Any], runs: Runs, path: Path) -> Path:
        """Law against measurement."""
        from lazyscope.study.random_schemes.page._page import write_random_schemes_page

        return write_random_schemes_page(result, path)

    def tables(self, result: Mapping[str, Any]) -> "Sequence[Table]":
        """Numbers by depth."""
        from lazyscope.study.random_schemes.page._page import depth_table

        return [depth_table(result)]
