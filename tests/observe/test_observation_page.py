"""Does the page of an observed training show what the record holds, and nothing that is not there?"""

import numpy as np
import pytest

from lazyscope import InputError
from lazyscope.observe import Look, Measurement, Observations, Subject, to_json
from lazyscope.report import write_observation_page
from lazyscope.study import draw_coordinate_check


def record(sizes, *, flips=True, loss=True, sharpness=np.nan):
    subject = Subject(
        ("body.weight", "body.bias", "<head>"),
        ((4, 3), (4,), (1, 4)),
        ("body", "<head>"),
        (0, 0, 1),
        5,
        1,
        True,
        notes=("A note to read.",),
        provenance={"lazyscope": "0", "started_at": "2020"},
    )
    looks = []
    for k, size in enumerate(sizes):
        zero_started = np.inf if size else 0.0
        measured = Measurement(
            parameter_frobenius=np.array([size, zero_started, size]),
            parameter_operator=np.array([size, np.nan, size]),
            group_frobenius=np.array([size, size]),
            group_operator=np.array([size, size]),
            total=size,
            probe_loss=1 / (k + 1),
            kernel_change=size,
            kernel_alignment=1 - size / 10,
            target_alignment=0.5,
            linearisation_gap=size,
            linearisation_share=size if k else np.nan,
            flipped=size / 10 if flips else np.nan,
            sharpness=sharpness * (k + 1),
            update_alignment=np.array([0.25, np.nan, 0.125 if k else np.nan]),
            weight_alignment=np.array([0.5, np.nan, 0.125]) * np.sign(sharpness),
            low_rank_distance=0.875,
        )
        looks.append(
            Look(10 * k, float(k), 1.0 / (k + 1) if loss else np.nan, measured, rate=0.375)
        )
    return Observations(subject, tuple(looks), 0.1)


def page(tmp_path, seen):
    return write_observation_page(to_json(seen), tmp_path / "page.html").read_text("utf-8")


def test_the_page_tells_the_verdict_and_every_array(tmp_path):
    text = page(tmp_path, record((0.0, 0.02, 0.03)))
    assert "Training was lazy" in text
    assert "A note to read." in text
    assert "started at zero" in text
    assert "body.weight" in text
    assert "&lt;head&gt;" in text


@pytest.mark.parametrize(
    ("size", "words"),
    [(0.5, "Borderline"), (2.0, "Training was not lazy"), (np.nan, "left the finite numbers")],
)
def test_verdicts_are_told_in_words(tmp_path, size, words):
    assert words in page(tmp_path, record((0.0, size)))


def test_what_was_not_measured_is_not_drawn(tmp_path):
    text = page(tmp_path, record((0.0, 0.1), flips=False))
    assert "share of units flipped" not in text


def test_sharpness_stands_beside_the_rate_and_alignments_beside_each_other(tmp_path):
    text = page(tmp_path, record((0.0, 0.1), sharpness=4.0))
    assert "2 / sharpness" in text
    assert "[0.5,0.25]" in text.replace(" ", "")  # 2 / 4 and 2 / 8
    assert "[0.375,0.375]" in text.replace(" ", "")
    assert "alignment of the change with what enters" in text
    assert "0.875" in text


def test_readings_that_a_record_of_before_does_not_have_are_not_drawn(tmp_path):
    text = page(tmp_path, record((0.0, 0.1)))
    assert "2 / sharpness" not in text
    assert "alignment of the change" not in text


def test_other_objects_are_refused(tmp_path):
    with pytest.raises(InputError, match="must have the format"):
        write_observation_page({"format": "another"}, tmp_path / "page.html")
    with pytest.raises(InputError, match="must have the format"):
        draw_coordinate_check({"format": "another"})
