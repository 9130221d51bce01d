"""Does the loss fall at the rate that the theorem guarantees, whatever the scheme?"""

import warnings
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any

import numpy as np
import xarray as xr

from lazyscope._provenance import versions
from lazyscope.data import Dataset
from lazyscope.flow import one_lapack_thread
from lazyscope.model import architecture
from lazyscope.scaling import Scheme
from lazyscope.study._guarantee import Bound
from lazyscope.study._hopeless import HopelessWarning, without_bound
from lazyscope.study.theorem._bound import bound_limits, bound_table
from lazyscope.study.theorem._kernel import Start, kernel_convergence, normalised_kernels
from lazyscope.study.theorem._records import told_runs
from lazyscope.study.theorem._settings import TheoremCell, TheoremSettings
from lazyscope.study.theorem._threshold import thresholds
from lazyscope.study.theorem._verdict import judge
from lazyscope.study.theorem.page._format import FORMAT


def judge_theorem(settings: TheoremSettings, stores: Mapping[str, xr.Dataset]) -> dict[str, Any]:
    """The result of a theorem study from its opened stores; nothing is trained.

    Networks are drawn, to see their kernels approach the limit.

    Args:
        settings: of the study.
        stores: what `open_store` gives of the runs of ``settings.designs()``, by the same names.

    Returns:
        A dict ready for JSON: ``settings``; ``lambda_s``, the smallest eigenvalue of the normalised
        limit kernels, with that of every layer; ``runs`` and loss ``curves`` of the first seed;
        ``bounds`` and ``limits`` (see `bound_table`, `bound_limits`); ``kernels`` (see
        `kernel_convergence`); ``thresholds``; the ``verdict``. The ``timing`` is not known.

    Raises:
        InputError: data that cannot be read, or points that repeat: lambda_S is zero then.

    Reference: Li, Luo & Zhou 2024 (arXiv 2404.04859).
    """
    data = settings.points()
    bound = Bound(data, settings.depth, settings.activation, settings.model)
    runs = list(told_runs(settings, data, bound, stores))
    with one_lapack_thread():
        kernels = _kernels(settings, data, bound)
    named = [r for r in runs if r["kind"] == "scheme"]
    spread = [r for r in runs if r["kind"] == "spread"]
    estimates = {
        "lambda_s": bound.lambda_record(),
        "bounds": bound_table(settings, named),
        "limits": bound_limits(settings, named, [] if kernels is None else kernels["starts"]),
        "kernels": kernels,
        "thresholds": thresholds(settings, spread),
    }
    return {
        "study": "theorem",
        "format": FORMAT,
        "lazyscope": versions()["lazyscope"],
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "settings": _settings_record(settings, data),
        **estimates,
        "curves": [_curve(r) for r in runs if r["seed"] == 0],
        "bound_curve": bound_curve(settings.stop),
        "runs": [{key: value for key, value in r.items() if key != "curve"} for r in runs],
        "verdict": judge(settings, estimates, runs),
        "timing": {"total_seconds": None},
    }


def warn_of_missing_bounds(settings: TheoremSettings) -> None:
    """Say before the runs which schemes have no bound that their rates could be held against.

    Warns:
        HopelessWarning: theta-lazy schemes for which the limit kernels give no bound, so that the
            verdict stays undecided or is against the theorem.
    """
    data = settings.points()
    bound = Bound(data, settings.depth, settings.activation, settings.model)

    def rate(name: str, width: int) -> float | None:
        cell = TheoremCell("scheme", name, None, width, 0)
        return bound.rate(settings.network(data, cell)[1], width)

    without = without_bound(settings, settings.lazy_schemes(), rate)
    if without:
        warnings.warn(
            f"the study cannot support the theorem, since these schemes have a bound at fewer than three "
            f"widths for {settings.activation} networks on these points: {', '.join(without)}; leave them "
            "out, or use relu",
            HopelessWarning,
            stacklevel=6,
        )


def _kernels(settings: TheoremSettings, data: Dataset, bound: Bound) -> dict[str, Any] | None:
    """Kernels at the start against their limits; None where no scheme has one at every width.

    Where normalised kernels do not depend on the scheme, one draw with scales of one serves all.
    """
    widths = [*sorted(settings.widths), 2 * max(settings.widths)]
    networks = {m: bound.network(m) for m in widths}

    @lru_cache(maxsize=1)
    def of_all(width: int, seed: int) -> np.ndarray:
        ones = Scheme.at_width(width, alpha=[1.0] * len(networks[width].layers))
        return normalised_kernels(networks[width], data.x_train, ones, seed)

    starts = {}
    for name in settings.schemes:
        rows = []
        for width in widths:
            cell = TheoremCell("scheme", name, None, width, 0)
            scheme = settings.network(data, cell)[1]
            found = bound.shares(scheme, width)
            if found is None:
                break
            given = networks[width], data.x_train, scheme
            draw = (
                partial(of_all, width) if bound.one_for_all else partial(normalised_kernels, *given)
            )
            rows.append(Start(found.kernels, bound.weights(scheme, width), draw))
        if len(rows) == len(widths):
            starts[name] = rows
    if not starts:
        return None
    return kernel_convergence(starts, widths=widths, seeds=settings.kernel_seeds)


def bound_curve(stop: float) -> dict[str, list[float]]:
    """The bound as a curve, exp(-x) with x the time in its own units, down to a loss fraction."""
    levels = np.geomspace(1e-6, -np.log(stop), 200)
    return {"scaled_time": levels.tolist(), "fraction": np.exp(-levels).tolist()}


def _curve(run: dict[str, Any]) -> dict[str, Any]:
    """The loss of one run over its start, against time in units of the bound."""
    kept = {key: run[key] for key in ("kind", "name", "kappa", "width", "bound")}
    times, losses = (np.asarray(run["curve"][key]) for key in ("time", "loss"))
    scaled = (run["bound"] * times).tolist() if run["bound"] else []
    return kept | {"scaled_time": scaled, "fraction": (losses / losses[:1]).tolist()}


def _settings_record(settings: TheoremSettings, data: Dataset) -> dict[str, Any]:
    plain = {f.name: getattr(settings, f.name) for f in fields(settings)}
    lists = ("schemes", "widths", "spreads", "kappas", "threshold_widths")
    return plain | {
        **{name: list(plain[name]) for name in lists},
        "target": settings.target or "by the labels",
        "num_outputs": data.y_train.shape[1],
        "network": architecture(settings.model).words.format(
            depth=settings.depth, activation=settings.activation
        ),
        "description": list(data.description),
        "digest": data.summary()["digest"],
        "method": "exponential flow",
        "versions": versions(),
    }
