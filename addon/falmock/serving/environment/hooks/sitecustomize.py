"""Makes aiohttp use the proxy that the environment names. Python loads this module at its start, from PYTHONPATH.

It runs in the Python of the program, whichever that is, and at each start: so it has no new syntax and imports nothing of
falmock's and nothing that takes time. A `sitecustomize` of the program's own, which it hides, is loaded after it.
"""

import os
import sys

_CLIENT = "aiohttp.client"
_HERE = os.path.dirname(os.path.abspath(__file__))


class _Finder:
    """Waits for the import of aiohttp's client, and finds nothing else."""

    def find_spec(self, name, path=None, target=None):
        if name != _CLIENT:
            return None
        sys.meta_path.remove(self)
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                spec.loader = _Loader(spec.loader)
                return spec
        return None


class _Loader:
    """Loads aiohttp's client as its own loader does, and then changes a default."""

    def __init__(self, loader):
        self._loader = loader

    def __getattr__(self, name):
        return getattr(self._loader, name)

    def exec_module(self, module):
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        session = getattr(module, "ClientSession", None)
        defaults = getattr(getattr(session, "__init__", None), "__kwdefaults__", None) or {}
        if "trust_env" in defaults:
            defaults["trust_env"] = True


def _load_the_hidden_one():
    places = [place for place, path in enumerate(sys.path) if path == _HERE]
    sys.path[:] = [path for path in sys.path if path != _HERE]
    this = sys.modules.pop("sitecustomize", None)
    try:
        import sitecustomize  # noqa: F401
    except ImportError as error:
        if getattr(error, "name", "") != "sitecustomize":
            raise
    finally:
        if this is not None:
            sys.modules.setdefault("sitecustomize", this)
        for place in places:
            sys.path.insert(place, _HERE)


if not any(type(finder).__name__ == "_Finder" for finder in sys.meta_path):
    sys.meta_path.insert(0, _Finder())
    _load_the_hidden_one()
