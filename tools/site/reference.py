"""One page of reference for every public room, from its list of names."""

from importlib import import_module
from types import ModuleType
from typing import Any

ROOMS = (
    "scaling", "data", "model", "composed", "kernel", "operator", "estimators", "flow", "forecast", "measure",
    "observe", "torch", "proxy", "monte_carlo", "experiment", "sweep", "study", "claims", "report",
)  # fmt: skip
"""All that `lazyscope` offers, in the order in which a reader meets them."""


def reference_pages() -> dict[str, str]:
    """Markdown by address, `api/index.md` first."""
    lines = [
        "# Python",
        "",
        "Every public name, by the room that it lives in. Names of `lazyscope` itself are in the first list.",
        "",
    ]
    top = import_module("lazyscope")
    homes = {name: home.split(".")[1] for name, home in top._HOMES.items()}
    pages: dict[str, str] = {}
    for room in ROOMS:
        module = import_module(f"lazyscope.{room}")
        names = public_names(module)
        question = (module.__doc__ or "").strip().splitlines()[0]
        body = [f"# lazyscope.{room}", "", question, ""]
        for name in names:
            home = getattr(getattr(module, name), "__module__", None) or module.__name__
            address = f"{home}.{name}" if _defined(home, name) else f"lazyscope.{room}.{name}"
            body += [f"::: {address}", ""]
        pages[f"api/{room}.md"] = "\n".join(body)
        lines.append(f"- [lazyscope.{room}]({room}.md): {question} {len(names)} names.")
    lines += ["", "## Names of the package", "", "| name | room |", "|---|---|"]
    lines += [
        f"| `{n}` | [{r}]({r}.md) |" if r in ROOMS else f"| `{n}` | |"
        for n, r in sorted(homes.items())
    ]
    return {"api/index.md": "\n".join(lines) + "\n", **pages}


def public_names(module: ModuleType) -> list[str]:
    """The list of names of a room, or every class and function of ours that it holds."""
    ours = (n for n, v in vars(module).items() if _is_offered(n, v))
    return [n for n in getattr(module, "__all__", None) or sorted(ours) if not n.startswith("_")]


def _is_offered(name: str, value: Any) -> bool:
    ours = (getattr(value, "__module__", None) or "").startswith("lazyscope")
    return ours and not (name.startswith("_") or isinstance(value, ModuleType))


def _defined(home: str, name: str) -> bool:
    return home.startswith("lazyscope.") and hasattr(import_module(home), name)
