"""Has every registered study one call at the top of the package, and does it go the one way?"""

import inspect

import pytest

import lazyscope
from lazyscope import InputError
from lazyscope.study import StudyRun, find_study, named, study_names

NEEDED = {"coordinates": {"build": "m:build"}, "narrow-proxy": {"build": "m:build"}}


def at_the_top(name):
    return getattr(lazyscope, f"run_{name.replace('-', '_')}_study")


@pytest.fixture(name="calls")
def calls_of_the_one_way(monkeypatch, tmp_path):
    calls = []

    def kept(*args, **how):
        calls.append((*args, how))
        return StudyRun({}, {}, {}, tmp_path)

    monkeypatch.setattr(named, "run_study", kept)
    return calls


def test_every_study_is_called_from_the_top_and_nothing_else_is():
    offered = {n for n in lazyscope.__all__ if n.startswith("run_") and n.endswith("_study")}
    assert offered == {f"run_{name.replace('-', '_')}_study" for name in study_names()}


@pytest.mark.parametrize("name", study_names())
def test_settings_fields_and_defaults_go_the_one_way(name, calls, tmp_path):
    study, fields = find_study(name), dict(NEEDED.get(name, {}))
    settings = study.given(**fields)
    at_the_top(name)(settings, tmp_path, workers=1)
    at_the_top(name)(fields, tmp_path, workers=1)
    at_the_top(name)(settings)
    assert [call[:1] for call in calls] == [(study,)] * 3
    assert calls[0][1] is settings
    assert calls[1][1] == settings
    assert [call[2] for call in calls] == [tmp_path, tmp_path, study.folder or name]
    assert [call[3] for call in calls] == [{"workers": 1}, {"workers": 1}, {}]


@pytest.mark.parametrize("name", study_names())
def test_the_settings_of_a_study_are_annotated(name):
    hint = inspect.signature(at_the_top(name)).parameters["settings"].annotation
    assert find_study(name).settings in hint.__args__


def test_settings_that_make_no_study_are_refused(tmp_path):
    with pytest.raises(InputError, match="use 'seeds'"):
        lazyscope.run_kappa_study({"seed": 3}, tmp_path)
    with pytest.raises(InputError, match="The study coordinates needs build"):
        lazyscope.run_coordinates_study(folder=tmp_path)
    with pytest.raises(InputError, match="of the kind KappaSettings"):
        lazyscope.run_kappa_study("digits", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_study_from_the_top_leaves_its_page_and_is_a_result(tmp_path):
    fields = {"num_points": 4, "depth": 1, "widths": (8,), "kappas": (4, 8, 16, 32), "seeds": 3}
    done = lazyscope.run_kappa_study(fields | {"spreads": ("balanced",)}, tmp_path)
    assert (tmp_path / "index.html").exists()
    assert repr(done).startswith("StudyRun(study=kappa, answer=")
    assert len(done.to_dataframe()) == 12
