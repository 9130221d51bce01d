"""Which parametrisation does a user's network have, and is it the one that it should have, as a record?"""

from typing import Any

from lazyscope.data import load_dataset
from lazyscope.study.coordinates._find import find_build
from lazyscope.study.coordinates._settings import CoordinateSettings
from lazyscope.study.coordinates._study import coordinate_check

TITLE = "Which parametrisation does this network have over its widths?"


def judge_coordinates(settings: CoordinateSettings) -> dict[str, Any]:
    """`CoordinateCheck.to_json` of the network that the settings name, and a verdict."""
    found = find_build(settings.build)
    points = load_dataset(
        settings.data,
        num_points=settings.num_points,
        num_test=0,
        target=settings.target,  # pyright: ignore[reportArgumentType]
        normalise=not settings.raw_inputs,
    )
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
