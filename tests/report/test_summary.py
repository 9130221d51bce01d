"""Does the terminal get the verdict, the slopes and the failures?"""

import io

from rich.console import Console

from lazyscope.study import kappa_summary
from report.synthetic_kappa import synthetic_result


def printed(result):
    file = io.StringIO()
    Console(file=file, width=100).print(kappa_summary(result))
    return file.getvalue()


def test_summary_says_verdict_slopes_and_failures():
    text = printed(synthetic_result())
    assert "theta-lazy training is supported in 5 of 5 shapes" in text.replace("\n", " ")
    assert "random         −0.800  [−1.050, −0.550]         −1  undecided" in text
    assert "3 of 270 runs did not converge:" in text
    assert text.count("diverged") + text.count("out-of-steps") == 3


def test_summary_is_silent_about_failures_when_there_are_none():
    assert "did not converge" not in printed(synthetic_result(num_failed=0))


def test_long_list_of_failures_is_cut_with_its_count():
    text = printed(synthetic_result(num_failed=25))
    assert "and 15 more" in text


def test_names_are_not_read_as_markup():
    result = synthetic_result(shapes={"[red]x[/red]": ("", 1.0, (1.0, 1.0, 1.0))}, seeds=(0,))
    assert "[red]x[/red]" in printed(result)
