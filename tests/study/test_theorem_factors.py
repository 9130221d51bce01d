"""Is the interval of a product of factors right?"""

from lazyscope.measure import Estimate
from lazyscope.study import product


def test_two_ends_below_zero_do_not_make_the_low_end_of_a_product_positive():
    wide = Estimate(1.0, -0.5, 2.0)
    assert product([wide, wide]).interval == (0.0, 4.0)
