"""How is each study run by one call from the top of the package?"""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from lazyscope._checks import InputError, check_choice
from lazyscope.study._protocol import AbstractStudy
from lazyscope.study._registry import find_study
from lazyscope.study._run import StudyRun, run_study
from lazyscope.study.condensation._settings import CondensationSettings
from lazyscope.study.coordinates._settings import CoordinateSettings
from lazyscope.study.kappa._settings import KappaSettings
from lazyscope.study.narrow_proxy._settings import NarrowProxySettings
from lazyscope.study.output_scale._settings import OutputScaleSettings
from lazyscope.study.phase_diagram._three_layer import ThreeLayerSettings
from lazyscope.study.phase_diagram._two_layer import TwoLayerSettings
from lazyscope.study.random_schemes._settings import RandomSchemesSettings
from lazyscope.study.theorem._settings import TheoremSettings


def run_condensation_study(
    settings: CondensationSettings | Mapping[str, Any] | None = None,
    folder: str | Path | None = None,
    **how: Any,
) -> StudyRun:
    """How few directions do input weights take, over gamma and gamma'?

    Args:
        settings: what to run; fields by name, such as ``{"seeds": 4}``, become the settings; the defaults
            unless given.
        folder: of the stores, the file and the page; that of the command ``lazyscope study`` unless given.
        **how: the other arguments of `lazyscope.study.judge_study`, such as ``show_progress``.

    Raises:
        InputError: settings that make no study, or a folder that cannot be written.
        MissingRunsError: runs ended with an exception, and without them nothing could be judged.
    """
    return _run("condensation", settings, folder, how)


def run_coordinates_study(
    settings: CoordinateSettings | Mapping[str, Any] | None = None,
    folder: str | Path | None = None,
    **how: Any,
) -> StudyRun:
    """Is a parametrisation that of its scheme, for networks of your own?

    As `run_condensation_study`.
    """
    return _run("coordinates", settings, folder, how)


def run_kappa_study(
    settings: KappaSettings | Mapping[str, Any] | None = None,
    folder: str | Path | None = None,
    **how: Any,
) -> StudyRun:
    """Does displacement fall as 1 / kappa, whatever makes kappa large?

    As `run_condensation_study`.
    """
    return _run("kappa", settings, folder, how)


def run_narrow_proxy_study(
    settings: NarrowProxySettings | Mapping[str, Any] | None = None,
    folder: str | Path | None = None,
    **how: Any,
) -> StudyRun:
    """What do narrow networks tell of a wide one?

    As `run_condensation_study`.
    """
    return _run("narrow-proxy", settings, folder, how)


def run_output_scale_study(
    settings: OutputScaleSettings | Mapping[str, Any] | None = None,
    folder: str | Path | None = None,
    **how: Any,
) -> StudyRun:
    """Where does a factor on the output cross over to lazy training?

    As `run_condensation_study`.
    """
    return _run("output-scale", settings, folder, how)


def run_random_schemes_study(
    settings: RandomSchemesSettings | Mapping[str, Any] | None = None,
    folder: str | Path | None = None,
    **how: Any,
) -> StudyRun:
    """Do schemes drawn at random move as the law says?

    As `run_condensation_study`.
    """
    return _run("random-schemes", settings, folder, how)


def run_theorem_study(
    settings: TheoremSettings | Mapping[str, Any] | None = None,
    folder: str | Path | None = None,
    **how: Any,
) -> StudyRun:
    """From which kappa on do the bounds of the theorem hold?

    As `run_condensation_study`.
    """
    return _run("theorem", settings, folder, how)


def run_three_layer_study(
    settings: ThreeLayerSettings | Mapping[str, Any] | None = None,
    folder: str | Path | None = None,
    **how: Any,
) -> StudyRun:
    """The phase diagram of two hidden layers.

    As `run_condensation_study`.
    """
    return _run("three-layer", settings, folder, how)


def run_two_layer_study(
    settings: TwoLayerSettings | Mapping[str, Any] | None = None,
    folder: str | Path | None = None,
    **how: Any,
) -> StudyRun:
    """The phase diagram of one hidden layer.

    As `run_condensation_study`.
    """
    return _run("two-layer", settings, folder, how)


def _run(
    name: str,
    settings: Any,
    folder: str | Path | None,
    how: dict[str, Any],
) -> StudyRun:
    study = find_study(name)
    if settings is None or isinstance(settings, Mapping):
        settings = _made(study, dict(settings or {}))
    return run_study(study, settings, study.folder or name if folder is None else folder, **how)


def _made(study: AbstractStudy[Any], given: dict[str, Any]) -> Any:
    """Settings of some of their fields, or a refusal of names that are none and of needed ones left out."""
    known = {field.name: field for field in fields(study.settings)}
    for each in given:
        check_choice("setting", each, known)
    needed = [n for n, f in known.items() if f.default is MISSING and f.default_factory is MISSING]
    missing = [each for each in needed if each not in given]
    if missing:
        raise InputError(
            f"the study {study.name} needs {', '.join(needed)}",
            received=", ".join(given) or "no settings",
            cause="a study of networks of your own, or of data that have no default",
            fix=f"give {study.settings.__name__}(..) or a dict with {', '.join(missing)}",
        )
    return study.given(**given)
