"""AppFolder: a customizer's folder with ``kartoteka.yaml`` and ``metadata/``, made a registry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from kartoteka.assembly import LoadedBundle, assemble, load_bundles
from kartoteka.base_metadata import base_folder
from kartoteka.errors import KartotekaError
from kartoteka.plugin_api.discovery import discover_plugins, plugin_manager
from kartoteka.plugin_api.plugin import Plugin
from kartoteka.registry import Registry
from kartoteka_runtime.records import access_teams, role_giving, webhook_rules
from kartoteka_runtime.records.hook_table import (
    HookTable,
    build_hook_table,
    with_jobs,
    with_operations,
)
from kartoteka_runtime.records.organization_rules import handlers as organization_rules
from kartoteka_runtime.security.sign_in_settings import (
    SignInSettings,
    SignInSettingsError,
    read_sign_in,
)

_KEYS = {
    "name",
    "label",
    "plugins",
    "languages",
    "base_language",
    "currency",
    "standalone",
    "sign_in",
}


class AppFolderError(KartotekaError):
    """The folder is no app, or its ``kartoteka.yaml`` has a mistake; the message says which."""


@dataclass(frozen=True)
class BaseCurrency:
    """The currency in which base amounts are kept; fixed with the first publish."""

    code: str = "EUR"
    symbol: str = "€"
    name: str = "Euro"
    precision: int = 2


@dataclass(frozen=True)
class AppFolder:
    """What ``kartoteka.yaml`` says, with the plugins it names.

    The ``metadata/`` of a standalone app holds everything: neither base nor plugins add to it,
    though plugins still bring their hooks.
    """

    folder: Path
    name: str
    label: str
    plugins: tuple[Plugin, ...]
    languages: tuple[str, ...] = ("en",)
    base_language: str = "en"
    currency: BaseCurrency = field(default_factory=BaseCurrency)
    is_standalone: bool = False
    sign_in: SignInSettings = field(default_factory=SignInSettings)

    @property
    def bundle_folders(self) -> tuple[Path, ...]:
        """Return the folders of all bundles, lowest layer first."""
        own = self.folder / "metadata"
        if self.is_standalone:
            return (own,)
        layers = [base_folder(), *(plugin.metadata_folder for plugin in self.plugins)]
        return (*layers, own) if own.is_dir() else tuple(layers)

    def hooks(self) -> HookTable:
        """Return what the app's plugins registered, beside the platform's own handlers."""
        return hooks_of(self.plugins)

    def registry(self, bundles: Sequence[LoadedBundle] | None = None) -> Registry:
        """Return the checked registry of base, plugins and app.

        Args:
            bundles: What the folders hold, for who has read them; by default they are read.

        Raises:
            MetadataError: The metadata has mistakes; all of them are listed.
        """
        hooks = self.hooks()
        return assemble(
            load_bundles(self.bundle_folders) if bundles is None else bundles,
            command_handlers=frozenset(hooks.command_handlers),
            panels=frozenset(hooks.panels),
            languages=self.languages,
            base_language=self.base_language,
        )


def hooks_of(plugins: Sequence[Plugin]) -> HookTable:
    """Return what plugins registered, beside the platform's own handlers."""
    manager = plugin_manager(plugins)
    table = build_hook_table(
        [
            *organization_rules.RECORD_HANDLERS,
            *role_giving.RECORD_HANDLERS,
            *access_teams.RECORD_HANDLERS,
            *(item for items in manager.hook.record_handlers() for item in items),
        ],
        [
            *organization_rules.COMMAND_HANDLERS,
            *webhook_rules.COMMAND_HANDLERS,
            *(item for items in manager.hook.command_handlers() for item in items),
        ],
        [
            access_teams.MEMBERS_PANEL,
            *(item for items in manager.hook.panels() for item in items),
        ],
    )
    table = with_operations(
        table, [item for items in manager.hook.api_operations() for item in items]
    )
    return with_jobs(
        table,
        [item for items in manager.hook.job_handlers() for item in items],
        [item for items in manager.hook.job_queues() for item in items],
        [item for items in manager.hook.schedules() for item in items],
    )


def load_app_folder(folder: Path) -> AppFolder:
    """Return the app in ``folder``.

    Raises:
        AppFolderError: There is no ``kartoteka.yaml``, or it has a mistake.
        PluginError: A plugin it names is not installed or cannot be loaded.
    """
    path = folder / "kartoteka.yaml"
    if not path.is_file():
        raise AppFolderError(
            f"{folder} is no app: it has no kartoteka.yaml; `kartoteka new app NAME` makes one"
        )
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise AppFolderError(f"{path} cannot be read: {error}") from error
    except RecursionError as error:
        raise AppFolderError(f"{path} cannot be read: it is nested too deeply") from error
    if not isinstance(said, dict):
        raise AppFolderError(f"{path} must hold keys such as name, plugins and languages")
    unknown = sorted(set(said) - _KEYS, key=str)
    if unknown:
        raise AppFolderError(
            f"{path}: unknown key {unknown[0]!r}; known are {', '.join(sorted(_KEYS))}"
        )
    languages = _texts(path, said, "languages", ["en"])
    base_language = said.get("base_language", "en")
    if base_language not in languages:
        raise AppFolderError(f"{path}: base_language {base_language!r} is not one of languages")
    return AppFolder(
        folder=folder,
        name=str(said.get("name", folder.name)),
        label=str(said.get("label", said.get("name", folder.name))),
        plugins=discover_plugins(_texts(path, said, "plugins", [])),
        languages=tuple(languages),
        base_language=base_language,
        currency=_currency(path, said.get("currency", {})),
        is_standalone=_standalone(path, said),
        sign_in=_sign_in(path, said),
    )


def _sign_in(path: Path, said: dict[str, Any]) -> SignInSettings:
    try:
        return read_sign_in(said.get("sign_in", {}))
    except SignInSettingsError as error:
        raise AppFolderError(f"{path}: {error}") from error


def _standalone(path: Path, said: dict[str, Any]) -> bool:
    value = said.get("standalone", False)
    if not isinstance(value, bool):
        raise AppFolderError(f"{path}: standalone must be true or false")
    if value and not (path.parent / "metadata").is_dir():
        raise AppFolderError(
            f"{path}: a standalone app keeps everything in metadata/, which is not there"
        )
    return value


def _texts(path: Path, said: dict[str, Any], key: str, default: Sequence[str]) -> list[str]:
    value = said.get(key, list(default))
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise AppFolderError(f"{path}: {key} must be a list of names, such as [{key[:2]}, …]")
    return value


def _currency(path: Path, said: Any) -> BaseCurrency:
    if not isinstance(said, dict):
        raise AppFolderError(f"{path}: currency must hold code, symbol, name and precision")
    try:
        currency = BaseCurrency(**said)
    except TypeError:
        raise AppFolderError(
            f"{path}: currency takes code, symbol, name and precision, nothing else"
        ) from None
    for key, longest in (("code", 5), ("symbol", 10), ("name", 100)):
        text = getattr(currency, key)
        if not isinstance(text, str) or not 0 < len(text.strip()) <= longest:
            raise AppFolderError(
                f"{path}: the currency's {key} must be a text of 1 to {longest} characters"
            )
    if type(currency.precision) is not int or not 0 <= currency.precision <= 4:
        raise AppFolderError(f"{path}: the currency's precision must be a number from 0 to 4")
    return currency
