"""How is an object made that was asked for, from what was given in its place?"""

from typing import Any

_OPTIMISERS = ("adam", "adamw", "sgd", "momentum", "sign", "lion", "muon")
_METHODS = {
    "flow": "lazyscope.ExponentialFlow()",
    "descent": "lazyscope.GradientDescent(stability_fraction=0.5)",
    **{
        name: f"lazyscope.flow.OptimiserSteps({name!r}, step_size=0.001)"
        for name in _OPTIMISERS
        if name != "adamw"
    },
    "adamw": "lazyscope.flow.OptimiserSteps('adam', step_size=0.001, weight_decay=0.01)",
}
_LOSSES = {
    "squared": "lazyscope.flow.SquaredLoss()",
    "cross-entropy": "lazyscope.flow.CrossEntropy()",
}


def how_made(kind: type, value: Any) -> str:
    """What to write where an object of `kind` is asked for, with as much of `value` as can be used.

    Example:
        >>> class Scheme: ...
        >>> how_made(Scheme, "mup").partition(" ")[2]
        "lazyscope.named_scheme('mup', depth=2, input_dim=64), at depth and input size of the network"
        >>> how_made(Scheme, Scheme)
        'give an object of it, Scheme(..), not the class'
    """
    if isinstance(value, type) and issubclass(value, kind):
        return f"give an object of it, {value.__name__}(..), not the class"
    text = value if isinstance(value, str) else ""
    name = kind.__name__
    if name == "Scheme":
        return (
            f"give lazyscope.named_scheme({text or 'lecun'!r}, depth=2, input_dim=64), at depth and input "
            "size of the network"
        )
    if name == "SingleRun":
        return "give lazyscope.SingleRun(data, scheme, width=256)"
    if name == "Dataset":
        return (
            f"give lazyscope.load_dataset({text or 'digits'!r}, num_points=64), or arrays as "
            "lazyscope.Dataset.from_arrays(x, y)"
        )
    if name == "AbstractMethod":
        return f"give {_METHODS[text]}" if text in _METHODS else _one_of(_METHODS)
    if name == "AbstractLoss":
        return f"give {_LOSSES[text]}" if text in _LOSSES else _one_of(_LOSSES)
    return f"give {'an' if name[:1] in 'AEIOU' else 'a'} {name}"


def _one_of(known: dict[str, str]) -> str:
    """The first ways to make it, in words of a list."""
    first = list(known.values())[:3]
    return f"give {', '.join(first[:-1])} or {first[-1]}"
