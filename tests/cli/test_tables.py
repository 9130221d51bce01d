"""Does every table fit the terminal that it is printed on, and lose nothing?"""

import pytest
from typer.testing import CliRunner

from lazyscope.cli import app
from lazyscope.cli._answer import print_answer, table
from lazyscope.cli.commands._changes import equal_layers

HEAD = ("", "muP: start", "or: multiplier", "displacement", "meaning")
ROWS = (
    ("layers 1 to 16", "m^-0.5", "1", "-1.5", "what every layer but the last is told to do"),
    ("layer 17", "1", "m^0.25", "0", "the readout"),
)


def printed(columns, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    print_answer("Before.", table("A title of several words", HEAD, ROWS, "A note below it."))
    return capsys.readouterr().out


@pytest.mark.parametrize("columns", range(40, 121, 5))
def test_a_table_fits_and_no_entry_is_lost_or_broken(columns, capsys, monkeypatch):
    shown = printed(columns, capsys, monkeypatch)
    assert max(len(line) for line in shown.splitlines()) <= columns
    words = shown.split()
    for text in (*HEAD, *(entry for row in ROWS for entry in row), "A title", "note below it."):
        for word in text.split():
            assert word in words or f"{word}:" in words, (columns, word)


def test_a_table_without_room_becomes_a_list_for_every_row(capsys, monkeypatch):
    assert "  or: multiplier: m^0.25\n" in printed(40, capsys, monkeypatch)
    assert "multiplier: m^0.25" not in printed(100, capsys, monkeypatch)


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize(
    "command",
    [
        ["schemes"],
        ["networks"],
        ["activations"],
        ["studies"],
        [
            "regime",
            "--scheme",
            "depth-mup",
            "--depth",
            "12",
            "--optimizer",
            "adam",
            "--width",
            "64",
        ],
        ["regime", "--scale-exponents", "0.25,0,-0.5", "--speed-exponents", "0,0,-1"],
    ],
)
def test_commands_fit_terminals(command, columns):
    shown = CliRunner().invoke(app, command, env={"COLUMNS": str(columns)})
    assert shown.exit_code == 0
    assert max(len(line) for line in shown.stdout.splitlines()) <= columns


def test_layers_of_which_the_same_is_told_are_one_row():
    rows = [("1", "a"), ("1", "a"), ("2", "a"), ("1", "a")]
    names = [name for name, *_ in equal_layers(rows)]
    assert names == ["layers 1 to 2", "layer 3", "layer 4"]
    command = ["regime", "--scheme", "standard", "--depth", "12", "--optimizer", "adam"]
    shown = CliRunner().invoke(app, command, env={"COLUMNS": "200"}).stdout
    assert "layers 2 to 12" in shown
    assert "learning rates times m^-1 in layers 2 to 13." in shown
