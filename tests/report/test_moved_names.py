"""Do the pages and figures of studies answer to the names that they had?"""

import pytest

import lazyscope.report
import lazyscope.study


@pytest.mark.parametrize("name", ["write_kappa_page", "draw_map", "kappa_summary"])
def test_an_old_name_is_the_new_one_and_says_so(name):
    with pytest.warns(DeprecationWarning, match=f"is lazyscope.study.{name} now"):
        old = getattr(lazyscope.report, name)
    assert old is getattr(lazyscope.study, name)


def test_a_name_that_never_was_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'draw_lazyness'"):
        _ = lazyscope.report.draw_lazyness
    with pytest.raises(AttributeError, match="no attribute 'run_lazyness'"):
        _ = lazyscope.study.run_lazyness
