"""Are questions that no number of runs could answer refused before any run is made?"""

import re

import pytest
from typer.testing import CliRunner

from lazyscope import InputError
from lazyscope.cli import app
from lazyscope.study import (
    CondensationSettings,
    HopelessWarning,
    KappaSettings,
    OutputScaleSettings,
    RandomSchemesSettings,
    TheoremSettings,
    ThreeLayerSettings,
    TwoLayerSettings,
    find_study,
    judge_study,
    kappa_settings,
)

QUICK = ["kappa", "--num-points", "6", "--num-test", "2", "--spreads", "balanced,small-readout"]
QUICK += ["--widths", "8", "--seeds", "3"]
MAPS = (TwoLayerSettings, ThreeLayerSettings, CondensationSettings, OutputScaleSettings)


@pytest.mark.parametrize("settings", MAPS)
def test_a_single_seed_gives_no_interval(settings):
    with pytest.raises(InputError, match=r"3 runs beyond one per width. Received: 1 seed at each"):
        settings(seeds=1)
    assert settings(seeds=2).seeds == 2


def test_random_schemes_need_a_second_seed_too():
    with pytest.raises(InputError, match="3 runs beyond one per width"):
        RandomSchemesSettings.at_real_widths(replicates=1)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: TwoLayerSettings(gamma=()), "Gamma must be at least 2 increasing numbers"),
        (lambda: TwoLayerSettings(widths=(4, 8)), "Widths must be at least 3 increasing numbers"),
        (lambda: KappaSettings(kappas=()), "Every kappa must be given once"),
        (
            lambda: KappaSettings(kappas=(8.0, 16.0, 32.0)),
            "A slope needs at least 4 values of kappa",
        ),
        (
            lambda: KappaSettings(widths=(64,), seeds=2),
            "3 pairs of width and seed.*use 3 seeds or more",
        ),
        (lambda: KappaSettings(widths=(64, 128), seeds=1), "use 2 seeds or more"),
        (
            lambda: TheoremSettings(threshold_widths=(64, 128)),
            "at least 3 values of threshold width",
        ),
        (lambda: KappaSettings(target="classs"), "Target must be one of"),
        (lambda: KappaSettings(centred="no"), "Centred must be True or False"),
        (lambda: OutputScaleSettings(output_scale=(0.0, 1.0)), "Output_scale must be above zero"),
        (lambda: OutputScaleSettings(activation="rellu"), "use 'relu'"),
        (lambda: OutputScaleSettings(scheme="ntkk"), "use 'ntk'"),
        (lambda: OutputScaleSettings(depth=0), "Depth must be a whole number of at least 1"),
        (lambda: RandomSchemesSettings(stop=2.0), "Stop fraction must lie strictly between"),
        (lambda: TheoremSettings(target="parrity"), "use 'parity'"),
        (
            lambda: TheoremSettings(schemes=("mup", "mean-field")),
            "needs a scheme that is theta-lazy.*mup, mean-field.*add 'ntk'",
        ),
    ],
)
def test_settings_that_make_no_study_are_refused_when_they_are_made(make, words):
    with pytest.raises(InputError, match=words):
        make()


def test_the_fewest_runs_that_can_decide_are_taken():
    few = {"kappas": (8.0, 16.0, 32.0, 64.0), "seeds": 1}
    assert KappaSettings(**few, widths=(16, 32, 64)).seeds == 1
    assert KappaSettings(**few | {"seeds": 3}, widths=(16,)).widths == (16,)
    assert TheoremSettings(threshold_widths=(8, 16, 32), seeds=2).threshold_widths == (8, 16, 32)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["kappa", "--kappas", "64,128"], "A slope needs at least 4 values of kappa"),
        (
            [*QUICK, "--kappas", "0.01,0.1,0.5,1"],
            "where every spread is expected to move by 0.5 of its size",
        ),
        (["kappa", "--widths", "64", "--seeds", "1"], "3 pairs of width and seed"),
        (["theorem", "--threshold-widths", "64"], "at least 3 values of threshold width"),
        (["theorem", "--schemes", "mup"], "needs a scheme that is theta-lazy"),
        (["theorem", "--seeds", "1"], "Seeds must be a whole number of at least 2"),
        (["two-layer", "--seeds", "1"], "3 runs beyond one per width"),
        (["three-layer", "--seeds", "1"], "3 runs beyond one per width"),
        (["output-scale", "--seeds", "1"], "3 runs beyond one per width"),
        (["condensation", "--seeds", "1"], "3 runs beyond one per width"),
    ],
)
def test_commands_refuse_them_and_leave_no_file(arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ended = CliRunner().invoke(app, ["study", *arguments])
    said = " ".join(ended.output.split())
    assert (ended.exit_code, words in said) == (2, True), said
    assert not list(tmp_path.iterdir())


FEW = {"num_points": 6, "num_test": 2, "widths": (8,), "seeds": 3}


def no_run(*unused, **also_unused):
    raise AssertionError("a run was made")


@pytest.mark.slow
@pytest.mark.parametrize("model", ["dense", "attention"])
def test_kappas_that_are_all_too_small_are_refused_before_any_run_with_one_that_is_not(
    model, monkeypatch, tmp_path
):
    monkeypatch.setattr("lazyscope.study._run.run_sweep", no_run)
    few = FEW | {"num_points": 4, "spreads": ("balanced",)}
    with pytest.raises(InputError, match="let the smallest of the 4 largest kappas be") as refused:
        judge_study(
            find_study("kappa"), kappa_settings(model, kappas=(0.1, 0.2, 0.4, 0.8), **few), tmp_path
        )
    least = float(re.search(r"largest kappas be ([0-9.]+) or more", str(refused.value))[1])
    larger = tuple(least * 2**k for k in range(4))
    with pytest.raises(AssertionError, match="a run was made"):
        judge_study(find_study("kappa"), kappa_settings(model, kappas=larger, **few), tmp_path)


def test_a_spread_that_no_run_can_decide_is_told_before_the_runs(monkeypatch, tmp_path):
    monkeypatch.setattr("lazyscope.study._run.run_sweep", no_run)
    settings = KappaSettings(
        **FEW, spreads=("balanced", "small-hidden"), kappas=(4.0, 8.0, 16.0, 32.0)
    )
    with (
        pytest.warns(HopelessWarning, match=r"stay undecided.*small-hidden \(kappa [0-9.]+\)$"),
        pytest.raises(AssertionError, match="a run was made"),
    ):
        judge_study(find_study("kappa"), settings, tmp_path)


def test_lazy_schemes_without_a_bound_are_told_before_the_runs(monkeypatch, tmp_path):
    monkeypatch.setattr("lazyscope.study._run.run_sweep", no_run)
    settings = TheoremSettings(
        num_points=70, schemes=("ntk", "mup"), widths=(8, 16, 32), seeds=2, activation="linear"
    )
    with (
        pytest.warns(
            HopelessWarning, match="bound at fewer than three widths for linear.*: ntk; leave"
        ),
        pytest.raises(AssertionError, match="a run was made"),
    ):
        judge_study(find_study("theorem"), settings, tmp_path)
