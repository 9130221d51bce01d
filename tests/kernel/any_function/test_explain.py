import jax.numpy as jnp
import pytest

from lazyscope.kernel import explain_tangent_kernel
from naive.networks import NETWORKS


def explain(name, **options):
    apply, params, x1, _ = NETWORKS[name]()
    how = explain_tangent_kernel(apply, params, x1, **options)
    return {leaf.name: leaf for leaf in how.parameters}, how


RULES = {
    "ntk_parametrisation": {"['in']": "dense", "['mid']": "dense", "['out']": "dense"},
    "only_bias": {"params": "shift"},
    "tied_weights": {"['in']": "dense", "['w']": "dense"},
    "convolution": {"['a']": "convolution", "['bias']": "shift", "['out']": "dense"},
    "dilated_grouped_convolution": {"['a']": "convolution", "['b']": "convolution"},
    "depthwise_convolution": {"['d']": "convolution", "['p']": "convolution"},
    "layer_norm_with_scale": {"['w']": "dense", "['scale']": "scale", "['shift']": "shift"},
    "embedding_bag": {"['table']": "embedding"},
    "language_model": {"['table']": "dense+embedding", "['places']": "shift", "['q']": "dense"},
    "mixed_lookups": {"['table']": "dense+embedding"},
    "scan_over_layers": {"['w']": "dense", "['shared']": "dense"},
    "recurrent_over_time": {"['u']": "dense", "['w']": "dense"},
    "wrapped_in_everything": {"['a']": "dense", "['b']": "dense"},
    "mixture_of_experts": {"['in']": "dense", "['out']": "dense"},
    "parts_of_one_matrix": {"params": "dense"},
    "overlapping_parts": {"params": "jacobian"},
    "parameters_carried_through_a_loop": {"params": "jacobian"},
    "custom_rules": {"['a']": "jacobian", "['b']": "dense"},
    "weight_normalisation": {"['v']": "jacobian", "['out']": "dense"},
    "masked_weights": {"['w']": "jacobian"},
    "branches": {"['a']": "jacobian", "['b']": "dense"},
    "unused_and_stopped": {"['unused']": "unused", "['still']": "jacobian", "['out']": "dense"},
}


@pytest.mark.parametrize("name", RULES)
def test_each_parameter_is_handled_by_its_rule(name, double):
    leaves, _ = explain(name)
    assert {leaf: leaves[leaf].rule for leaf in RULES[name]} == RULES[name]


def test_fall_backs_are_listed_with_their_reason(double):
    _, how = explain("custom_rules")
    assert [leaf.name for leaf in how.fallbacks] == ["['a']"]
    assert how.fallbacks[0].reasons == ("custom_jvp_call",)
    assert "Jacobian block, because of: custom_jvp_call" in str(how)


def test_a_weight_used_at_several_places_says_so(double):
    leaves, how = explain("tied_weights")
    assert leaves["['w']"].places == 4
    assert "dense at 4 places" in str(how)
    leaves, _ = explain("recurrent_over_time")
    assert leaves["['w']"].places == 6


def network(params, x):
    return jnp.tanh(x @ params).mean(1)


def test_gradients_are_chosen_for_many_positions_and_few_weights():
    how = explain_tangent_kernel(network, jnp.ones((4, 3)), jnp.ones((4, 100, 4)))
    assert how.parameters[0].contraction == "gradients"


def test_grams_are_chosen_for_few_positions_and_many_weights():
    how = explain_tangent_kernel(one_output, jnp.ones((100, 900)), jnp.ones((4, 2, 100)))
    assert how.parameters[0].contraction == "grams"


def one_output(params, x):
    return network(params, x).mean(1, keepdims=True)


def test_signals_are_carried_for_several_outputs_at_several_positions():
    how = explain_tangent_kernel(network, jnp.ones((100, 90)), jnp.ones((4, 8, 100)))
    assert how.parameters[0].contraction == "carried"


def test_less_memory_means_smaller_blocks():
    x = jnp.ones((64, 100, 4))
    wide = explain_tangent_kernel(network, jnp.ones((4, 3)), x)
    narrow = explain_tangent_kernel(network, jnp.ones((4, 3)), x, memory=2**17)
    assert wide.rows == 64
    assert narrow.rows < 32
    assert narrow.bytes_needed <= 2**17
