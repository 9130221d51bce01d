"""Do lists of names tell what the library knows, the shell complete it, and the logger keep silent?"""

import json
import logging
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

import lazyscope
from lazyscope.cli import app
from lazyscope.model import activation_names, network_names
from lazyscope.scaling import scheme_names
from lazyscope.study import study_names

KNOWN = {
    "schemes": scheme_names,
    "networks": network_names,
    "activations": activation_names,
    "studies": study_names,
}


def told(*arguments):
    shown = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    assert shown.exit_code == 0, shown.output
    return shown.stdout


@pytest.mark.parametrize("what", KNOWN)
def test_a_list_names_everything_that_is_known_once(what):
    found = json.loads(told(what, "--json"))[what]
    assert [entry["name"] for entry in found] == list(KNOWN[what]())
    text = told(what)
    for entry in found:
        meaning = entry.get("meaning") or entry["formula"]
        assert meaning
        assert not {"{", "}", "\n"} & set(meaning)
        assert sum(line.split()[:1] == [entry["name"]] for line in text.splitlines()) == 1
        assert " ".join(meaning.split()[:2]) in text


def test_a_scheme_is_listed_with_its_paper_and_the_parameters_that_it_takes():
    found = {entry["name"]: entry for entry in json.loads(told("schemes", "--json"))["schemes"]}
    assert found["luo"]["parameters"] == {"gamma": None, "gamma_prime": None}
    assert "2007.07497" in found["luo"]["source"]
    assert all(entry["source"] for entry in found.values())


def test_what_python_calls_a_study_is_there():
    for entry in json.loads(told("studies", "--json"))["studies"]:
        assert callable(getattr(lazyscope, entry["python"].removeprefix("lazyscope.")))


def completed(words, *, with_settings=False):
    """What a shell is offered after these words."""
    asked = {
        "_LAZYSCOPE_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    command = [sys.executable, "-X", "importtime", "-m", "lazyscope"]
    ended = subprocess.run(
        command, env=os.environ | asked, capture_output=True, text=True, check=False
    )
    loaded = {line.rsplit("|", 1)[-1].strip() for line in ended.stderr.splitlines()}
    assert "lazyscope.cli" in loaded
    assert with_settings or not loaded & {"jax", "numpy"}
    assert "lazyscope:" not in ended.stderr
    return ended.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [("lazyscope reg", ["regime"]), ("lazyscope study two", ["two-layer"])],
)
def test_the_shell_completes_commands_and_studies_without_loading_arrays(words, offered):
    assert completed(words) == offered


def test_the_shell_completes_options_of_a_command():
    assert completed("lazyscope explore --sh") == ["--show"]
    assert completed("lazyscope study kappa --see", with_settings=True) == ["--seeds"]


def test_a_misspelt_word_is_completed_by_nothing_and_says_nothing():
    assert completed("lazyscope study no-such --see") == []
    assert completed("lazyscope no-such --see") == []


def test_the_help_offers_completion():
    assert "--install-completion" in told("--help")


def test_the_logger_is_silent_until_somebody_listens():
    logger = logging.getLogger("lazyscope")
    assert any(isinstance(handler, logging.NullHandler) for handler in logger.handlers)
    assert logger.level == logging.NOTSET
    assert logger.propagate


def test_a_sweep_tells_the_logger_what_it_does(caplog, tmp_path):
    from lazyscope.sweep import SweepDesign, run_sweep

    design = SweepDesign(
        axes={"width": (2,), "seed": (0,)},
        fixed={"data": "four-points", "depth": 1, "scheme": "lecun", "stop": 0.9},
        name="tiny",
    )
    with caplog.at_level(logging.INFO, "lazyscope"):
        run_sweep(design, tmp_path / "store")
    texts = [
        record.getMessage() for record in caplog.records if record.name.startswith("lazyscope.")
    ]
    assert texts[0].startswith("tiny: 1 of 1 runs to do")
    assert "converged" in texts[-1]
