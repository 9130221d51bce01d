"""Is the rate at which a wide network diverges the one that narrow networks say?"""

import numpy as np
import pytest

from lazyscope import InputError
from lazyscope.proxy import largest_stable_rate
from lazyscope.proxy._family import ProxyFamily
from lazyscope.proxy._stable_rate import RESOLUTION, _edge, rate_edge
from lazyscope.proxy._training import Training, points_of
from lazyscope.proxy.library._library import library_of
from proxy.builds import dense, points


@pytest.mark.parametrize("edge", [0.003, 0.9, 1.1, 37.0])
def test_the_edge_is_found_to_the_resolution(edge):
    found = _edge(lambda factor: factor > edge)
    assert edge / RESOLUTION < found < edge * RESOLUTION


@pytest.mark.parametrize("always", [True, False])
def test_a_rate_without_an_edge_is_refused(always):
    with pytest.raises(InputError, match="near the given one"):
        _edge(lambda factor: always)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "rate"), [("sgd", 0.02), ("momentum", 0.01), ("adam", 0.03)])
def test_the_wide_network_diverges_where_narrow_ones_say(kind, rate):
    settings = {"optimizer": kind, "rate": rate, "steps": 60}
    build = dense(readout=0.3)
    found = largest_stable_rate(
        build, points(), width=256, proxy_widths=(32, 64), seeds=6, **settings
    )
    given = points_of(points(), "squared")
    family = ProxyFamily(library_of(build, given, (32, 64)), Training(**settings), 256)

    edges = [rate * rate_edge(family.training, *family.wide_network(seed)) for seed in range(3)]
    measured = float(np.exp(np.mean(np.log(edges))))
    assert found.value == pytest.approx(measured, rel=0.25)
    assert found.low / 1.15 < measured < found.high * 1.15
