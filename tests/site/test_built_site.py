"""Is the built site whole: tutorials, formulas, gallery, reference, and nothing from elsewhere?

``LAZYSCOPE_SITE`` names a folder with a site, as ``make docs`` does for the one that it has built; without
it one is built.
"""

import importlib.util
import os
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools" / "site"))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        any(importlib.util.find_spec(n) is None for n in ("mkdocs", "latex2mathml", "material")),
        reason="the extra docs is not installed",
    ),
]
LOADED = re.compile(
    r"<(?:script|img|iframe|source)[^>]*\bsrc=[\"']?(?:https?:)?//|<link[^>]*stylesheet[^>]*href=[\"']?(?:https?:)?//"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    if "LAZYSCOPE_SITE" in os.environ:
        return Path(os.environ["LAZYSCOPE_SITE"])
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return folder


def test_pages_load_nothing_from_elsewhere(site):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 30
    loaded = [
        p.name
        for p in pages
        if p.parent.name not in ("gallery", "explorer") and LOADED.search(p.read_text("utf-8"))
    ]
    assert loaded == []
    fetched = [
        p.name
        for p in site.rglob("*.css")
        if re.search(r"url\([\"']?(https?:)?//", p.read_text("utf-8"))
    ]
    assert fetched == []


def test_formulas_of_theory_are_mathematics(site):
    page = (site / "theory.html").read_text("utf-8")
    assert page.count("<math") > 200
    assert 'class="arithmatex"' not in page
    assert not re.search(r'href="[^"]*/?(T|0|x)"', page)  # W[l](T) was a link once
    body = re.sub(r"<(pre|code).*?</\1>", "", page, flags=re.DOTALL)
    assert not re.search(r">[^<]*\balpha_l\b", body.split('class="md-content"')[1])


def test_tutorials_show_what_their_blocks_print_and_draw(site):
    lazy = (site / "tutorials" / "is-my-network-lazy.html").read_text("utf-8")
    assert "regime: theta-lazy" in lazy
    assert (site / "tutorials" / "is-my-network-lazy" / "start.svg").stat().st_size > 5000
    assert (site / "tutorials" / "luo-2021" / "diagram.pdf").read_bytes()[:4] == b"%PDF"


def test_the_gallery_has_a_page_of_every_study(site):
    import gallery

    from lazyscope.study import study_names

    assert set(study_names()) < set(gallery.SHOWN)
    page = (site / "gallery.html").read_text("utf-8")
    for name, shown in gallery.SHOWN.items():
        assert f'href="gallery/{name}.html"' in page
        assert shown.commands[-1] in unescape(re.sub(r"<[^>]+>", "", page)), name
        text = (site / "gallery" / f"{name}.html").read_text("utf-8")
        assert "plotly.js" in text
        assert "{shared" not in text
        assert 1.5e6 < len(text) < 2.5e6
        assert (gallery.KEPT / f"{name}.html").stat().st_size < 5e5


def test_the_reference_is_made_from_docstrings(site):
    page = (site / "api" / "scaling.html").read_text("utf-8")
    assert "named_scheme" in page
    assert ":::" not in page
