"""Plugin: what a package hands to Kartoteka through its entry point."""

from __future__ import annotations

import inspect
from pathlib import Path


class Plugin:
    """A bundle of metadata with the behaviour that belongs to it.

    A plugin subclasses this, sets ``name`` and ``requires`` and implements hooks with
    ``@hookimpl``. Its metadata lies in ``metadata/`` beside the module of the class.
    """

    name: str = ""
    requires: tuple[str, ...] = ()  # names of plugins that must come first
    works_with: tuple[str, ...] = ()  # those that come first when an app has them

    @property
    def folder(self) -> Path:
        """Return the folder of the plugin's package."""
        return Path(inspect.getfile(type(self))).parent

    @property
    def metadata_folder(self) -> Path:
        """Return the folder of the plugin's bundle."""
        return self.folder / "metadata"
