"""Which study of kappa is there?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, final

from lazyscope.study._protocol import AbstractStudy, Power, Runs

if TYPE_CHECKING:
    from lazyscope.report.parts import Table
    from lazyscope.study.kappa._settings import KappaSettings
    from lazyscope.sweep import SweepDesign


@final
class KappaStudy(AbstractStudy["KappaSettings"]):
    """The paper's message on real data: largest displacement against kappa, whatever the scheme.

    Every spread of kappa over the layers is trained at every kappa, width and seed. Kappas that are not given
    are chosen by forecasts, so that training is lazy at the four largest. What else is not given takes the
    default of the model and its activation; those shown are of dense networks with ReLU.

    Example: `lazyscope study kappa --output lazyscope-study-kappa`

    Example: `lazyscope study kappa --model convolution --output kappa-convolution`

    Example: `lazyscope study kappa --widths 64,128 --seeds 2 --output quick`
    """

    name = "kappa"
    folder = "lazyscope-study-kappa"
    earlier: ClassVar = {"shapes": "spreads"}

    @property
    def settings(self) -> "type[KappaSettings]":
        """Architecture, spreads, kappas and widths."""
        from lazyscope.study.kappa._settings import KappaSettings

        return KappaSettings

    def given(self, **values: Any) -> "KappaSettings":
        """What is given, and for the rest what suits the architecture."""
        from lazyscope.study.kappa._settings import kappa_settings

        return kappa_settings(**values)

    def decided(self, settings: "KappaSettings") -> "KappaSettings":
        """Kappas from forecasts, unless given."""
        from lazyscope.study.kappa._kappas import with_kappas

        return with_kappas(settings)

    def designs(self, settings: "KappaSettings") -> "Mapping[str, SweepDesign]":
        """One sweep."""
        return {"runs": settings.design()}

    def look_ahead(self, settings: "KappaSettings") -> None:
        """Initial networks tell which spreads cannot be judged."""
        from lazyscope.study.kappa._study import warn_of_hopeless_spreads

        warn_of_hopeless_spreads(settings)

    def power(self, settings: "KappaSettings") -> Sequence[Power]:
        """Slopes drawn around -1, and half a step away."""
        from lazyscope.study.kappa._power import power_of_kappa

        return tuple(power_of_kappa(settings))

    def judge(self, settings: "KappaSettings", runs: Runs) -> dict[str, Any]:
        """Slopes of the displacement in kappa."""
        from lazyscope.study.kappa._study import judge_kappa

        return judge_kappa(settings, runs["runs"])

    def page(self, result: Mapping[str, Any], runs: Runs, path: Path) -> Path:
        """Displacement, loss, forecast and rates against kappa."""
        from lazyscope.study.kappa.page._page import write_kappa_page

        return write_kappa_page(result, path)

    def tables(self, result: Mapping[str, Any]) -> "Sequence[Table]":
        """Slopes."""
        from lazyscope.study.kappa.page._summary import fit_summary

        return [fit_summary(result)]

    def words(self, result: Mapping[str, Any]) -> Sequence[str]:
        """Runs that failed."""
        from lazyscope.study.kappa.page._summary import failed_words

        return failed_words(result)
