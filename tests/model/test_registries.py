"""Is every network and every nonlinearity found by its name, and everything that is known of it?"""

import ast
import importlib
from pathlib import Path

import jax
import numpy as np
import pytest

import lazyscope.model.networks as networks
from lazyscope._checks import InputError
from lazyscope.model import AbstractNetwork, architecture, build_network, network_names

FILES = sorted(p for p in Path(networks.__file__).parent.glob("_*.py") if p.name != "__init__.py")


def test_every_file_of_a_network_has_an_entry_that_is_found():
    entries = {
        importlib.import_module(f"lazyscope.model.networks.{path.stem}").ENTRY.name
        for path in FILES
    }
    assert entries == set(network_names())


def test_every_network_of_a_file_is_public():
    classes = {
        node.name
        for path in FILES
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    }
    assert classes <= set(networks.__all__)


@pytest.mark.parametrize("name", network_names())
def test_a_network_made_by_name_answers_for_points_of_its_size(name, double):
    depth = architecture(name).most_depth or 2
    network = build_network(name, 16, 3, 8, depth, "tanh")
    assert isinstance(network, AbstractNetwork)
    assert network.width == 8
    shapes = jax.eval_shape(
        lambda key, x: network.apply(network.init_from_std(key, [1.0] * len(network.shapes)), x),
        jax.random.key(0),
        np.ones((2, 16)),
    )
    assert shapes.shape == (2, 3)


@pytest.mark.parametrize("name", network_names())
def test_homogeneous_means_that_kappa_is_the_product_of_all_scales(name):
    kind = architecture(name)
    network = build_network(name, 16, 1, 8, kind.most_depth or 2)
    alpha = 1.5 + np.arange(len(network.shapes))
    assert kind.homogeneous == (network.kappa(alpha) == pytest.approx(np.prod(alpha)))


def test_a_depth_that_a_network_does_not_have_is_refused():
    with pytest.raises(InputError, match=r"attention have a depth of at most 1.*Received: 2"):
        build_network("attention", 16, 1, 8, 2)


def test_points_that_are_no_images_are_refused_by_networks_of_images():
    with pytest.raises(InputError, match=r"square grey images.*Received: points of 15 numbers"):
        build_network("convolution", 15, 1, 8, 1)


def test_an_unknown_network_is_refused_with_the_nearest():
    with pytest.raises(InputError, match=r"Received: 'residul'.*use 'residual'"):
        architecture("residul")
