"""One page of reference for every public room, from its list of names."""

from importlib import import_module

ROOMS = (
    "scaling", "data", "model", "kernel", "flow", "forecast", "measure", "observe", "torch", "proxy",
    "experiment", "sweep", "study", "claims", "report",
)  # fmt: skip


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
        names = [n for n in getattr(module, "__all__", ()) if not n.startswith("_")]
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


def _defined(home: str, name: str) -> bool:
    return home.startswith("lazyscope.") and hasattr(import_module(home), name)
