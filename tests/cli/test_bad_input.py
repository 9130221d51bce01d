"""Is every bad input one message with exit code 2, whatever the command?"""

import numpy as np
import pytest
from typer.testing import CliRunner

from lazyscope.cli import app

DIGITS = ["--data", "digits", "--n", "8", "--num-test", "4", "--target", "parity"]
NTK = ["--scheme", "ntk", "--depth", "1"]
FORECAST = ["forecast", *DIGITS, *NTK]
TRAIN = ["train", *DIGITS, *NTK, "--width", "16"]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with data files that are bad in one way each."""
    folder = tmp_path_factory.mktemp("bad")
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(20, 3)), np.arange(20) % 2
    holed = x.copy()
    holed[3, 1] = np.nan
    np.savez(folder / "nan.npz", x=holed, y=y)
    np.savez(folder / "one-class.npz", x=x, y=np.ones(20, int))
    np.savez(folder / "text.npz", x=x, y=np.array(list("ab") * 10))
    (folder / "cut.npz").write_bytes((folder / "nan.npz").read_bytes()[:200])
    return folder


def refused(arguments):
    """The one message of a refused command."""
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2, (arguments, result.output, result.exception)
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1
    for part in ("lazyscope: ", ". Received: ", ". Likely cause: ", ". Fix: "):
        assert lines[0].count(part) == 1
    return lines[0]


CASES = [
    (["regime", "--scheme", "mupp", "--depth", "2"], "use 'mup'"),
    (["regime", "--scheme", "ntk", "--depth", "0"], "Depth must be a whole number of at least 1"),
    (["regime", "--scheme", "ntk", "--depth", "100000000"], "Depth must be at most 10000"),
    (["regime", "--scheme", "ntk", "--depth", "two"], "Received: 'two'"),
    (["regime", "--scheme", "ntk"], "A named scheme needs a depth"),
    (["regime", "--scheme", "luo", "--depth", "1"], "gamma, gamma_prime missing"),
    (["regime", "--depth", "1"], "by --scheme or by --scale-exponents. Received: neither"),
    (["regime", *NTK, "--scale-exponents", "0.5,0"], "Received: both"),
    (["regime", *NTK, "--speed-exponents", "0,0"], "A named scheme has its own speeds"),
    (["regime", *NTK, "--scheme-parameter", "gamma=1"], "takes no parameters"),
    (["regime", *NTK, "--scheme-parameter", "gamma"], "as name=value"),
    (
        ["regime", "--scheme", "luo", "--depth", "1", "--scheme-parameter", "gama=1"],
        "use 'gamma'",
    ),
    (
        ["regime", "--scale-exponents", "0,0", "--scheme-parameter", "gamma=1"],
        "Scheme parameters belong to a named scheme",
    ),
    (["regime", *NTK, "--width", "0"], "Width must be a whole number of at least 1. Received: 0"),
    (["regime", *NTK, "--width", "-3"], "Received: -3"),
    (["regime", *NTK, "--width", "nan"], "Received: nan"),
    (["regime", *NTK, "--activation", "rellu"], "use 'relu'"),
    (["regime", "--scale-exponents", "0.5"], "at least two layers"),
    (["regime", "--scale-exponents", "0.5,nan"], "a list of finite numbers"),
    (["regime", "--scale-exponents", "0.5,,0"], "a list of finite numbers"),
    (["regime", "--scale-exponents", "0,0", "--speed-exponents", "1"], "each of the 2 layers"),
    (["regime", "--scale-exponents", "0,0", "--depth", "2"], "give 3 exponents"),
    (
        ["regime", *NTK, "--optimizer", "adan"],
        "Optimiser must be one of adam, adamw, lion, momentum",
    ),
    (["regime", *NTK, "--optimizer", ""], "Optimiser must be one of"),
    (["regime", *NTK, "--optimizer", "adam,,muon"], "Optimiser must be one of"),
    (["regime", *NTK, "--optimizer", "Adam"], "use 'adam'"),
    (["regime", *NTK, "--optimizer", "sgd,adam"], "or none of them. Received: sgd, adam"),
    (["regime", *NTK, "--optimizer", "adam,muon,adam,muon"], "one for each of the"),
    (["regime", "--scale-exponents", "0,0", "--optimizer", "adam,muon,adam"], "of the 2 layers"),
    (
        ["regime", *NTK, "--optimizer", "muon", "--update-multiplier", "match-rms-adam"],
        "use 'match-rms-adamw'",
    ),
    (["regime", *NTK, "--update-multiplier", "original"], "belong to muon"),
    (["regime", "--widht", "64"], "no such option: --widht"),
    (["regim"], "no such command 'regim'"),
    (["forecast", "--width", "8"], "missing option '--data'"),
    ([*FORECAST, "--width", "0"], "Width must be a whole number of at least 1"),
    ([*FORECAST, "--width", "3000000000"], "GiB for the 3 copies of a run"),
    ([*FORECAST, "--width", "16", "--activation", "swish"], "Activation must be one of"),
    ([*FORECAST, "--width", "16", "--target", "classs"], "use 'classes'"),
    ([*FORECAST, "--width", "16", "--seed", "-1"], "Seed must be a whole number of at least 0"),
    (
        [*FORECAST, "--width", "16", "--seed", str(2**80)],
        "Seed must be at most 9223372036854775807",
    ),
    ([*FORECAST, "--width", "16", "--output-scale", "0"], "Output scale must be above zero"),
    (
        [*FORECAST, "--width", "16", "--output-scale", "1e300"],
        "The loss of the initial network must be finite",
    ),
    (
        [*FORECAST, "--width", "16", "--stop", "2"],
        "Stop fraction must lie strictly between 0 and 1",
    ),
    ([*FORECAST, "--width", "16", "--n", "1797"], "Received: 1801 asked, 1797 there"),
    ([*FORECAST, "--width", "16", "--n", "0"], "Num_points must be a whole number of at least 1"),
    ([*TRAIN, "--stop", "0"], "Stop fraction must lie strictly between 0 and 1"),
    ([*TRAIN, "--stop", "1"], "Stop fraction must lie strictly between 0 and 1"),
    ([*TRAIN, "--stop", "nan"], "Stop fraction must be a finite number"),
    ([*TRAIN, "--method", "descend"], "use 'descent'"),
    ([*TRAIN, "--step-size", "1"], "--step-size belongs to --method descent"),
    ([*TRAIN, "--method", "descent", "--tolerance", "1"], "--tolerance belongs to --method flow"),
    ([*TRAIN, "--share", "0.1"], "--share belongs to --method sgd or momentum"),
    ([*TRAIN, "--method", "lion", "--epsilon", "1"], "--epsilon belongs to --method adam or"),
    ([*TRAIN, "--loss", "cross-entropy"], "Exponential flow needs the squared loss"),
    ([*TRAIN, "--loss", "crossentropy"], "use 'cross-entropy'"),
    ([*TRAIN, "--tolerance", "0"], "Tolerance must be above zero"),
    ([*TRAIN, "--method", "descent", "--step-size", "-1"], "Step size must be above zero"),
    (
        [*TRAIN, "--method", "descent", "--step-size", "1", "--stability-fraction", "1"],
        "either a step size or a fraction",
    ),
    ([*TRAIN, "--max-steps", "0"], "Max_steps must be a whole number of at least 1"),
    (["study", "kappa", "--widths", "0"], "Width must be a whole number of at least 1"),
    (["study", "kappa", "--kappas", "1,-2"], "Kappa must be above zero"),
    (["study", "kappa", "--spreads", "balance"], "use 'balanced'"),
    (["sweep", "nowhere.toml", "--store", "x"], "A sweep file must be readable"),
    (["sweep", "a.toml", "--store", "x", "--workers", "0"], "Workers must be a whole number"),
    (
        ["sweep", "a.toml", "--store", "x", "--workers", "2", "--scheduler", "tcp://h:1"],
        "Workers are threads of this process",
    ),
]


@pytest.mark.parametrize(("arguments", "words"), CASES, ids=range(len(CASES)))
def test_bad_input_is_one_message_that_names_the_mistake(arguments, words):
    assert words in refused(arguments)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nan.npz", "must be finite. Received: 1 entries that are NaN or infinite"),
        ("one-class.npz", "Labels must belong to at least two classes"),
        ("text.npz", "must hold real numbers"),
        ("cut.npz", "must be a complete NumPy archive"),
        ("nowhere.npz", "no such file"),
    ],
)
def test_bad_data_is_refused_before_anything_is_computed(files, name, words):
    arguments = ["forecast", "--data", str(files / name), "--n", "8", "--width", "8", *NTK]
    assert words in refused(arguments)


@pytest.mark.parametrize("command", [["regime", *NTK, "--width", "0"], [*TRAIN, "--stop", "7"]])
def test_with_json_bad_input_leaves_standard_output_empty(command):
    refused([*command, "--json"])


def test_points_whose_kernel_exceeds_memory_are_refused_with_its_size(monkeypatch):
    monkeypatch.setattr("lazyscope.experiment._single.physical_memory", lambda: 1024)
    assert "training and 4 test points" in refused([*FORECAST, "--width", "16"])


def test_an_unexpected_error_is_not_dressed_up_as_bad_input(monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("lazyscope.scaling.regime_report", broken)
    result = CliRunner().invoke(app, ["regime", *NTK])
    assert isinstance(result.exception, ZeroDivisionError)
