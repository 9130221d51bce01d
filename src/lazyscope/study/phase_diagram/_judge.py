"""What does a plane of stored runs say about the displacement law, as a record?"""

import json
from collections import Counter
from itertools import chain
from typing import Any

import numpy as np
import xarray as xr

from lazyscope._checks import FLOW
from lazyscope._estimate import Answer
from lazyscope.study._protocol import Runs, answer_of, stated
from lazyscope.study.phase_diagram._boundaries import boundaries
from lazyscope.study.phase_diagram._estimates import map_estimates
from lazyscope.study.phase_diagram._law import PlaneLaw
from lazyscope.study.phase_diagram._plane_runs import runs_on_plane
from lazyscope.study.phase_diagram._plane_settings import AbstractPlaneSettings
from lazyscope.study.phase_diagram._real_cells import beside_the_law
from lazyscope.study.phase_diagram._virtual_estimates import virtual_estimates

COVERAGE = 0.95
"""Share of the boundaries whose intervals have to contain the law's, for the law to be supported."""


def judge_plane(settings: AbstractPlaneSettings, runs: Runs, *, title: str) -> dict[str, Any]:
    """Exponents of every cell with the law's beside them, and whether their signs agree.

    Returns:
        ``title``; ``estimates`` as `stored_estimates` reads them; ``sign_check``; ``verdict``; at virtual
        widths also ``boundaries`` and ``real``, see `beside_the_law`, and ``outcomes`` of all runs.
    """
    if settings.method != FLOW:
        title = f"{title.removesuffix('?')} under {settings.method}?"
    if not settings.is_virtual:
        return _judged(map_estimates(runs["runs"], title=title), title)
    axes = [(axis, np.array(getattr(settings, axis))) for axis in settings.axes]
    plane = runs_on_plane(runs["runs"], axes, num_widths=settings.num_widths, seeds=settings.seeds)
    law = PlaneLaw(settings.described(), *axes)
    estimates = virtual_estimates(settings, plane, law, title=title)
    lines, real = boundaries(estimates, law), beside_the_law(settings, runs["real"], runs["narrow"])
    ends = [one["outcome"].values.ravel().astype(str).tolist() for one in runs.values()]
    verdict = _verdict(json.loads(estimates.attrs["sign_check"]), lines, real, settings)
    estimates = estimates.assign_attrs(verdict=json.dumps(verdict))
    return {
        **_judged(estimates, title),
        "verdict": verdict,
        "boundaries": lines,
        "real": real,
        "outcomes": dict(Counter(chain.from_iterable(ends))),
    }


def _judged(estimates: xr.Dataset, title: str) -> dict[str, Any]:
    check = json.loads(estimates.attrs["sign_check"])
    return {
        "title": title,
        "sign_check": check,
        "verdict": stated(answer_of(check["supported"]), check["sentence"]),
        "estimates": estimates_record(estimates),
    }


def answer_of_plane(supported: bool | None, lines: list[dict[str, Any]]) -> Answer:
    """Signs decide; boundaries that lie elsewhere leave it open."""
    answer = answer_of(supported)
    inside = sum(line["contained"] for line in lines)
    return "undecided" if answer == "supported" and inside < COVERAGE * len(lines) else answer


def _verdict(
    check: dict[str, Any],
    lines: list[dict[str, Any]],
    real: dict[str, Any],
    settings: AbstractPlaneSettings,
) -> dict[str, Any]:
    """The answer, with what it rests on in words."""
    inside = sum(line["contained"] for line in lines)
    half = np.median([line["high"] - line["low"] for line in lines]) / 2 if lines else np.nan
    widths = real["widths"]
    shown = (
        f"Slopes of {len(real['cells'])} drawn cells at real widths {widths[0]} to {widths[-1]} lie "
        f"{real['rms_of_limit']:.2g} (rms) from the exponents of the limit, {real['rms_of_law']:.2g} "
        f"from the slopes of the law at these widths and {real['rms_of_narrow']:.2g} from those of "
        f"networks of {settings.width} units that stand for them."
    )
    return stated(
        answer_of_plane(check["supported"], lines),
        f"{check['sentence']} {inside} of {len(lines)} boundaries, of median half-width {half:.2g}, have "
        "the law's in their interval.",
        [
            f"Networks of {settings.width} units stand for the virtual widths of every cell.",
            shown,
        ],
    )


def estimates_record(estimates: xr.Dataset) -> dict[str, Any]:
    """A dataset of estimates ready for JSON, whole: variables, coordinates and attributes."""
    return {
        "attrs": dict(estimates.attrs),
        **{
            kind: {
                str(name): {
                    "dims": list(held.dims),
                    "values": held.values,
                    "attrs": dict(held.attrs),
                }
                for name, held in variables.items()
            }
            for kind, variables in (
                ("coords", estimates.coords),
                ("variables", estimates.data_vars),
            )
        },
    }
