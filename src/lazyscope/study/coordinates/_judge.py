"""Which parametrisation does a user's network have, and is it the one that it should have, as a record?"""

from typing import Any

from lazyscope._estimate import Answer
from lazyscope.data import load_dataset
from lazyscope.study._protocol import stated
from lazyscope.study.coordinates._find import find_build
from lazyscope.study.coordinates._record import SCHEME_NAMES, CoordinateCheck
from lazyscope.study.coordinates._settings import CoordinateSettings
from lazyscope.study.coordinates._study import coordinate_check
from lazyscope.study.coordinates.trained._record import TrainedCheck

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
    found = (
        check.verdict(settings.expect)
        if isinstance(check, TrainedCheck)
        else verdict(check, settings.expect)
    )
    return {**check.to_json(), "title": TITLE, "verdict": found}


def verdict(check: CoordinateCheck, expected: str | None) -> dict[str, Any]:
    """Whether the network has the expected parametrisation; without one, whether its regime is decided.

    An expected one is supported where it alone is left of those that the check tells apart,
    contradicted where it is ruled out, and undecided where others fit as well, or where there is no readout.
    """
    if expected is None:
        answer: Answer = "undecided" if check.regime == "undecided" else "supported"
        return stated(answer, f"Its regime is {check.regime}. {check.sentence}")
    name = SCHEME_NAMES[expected]
    if not check.readout:
        return stated("undecided", f"Whether it is {name} cannot be said. {check.sentence}")
    if expected not in check.schemes:
        return stated("contradicted", f"It is not {name}. {check.sentence}")
    answer = "supported" if check.schemes == (expected,) else "undecided"
    return stated(answer, f"{name} fits. {check.sentence}")
