"""Are the public names there, and does asking for the package alone stay cheap?"""

import subprocess
import sys

import pytest

import lazyscope


@pytest.mark.parametrize("name", lazyscope.__all__)
def test_every_public_name_is_what_its_room_defines(name):
    assert getattr(lazyscope, name).__module__.startswith("lazyscope.")
    assert getattr(lazyscope, name) is getattr(lazyscope, name)
    assert name in dir(lazyscope)


@pytest.mark.slow
def test_rooms_are_reached_through_the_package():
    code = (
        "import lazyscope; assert lazyscope.scaling.scheme_names() and lazyscope.kernel.as_matrix"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_importing_the_package_loads_no_jax():
    code = "import sys, lazyscope; assert not {'jax', 'scipy', 'xarray'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'lazyness'"):
        _ = lazyscope.lazyness
