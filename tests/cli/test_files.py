"""Do commands read what they can, refuse the rest in one line, and replace only what is theirs?"""

import json
import os

import pytest
from typer.testing import CliRunner

from lazyscope._plain import plain
from lazyscope.cli import app
from report.synthetic_kappa import synthetic_result

DEEP = "[" * 10_000
URL = "https://example.org/x"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(*arguments):
    """The one line of a refused command."""
    result = CliRunner().invoke(app, [*map(str, arguments)])
    assert result.exit_code == 2, (arguments, result.output, result.exception)
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert len(result.stderr) < 1500
    return result.stderr


def stored_kappa(folder):
    result = plain(synthetic_result(seeds=(0,), widths=(64,), kappas=(1, 2), num_failed=0))
    (folder / "kappa").mkdir(exist_ok=True)
    (folder / "kappa" / "kappa.json").write_text(json.dumps(result))
    return result


TEXTS = [DEEP, "null", "[]", "{}", "NaN", "9" * 5000, '{"study": "kappa"}', "\0", '{"format": 1}']


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_any_damaged_text_is_refused_by_every_command_that_reads_it(folder, text):
    for name in ("kappa", "store"):
        (folder / name).mkdir()
    (folder / "record.json").write_text(text)
    (folder / "kappa" / "kappa.json").write_text(text)
    (folder / "store" / "store.json").write_text(text)
    (folder / "sweep.toml").write_text(text)
    refused("report", "record.json", "-o", "page.html")
    assert (
        "Kappa.json must hold" in refused("report", "kappa", "-o", "page.html") or "parts" in text
    )
    refused("report", "store", "-o", "page.html")
    refused("exponents", "store")
    refused("sweep", "sweep.toml", "--store", "new", "--dry-run")
    assert not (folder / "page.html").exists()


@pytest.mark.parametrize("part", ["verdict", "runs", "settings", "fits"])
@pytest.mark.parametrize("value", [None, "x", [None]])
def test_a_stored_study_with_an_odd_part_is_a_page_or_one_line(folder, part, value):
    result = stored_kappa(folder) | {part: value}
    (folder / "kappa" / "kappa.json").write_text(json.dumps(result))
    ended = CliRunner().invoke(app, ["report", "kappa", "-o", "page.html"])
    assert ended.exit_code in (0, 2), ended.exception
    assert ended.exit_code == 0 or len(ended.stderr.splitlines()) == 1


PATHS = [URL, "s3://bucket/x", "~nobody-of-this-name/x", "a" * 5000, "pipe", "file/below", "loop"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "command",
    [
        ["report", "PATH", "-o", "page.html"],
        ["exponents", "PATH"],
        ["sweep", "PATH", "--store", "new", "--dry-run"],
        ["forecast", "--data", "PATH", "--scheme", "ntk", "--depth", "1", "--width", "4"],
        ["study", "kappa", "--data", "PATH", "--output", "new"],
        ["study", "kappa", "--num-points", "5000", "--output", "PATH"],
        ["study", "theorem", "--num-points", "5000", "--output", "PATH"],
        ["study", "output-scale", "--num-points", "5000", "--output", "PATH"],
        ["study", "condensation", "--widths", "2", "--output", "PATH"],
        ["study", "two-layer", "--widths", "x", "--output", "PATH"],
        ["validate", "--quick", "--only", "law", "--data", "nowhere.npz", "--output", "PATH"],
    ],
)
def test_a_path_that_cannot_be_used_is_refused_by_every_command(folder, command, path):
    os.mkfifo(folder / "pipe")
    (folder / "file").write_text("text")
    (folder / "loop").symlink_to("loop")
    before = sorted(folder.iterdir())
    refused(*[path if word == "PATH" else word for word in command])
    assert sorted(folder.iterdir()) == before


def test_a_page_replaces_pages_and_nothing_else(folder):
    stored_kappa(folder)
    (folder / "data.npz").write_bytes(b"PK data")
    assert "A page replaces only pages" in refused("report", "kappa", "-o", "data.npz")
    assert "replaces only pages" in refused("report", "kappa", "-o", "kappa/kappa.json")
    assert (folder / "data.npz").read_bytes() == b"PK data"
    (folder / "page.html").write_text("<!doctype html><p>of another maker")
    (folder / "link.html").symlink_to("page.html")
    for name in ("page.html", "link.html"):
        assert CliRunner().invoke(app, ["report", "kappa", "-o", name]).exit_code == 0
    assert (folder / "link.html").is_symlink()


def test_a_study_is_drawn_into_its_folder_unless_told_otherwise(folder):
    stored_kappa(folder)
    ended = CliRunner().invoke(app, ["report", "kappa", "--json"])
    assert ended.exit_code == 0, ended.exception
    page = folder / "kappa" / "index.html"
    assert json.loads(ended.stdout)["page"] == str(page.resolve())
    assert "<html" in page.read_text(encoding="utf-8")[:500]


def test_a_page_of_a_study_takes_no_axis_and_one_study(folder):
    stored_kappa(folder)
    assert "--select is for the page of a sweep" in refused("report", "kappa", "--select", "a=1")
    assert "--title is for the page of a sweep" in refused("report", "kappa", "--title", "x")
    (folder / "kappa" / "theorem.json").write_text("{}")
    assert "A page is that of one study" in refused("report", "kappa")
    (folder / "store").mkdir()
    assert "needs a path" in refused("report", "store")
    assert not (folder / "kappa" / "index.html").exists()


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["study", "kappa", "--num-points", "5000"], "index.html"),
        (["study", "kappa", "--num-points", "5000"], "kappa.json"),
        (["study", "theorem", "--num-points", "5000"], "theorem.json"),
        (["study", "condensation", "--widths", "2"], "condensation.json"),
        (["study", "output-scale", "--num-points", "5000"], "output-scale.json"),
        (["validate", "--only", "law"], "validation.md"),
        (["validate", "--only", "law"], "validation.json"),
    ],
)
def test_a_file_of_another_maker_in_the_folder_is_not_replaced(folder, command, name):
    (folder / name).write_text('{"my": "notes"}')
    refusal = refused(*command, "--output", ".")
    if "--widths" not in command:  # settings are refused first
        assert "replace only results of lazyscope" in refusal
    assert (folder / name).read_text() == '{"my": "notes"}'


MANY = ["--num-points", "5000"]  # more than there are: refused before anything is computed
BIG = [
    "1" + "0" * 400,
    "9" * 5000,
    "1e999",
    "-1e999",
    "1e308",
    str(2**63),
    "nan",
    "-inf",
    "1_0e5",
    "",
]


@pytest.mark.slow
@pytest.mark.parametrize("value", BIG, ids=[text[:8] for text in BIG])
def test_a_number_of_any_size_is_an_answer_or_one_line_for_every_option(value):
    ntk = ["--scheme", "ntk", "--depth", "1"]
    data = ["--data", "digits", "--n", "4", "--num-test", "2", "--target", "parity"]
    commands = [
        ["regime", "--scheme", "ntk", "--depth", value],
        *(["regime", *ntk, option, value] for option in ("--width", "--input-dim", "--output-dim")),
        ["regime", "--scale-exponents", f"{value},0"],
        ["regime", "--scale-exponents", "0,0", "--speed-exponents", f"0,{value}", "--width", "8"],
        [*("regime", "--scheme", "luo", "--depth", "1", "--scheme-parameter"), f"gamma={value}"],
        ["exponents", "nowhere", "--level", value],
        ["study", "kappa", "--output", "new", "--kappas", value, *MANY],
        ["study", "kappa", "--output", "new", "--widths", value, *MANY],
        ["study", "kappa", "--output", "new", "--stop", value, *MANY],
        ["study", "kappa", "--output", "new", "--num-points", value],
        ["forecast", *data[:2], *ntk, "--width", "4", "--n", value],
        ["forecast", *data[:2], *ntk, "--width", "4", "--data-seed", value, "--n", "5000"],
        *(
            ["forecast", *data, *ntk, "--width", value],
            ["train", *data, *ntk, "--width", "4", "--seed", value, "--stop", "2"],
            ["train", *data, *ntk, "--width", "4", "--stop", "2", "--max-steps", value],
            ["train", *data, *ntk, "--width", "4", "--stop", "2", "--tolerance", value],
        ),
    ]
    for command in commands:
        ended = CliRunner().invoke(app, command)
        assert ended.exit_code in (0, 2), (command, repr(ended.exception))
        assert ended.exit_code == 0 or len(ended.stderr.splitlines()) == 1, command
        assert len(ended.stderr) < 1500


def test_whole_numbers_may_be_written_with_a_point_or_exponent():
    options = ["--widths", "64.0,1e2", "--seeds", "2.0", "--depth", "1e0", *MANY]
    assert "5200 asked" in refused("study", "kappa", "--output", "new", *options)
