"""Which parametrisation does a user's network have, and is it the one that it should have, as a record?"""

from typing import Any

from lazyscope.study.coordinates._find import find_build
from lazyscope.study.coordinates._points import points_of, rows_explained
from lazyscope.study.coordinates._settings import CoordinateSettings
from lazyscope.study.coordinates._study import coordinate_check

TITLE = "Which parametrisation does this network have over its widths?"


def judge_coordinates(settings: CoordinateSettings) -> dict[str, Any]:
    """`CoordinateCheck.to_json` of the network that the settings name, and a verdict."""
    found = find_build(settings.build)
    points = points_of(settings)
    with rows_explained(settings):
        check = coordinate_check(
            found,
            points,
            settings.widths,
            settings.seeds,
            steps=settings.steps,
            readout=settings.readout,
            **settings.training(),
        )
    return {**check.to_json(), "title": TITLE, "verdict": check.verdict(settings.expect)}
