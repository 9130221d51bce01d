"""Does a dry run know what a study will be able to tell?"""

import json

import pytest
from typer.testing import CliRunner

from lazyscope.cli import app
from lazyscope.study import RandomSchemesSettings, find_study, kappa_settings

KAPPAS = (64.0, 128.0, 256.0, 512.0)


def powers(name, settings):
    return {each.noise: each for each in find_study(name).power(settings)}


def test_few_schemes_cannot_be_decided_and_many_can():
    few = powers("random-schemes", RandomSchemesSettings(counts=(3, 3)))
    assert {(one.supported, one.contradicted) for one in few.values()} == {(0.0, 0.0)}
    many = powers("random-schemes", RandomSchemesSettings(counts=(16,), draw_seed=3))
    assert min(min(one.supported, one.contradicted) for one in many.values()) > 0.8


def test_nothing_is_said_of_random_schemes_at_real_widths():
    assert not powers("random-schemes", RandomSchemesSettings.at_real_widths())


SMALL = {"gamma": (0.55, 0.85, 1.15, 1.45), "gamma_prime": (-0.2, 0.3)}


def test_a_plane_at_virtual_widths_is_supported_and_half_a_step_shows_near_boundaries_alone():
    coarse = powers("two-layer", find_study("two-layer").given(**SMALL))
    assert [one.supported for one in coarse.values()] == [1.0, 1.0]
    assert {one.contradicted for one in coarse.values()} == {0.0}  # no exponent below an eighth
    near = {"gamma": (0.55, 0.895, 1.105, 1.45), "gamma_prime": (0.2, 0.3)}
    fine = powers("two-layer", find_study("two-layer").given(**near))
    assert min(one.contradicted for one in fine.values()) > 0.8


def test_a_plane_at_real_widths_tells_less_the_more_runs_scatter():
    settings = find_study("two-layer").given(widths=(64, 512, 4096, 32768), **SMALL)
    found = powers("two-layer", settings)
    assert found[0.02].supported > 0.8 > found[0.1].supported + 0.1


def test_slopes_in_kappa_are_told_apart_at_small_noise_alone():
    found = powers("kappa", kappa_settings(kappas=KAPPAS))
    assert found[0.02].supported > 0.8
    assert found[0.02].contradicted > 0.95
    assert found[0.1].supported < 0.1


def test_more_seeds_and_a_wider_range_of_kappa_raise_the_power():
    def supported(**given):
        return powers("kappa", kappa_settings(**given))[0.1].supported

    wide = tuple(64.0 * 8**k for k in range(4))
    assert supported(kappas=wide, seeds=8) > supported(kappas=KAPPAS) + 0.5


def test_a_dry_run_of_a_study_tells_runs_and_power_and_writes_nothing(tmp_path):
    command = ["study", "kappa", "--kappas", "64,128,256,512", "--seeds", "2", "--dry-run"]
    command += ["--output", str(tmp_path / "new")]
    result = CliRunner().invoke(app, [*command, "--json"])
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    settings = find_study("kappa").given(kappas=KAPPAS, seeds=2)
    assert told["runs"] == {"runs": settings.design().num_cells}
    assert {each["noise"] for each in told["power"]} == {0.02, 0.1}
    assert "none of them made" in CliRunner().invoke(app, command).stdout
    assert not (tmp_path / "new").exists()
    other = CliRunner().invoke(app, ["study", "output-scale", "--dry-run"])
    assert "cannot say beforehand" in " ".join(other.stdout.split())


def test_a_dry_run_of_networks_of_ones_own_does_not_say_that_nothing_would_be_trained():
    result = CliRunner().invoke(app, ["study", "narrow-proxy", "math:sqrt", "--dry-run"])
    assert "not counted" in " ".join(result.stdout.split())


def test_a_dry_run_refuses_what_the_study_refuses():
    result = CliRunner().invoke(app, ["study", "kappa", "--kappas", "1,2", "--dry-run"])
    assert result.exit_code == 2


@pytest.mark.parametrize("name", ["kappa", "random-schemes"])
def test_the_option_is_in_the_help_of_every_study(name):
    assert "--dry-run" in CliRunner().invoke(app, ["study", name, "--help"]).stdout
