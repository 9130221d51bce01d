"""Does the page on which schemes are chosen say what the library says, in a real browser?"""

import json

import numpy as np
import pytest

from lazyscope._checks import InputError
from lazyscope.report import write_explorer_page
from lazyscope.scaling import Scheme, named_scheme, phase_point, regime_report
from report.driven import faults

NUM_SCHEMES = 400
KEYS = (
    "kappa", "kappa_exponent", "growth_power", "relative_speed_exponents", "displacement_exponents",
    "layer_regimes", "regime", "rate_exponent", "to_mup", "to_lazy",
)  # fmt: skip
OF_DESCENT = ("sgd", "momentum")
OTHERS = ("adam", "adamw", "sign", "lion", "muon")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return write_explorer_page(tmp_path_factory.mktemp("explorer") / "explorer.html")


@pytest.fixture(scope="module")
def desk(browser, page):
    browser.open(page, width=1280)
    return browser


def random_schemes():
    """Depths 1 to 8, short decimals with ties, every optimiser, mixed ones, and rho of both signs."""
    draws = np.random.default_rng(16)
    for _ in range(NUM_SCHEMES):
        layers = int(draws.integers(2, 10))
        a, sigma = (draws.integers(-20, 21, layers) * draws.choice([0.05, 0.125]) for _ in range(2))
        if draws.random() < 0.2:
            a[-1] -= a.sum()
        names = OF_DESCENT if draws.random() < 0.4 else OTHERS
        mixed = draws.random() < 0.3
        optimiser = tuple(draws.choice(names, layers if mixed else 1).tolist())
        width = int(draws.choice([1, 64, 1000]))
        yield Scheme.from_exponents(a.tolist(), sigma.tolist(), optimiser=optimiser), width


def by_page(desk, cases):
    """What the page's law says of every scheme."""
    given = [
        [
            list(scheme.scale_exponents),
            list(scheme.speed_exponents),
            scheme.optimiser if isinstance(scheme.optimiser, str) else list(scheme.optimiser),
            width,
        ]
        for scheme, width in cases
    ]
    return desk.evaluate(f"{json.dumps(given)}.map(given => lazyscopeLaw.report(...given))")


def test_the_law_in_the_page_is_the_law_of_the_library_on_random_schemes(desk):
    cases = list(random_schemes())
    seen = set()
    for (scheme, width), told in zip(cases, by_page(desk, cases), strict=True):
        expected = regime_report(scheme, width)
        seen.add(expected["regime"])
        for key in KEYS:
            if isinstance(expected[key], dict):
                for name, values in expected[key].items():
                    assert told[key][name] == pytest.approx(values, rel=1e-9, abs=1e-9), key
            elif key.endswith(("regime", "regimes")):
                assert told[key] == expected[key], scheme
            else:
                assert told[key] == pytest.approx(expected[key], rel=1e-9, abs=1e-9), key
    assert seen == {"theta-lazy", "critical", "partially-lazy", "condensed"}


def test_another_law_would_be_noticed(desk):
    """The comparison can fail: a growth power of descent where signs train gives other numbers."""
    scheme = Scheme.from_exponents((-0.5, 0.1), optimiser="sign")
    told = by_page(desk, [(Scheme.from_exponents((-0.5, 0.1)), 8)])[0]
    assert told["displacement_exponents"] != pytest.approx(
        regime_report(scheme)["displacement_exponents"]
    )


def test_the_point_of_the_plane_is_that_of_the_library(desk):
    for scheme in (
        named_scheme("luo", depth=1, gamma=1.2, gamma_prime=0.3),
        named_scheme("ntk", depth=1, input_dim=2),
    ):
        told = by_page(desk, [(scheme, 8)])[0]
        u, rho = json.dumps(told["relative_speed_exponents"]), told["kappa_exponent"]
        found = desk.evaluate(f"lazyscopeLaw.point({u}, {rho}, 2)")
        assert list(found.values()) == pytest.approx(list(phase_point(scheme)))


def change(desk, key, value):
    desk.evaluate(
        f"(() => {{ const s = document.querySelector('[data-key={key}]'); s.value = '{value}';"
        "for (const kind of ['input', 'change']) s.dispatchEvent(new Event(kind)); })()"
    )


FACTS = "[...document.querySelectorAll('.facts dd')].map(d => d.textContent)"


@pytest.mark.parametrize(
    ("name", "optimiser", "depth"), [("mup", "adam", 3), ("ntk", "sgd", 1), ("standard", "muon", 8)]
)
def test_a_scheme_by_name_is_told_as_on_the_command_line(desk, name, optimiser, depth):
    for key, value in (("scheme", name), ("optimiser", optimiser), ("depth", depth)):
        change(desk, key, value)
    change(desk, "width", 64)
    scheme = named_scheme(name, depth=depth, input_dim=1, optimiser=optimiser)
    expected = regime_report(scheme, 64)
    kappa, rho, regime, rate = desk.evaluate(FACTS)
    assert float(kappa.replace("−", "-")) == pytest.approx(expected["kappa"], rel=1e-3)
    assert float(rho.replace("−", "-")) == expected["kappa_exponent"]
    assert expected["regime"] in regime
    assert ("serves all widths" in rate) == (abs(expected["rate_exponent"]) < 1e-9)
    rows = desk.evaluate("document.querySelectorAll('.explorer-table tbody tr').length")
    assert rows == depth + 1
    command = desk.evaluate("document.querySelector('.command').textContent")
    assert command.startswith(f"lazyscope regime --scheme {name} --depth {depth}")
    assert desk.problems == []


def test_changes_that_are_asked_for_make_the_scheme_mup_and_lazy(desk):
    for key, value in (("scheme", "standard"), ("optimiser", "adam"), ("depth", 2)):
        change(desk, key, value)
    press = "document.querySelector('[data-make={}]').click()"
    desk.evaluate(press.format("to_mup"))
    assert "critical" in desk.evaluate(FACTS)[2]
    assert "moves by its own size" in desk.evaluate("document.querySelector('.found').textContent")
    desk.evaluate(press.format("to_lazy"))
    assert "theta-lazy" in desk.evaluate(FACTS)[2]
    assert "serves all widths" in desk.evaluate(FACTS)[3]


def test_a_click_on_the_plane_moves_the_scheme_there(desk):
    for key, value in (("scheme", "ntk"), ("optimiser", "sgd"), ("depth", 1)):
        change(desk, key, value)
    plane = "document.querySelector('[data-panel=plane]')"
    desk.evaluate(f"{plane}.scrollIntoView()")
    desk.wait_for(f"{plane}._fullLayout.xaxis.range[1] === 2 && {plane}.data.at(-1).x[0] === 0.5")
    place = desk.evaluate(
        f"(() => {{ const p = {plane}, b = p.getBoundingClientRect(), l = p._fullLayout;"
        "return [b.x + l.xaxis._offset + l.xaxis.d2p(1.5), b.y + l.yaxis._offset + l.yaxis.d2p(0)]; })()"
    )
    desk.click(*place)
    desk.wait_for(f"Math.abs({plane}.data.at(-1).x[0] - 1.5) < 0.051")
    assert "condensed" in desk.evaluate(FACTS)[2]
    assert desk.evaluate("document.querySelector('[data-key=scheme]').value") == ""


def test_the_address_holds_the_scheme(desk, page):
    for key, value in (("scheme", "mup"), ("optimiser", "lion"), ("depth", 4)):
        change(desk, key, value)
    before = desk.evaluate(FACTS)
    held = desk.evaluate("location.hash")
    desk.open(page, width=1280, fragment=held)
    assert desk.evaluate(FACTS) == before
    assert desk.evaluate("document.querySelector('[data-key=optimiser]').value") == "lion"


@pytest.mark.slow
def test_the_page_passes_on_desk_phone_and_paper(browser, page, axe):
    assert faults(browser, page, axe=axe) == []


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="needs the path of a file"):
        write_explorer_page(tmp_path)
