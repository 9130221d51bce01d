"""What do narrow networks say of the wide one that the settings name, as a record with a verdict?"""

from pathlib import Path
from typing import Any

from lazyscope.proxy import (
    NarrowProxy,
    largest_stable_rate,
    narrow_proxy,
    predict_stability,
)
from lazyscope.study._protocol import stated
from lazyscope.study.coordinates._find import find_build
from lazyscope.study.coordinates._points import points_of, rows_explained
from lazyscope.study.narrow_proxy._settings import NarrowProxySettings

TITLE = "What will the wide network do?"
KEPT = "trainings"
"""Folder of finished trainings inside that of the study."""


def judge_narrow_proxy(settings: NarrowProxySettings, folder: Path | None) -> dict[str, Any]:
    """`NarrowProxy.to_json` of the network that the settings name, and a verdict."""
    points = points_of(settings)
    given = {
        "width": settings.width,
        "proxy_widths": settings.proxy_widths,
        "seeds": settings.seeds,
        **settings.training(),
    }
    build = find_build(settings.build)
    stability = None
    kept = None if folder is None else folder / KEPT
    with rows_explained(settings):
        if settings.stability:
            edge = largest_stable_rate(build, points, **given)
            at_rate = predict_stability(build, points, **given)
            stability = {**at_rate.to_json(), "largest_stable_rate": edge.as_json()}
        found = narrow_proxy(build, points, verify=settings.verify, folder=kept, **given)
    told = {"title": TITLE, "verdict": verdict(found), "stability": stability}
    return {**found.to_json(), **told}


def verdict(found: NarrowProxy) -> dict[str, Any]:
    """Whether the wide network did as predicted; where it was not trained, whether its regime is decided."""
    told = f"At width {found.width} its regime is {found.regime}. "
    if found.verification is not None:
        checked = found.verification.verdict
        return stated(checked.answer, told + checked.sentence)
    first, last = found.loss[0], found.loss[-1]
    if first.value is None or last.value is None:
        return stated(
            "undecided", "Proxies diverged: the rate is at the edge of stability or above."
        )
    goes = "falls" if last.value < first.value else "does not fall: it goes"
    told += f"Its loss {goes} from {first.value:.3g} to {last.value:.3g} [{last.low:.3g}, {last.high:.3g}]."
    return stated("undecided" if found.regime == "undecided" else "supported", told)
