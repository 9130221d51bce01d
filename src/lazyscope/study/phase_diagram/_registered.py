"""Which studies of planes are there?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from lazyscope.study._protocol import AbstractStudy, Power, Runs

if TYPE_CHECKING:
    import xarray as xr

    from lazyscope.study.phase_diagram._three_layer import ThreeLayerSettings
    from lazyscope.study.phase_diagram._two_layer import TwoLayerSettings
    from lazyscope.sweep import SweepDesign


@final
class TwoLayerStudy(AbstractStudy["TwoLayerSettings"]):
    """The (gamma, gamma') phase diagram of two-layer ReLU networks, with a page to look into.

    Exponents are measured at virtual widths to 10^30, and drawn cells at real widths beside them; --widths
    takes real ones everywhere. More values of an axis cost only the runs that are new.

    Example: `lazyscope study two-layer --output two-layer`
    """

    name = "two-layer"

    @property
    def settings(self) -> "type[TwoLayerSettings]":
        """Axes gamma and gamma'."""
        from lazyscope.study.phase_diagram._two_layer import TwoLayerSettings

        return TwoLayerSettings

    def designs(self, settings: "TwoLayerSettings") -> "Mapping[str, SweepDesign]":
        """One sweep over the plane; at virtual widths another one of drawn cells at real widths."""
        return settings.designs()

    def power(self, settings: "TwoLayerSettings") -> "Sequence[Power]":
        """Exponents drawn around the law's, and half a step away."""
        from lazyscope.study.phase_diagram._power import power_of_plane

        return tuple(power_of_plane(settings))

    def judge(self, settings: "TwoLayerSettings", runs: Runs) -> dict[str, Any]:
        """Exponents of every cell against the law's."""
        from lazyscope.study.phase_diagram._judge import judge_plane
        from lazyscope.study.phase_diagram._two_layer import TITLE

        return judge_plane(settings, runs, title=TITLE)

    def page(self, result: Mapping[str, Any], runs: Runs, path: Path) -> Path:
        """A map to look into."""
        return _map_page(result, runs, path)


@final
class ThreeLayerStudy(AbstractStudy["ThreeLayerSettings"]):
    """A phase diagram of three-layer ReLU networks, each layer with a map of its own.

    The axes are the exponents of alpha_1 and alpha_2. Widths are virtual as in two-layer, unless --widths
    gives real ones.

    Example: `lazyscope study three-layer --output three-layer`
    """

    name = "three-layer"

    @property
    def settings(self) -> "type[ThreeLayerSettings]":
        """Axes alpha_1 and alpha_2."""
        from lazyscope.study.phase_diagram._three_layer import ThreeLayerSettings

        return ThreeLayerSettings

    def designs(self, settings: "ThreeLayerSettings") -> "Mapping[str, SweepDesign]":
        """One sweep over the plane; at virtual widths another one of drawn cells at real widths."""
        return settings.designs()

    def power(self, settings: "ThreeLayerSettings") -> "Sequence[Power]":
        """Exponents drawn around the law's, and half a step away."""
        from lazyscope.study.phase_diagram._power import power_of_plane

        return tuple(power_of_plane(settings))

    def judge(self, settings: "ThreeLayerSettings", runs: Runs) -> dict[str, Any]:
        """Exponents of every cell and layer against the law's."""
        from lazyscope.study.phase_diagram._judge import judge_plane
        from lazyscope.study.phase_diagram._three_layer import TITLE

        return judge_plane(settings, runs, title=TITLE)

    def page(self, result: Mapping[str, Any], runs: Runs, path: Path) -> Path:
        """A map to look into, for every layer."""
        return _map_page(result, runs, path)


def _map_page(result: Mapping[str, Any], runs: Runs, path: Path) -> Path:
    if "boundaries" in result:
        from lazyscope.study.phase_diagram._plane_runs import runs_on_plane
        from lazyscope.study.phase_diagram.page._study import stored_json
        from lazyscope.study.phase_diagram.page._virtual import write_plane_page

        def plane(axes: Sequence[tuple[str, Any]]) -> "xr.Dataset":
            sizes = {name: result["settings"][name] for name in ("num_widths", "seeds")}
            return runs_on_plane(runs["runs"], axes, **sizes)

        designs = (stored_json(runs[name], "design") for name in ("real", "narrow") if name in runs)
        return write_plane_page(result, plane, path, others=[each for each in designs if each])
    from lazyscope.study.phase_diagram.page._page import write_map_page
    from lazyscope.study.phase_diagram.page._study import estimates_of

    return write_map_page(runs["runs"], estimates_of(result), path)
