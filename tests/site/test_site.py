"""Are the parts of the site right that its build puts together, and does a wrong link end it?"""

import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from html import unescape
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools" / "site"))

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(n) is None for n in ("mkdocs", "latex2mathml", "material")),
    reason="the extra docs is not installed",
)


def test_kept_pages_of_studies_were_made_by_the_commands_beside_them():
    import gallery

    for name, shown in gallery.SHOWN.items():
        (*_, command) = shown.commands
        if command.startswith("lazyscope study"):
            page = unescape((gallery.KEPT / f"{name}.html").read_text("utf-8"))
            made = re.search(r"lazyscope study [^<\n]*", page)[0]
            values = [w for w in re.split("[ =]", command) if not w.startswith("--")]
            assert [v for v in values if v not in re.split("[ =]", made)] == [], name


def test_what_pages_share_is_taken_out_and_put_in_again(tmp_path):
    import gallery

    from lazyscope.report import write_explorer_page

    whole = write_explorer_page(tmp_path / "page.html").read_text("utf-8")
    kept = gallery.without_shared(whole)
    assert len(kept) < 1e5
    assert gallery.with_shared(kept) == whole


@pytest.mark.parametrize(
    ("written", "wrong"),
    [("[a](no-such-page.md)", "no-such-page"), ("[a](theory.md#no-such-part)", "no-such-part")],
)
@pytest.mark.slow
def test_a_wrong_link_ends_the_build(tmp_path, written, wrong):
    docs = tmp_path / "docs"
    docs.mkdir()
    for name in ("index.md", "theory.md"):
        (docs / name).write_text(f"# {name}\n\n{written if name == 'index.md' else ''}\n", "utf-8")
    settings = (ROOT / "mkdocs.yml").read_text("utf-8").split("\nnav:")[0]
    settings = settings.replace("hooks: [tools/site/hooks.py]", "").replace("  - search\n", "")
    (tmp_path / "mkdocs.yml").write_text(settings, "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "LAZYSCOPE_SITE_API": "false"},
    )
    assert done.returncode != 0
    assert wrong in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("plain", "parts"),
    [
        ("alpha_l", ["<msub>", "&#x003B1;"]),
        ("m^-1/2", ["<msup>", "<mn>1</mn>"]),
        ("W[l] x", ["<mi>W</mi>", "<mi>l</mi>"]),
        ("sqrt(m)", ["<msqrt>"]),
        ("kappa^2/alpha_l^2", ["&#x003BA;</mi><mrow><mn>2</mn></mrow></msup>", "<msubsup>"]),
        ("|f - y|^2", ["|<sup>2</sup>"]),
        ("gamma'", ["&#x003B3;"]),
    ],
)
def test_plain_notation_becomes_mathematics(plain, parts):
    from mathematics import with_formulas

    page = with_formulas(f"<p>{plain} is</p>", plain=True)
    assert all(part in page for part in parts), page
    assert page.endswith(" is</p>")


@pytest.mark.parametrize(
    "text", ["<code>alpha_l</code>", "<h2>kappa</h2>", "<p>max_points of words</p>"]
)
def test_code_headings_and_names_stay(text):
    from mathematics import with_formulas

    assert with_formulas(text, plain=True) == text


def test_outputs_are_kept_by_content(tmp_path, monkeypatch):
    import tutorials

    monkeypatch.setattr(tutorials, "KEPT", tmp_path)
    page = "# A\n\n```python\nprint(1 + 1)\n```\n"
    printed, folder = tutorials.run_page("a", page)
    assert printed == ["2\n"]
    assert "prints" in tutorials.with_output(page, printed)
    monkeypatch.setattr(tutorials.subprocess, "run", None)  # a second run would call it
    assert tutorials.run_page("a", page) == (printed, folder)
    with pytest.raises(TypeError):
        tutorials.run_page("a", page.replace("1 + 1", "1 + 2"))


def test_a_block_that_fails_is_told(tmp_path, monkeypatch):
    import tutorials

    monkeypatch.setattr(tutorials, "KEPT", tmp_path)
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        tutorials.run_page("a", "```python\n1 / 0\n```\n")


def test_the_reference_has_every_room_and_every_name_of_it():
    import reference

    import lazyscope

    assert set(reference.ROOMS) == set(lazyscope._ROOMS)
    from lazyscope import measure

    names = reference.public_names(measure)
    assert {"estimate_exponent", "displacement", "DecayRate"} <= set(names)


def test_readme_and_start_page_have_all_extras():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
        "optional-dependencies"
    ]
    readme, start = ((ROOT / n).read_text("utf-8") for n in ("README.md", "docs/index.md"))
    assert [e for e in extras if f"'.[{e}]'" not in readme] == []
    assert [e for e in extras if f"`{e}`" not in start] == []
