"""WebClient: what all pages share; caches keyed by publication, and nothing of any request."""

from __future__ import annotations

from dataclasses import replace

from kartoteka.labels import LabelResolver
from kartoteka_runtime.live_registry import Published
from kartoteka_runtime.localization.money_writers import MoneyWriters
from kartoteka_runtime.publishing import history
from kartoteka_runtime.records.currencies import Currencies
from kartoteka_runtime.runtime_parts import Publisher, RuntimeParts
from kartoteka_runtime.web.customize.publish_tasks import PublishTasks
from kartoteka_runtime.web.dev_mark import DevMarker
from kartoteka_runtime.web.generated_layout import with_generated_layout
from kartoteka_runtime.web.published_pages import PublishedPages
from kartoteka_runtime.web.static_files import StaticFiles
from kartoteka_runtime.web.theme import Theme, build_theme


class WebClient:
    """Hands out pages and money writers for whatever publication is live."""

    def __init__(
        self, parts: RuntimeParts, publisher: Publisher, *, dev_mark: DevMarker | None = None
    ) -> None:
        """Serve the parts' records; customizers publish with ``publisher``.

        ``dev_mark`` tells the dev server's state, which pages then carry; None without one.
        """
        self.parts = parts
        self.dev_mark = dev_mark
        self.publisher = publisher
        self.publish_tasks = PublishTasks(publisher)
        self.app_files = parts.app_files
        self.static = StaticFiles()
        self._published: Published | None = None
        self._themes: dict[int, Theme] = {}
        self._pages: dict[tuple[int, str], PublishedPages] = {}
        self._currencies = Currencies(parts.records, parts.app_folder.currency.code)

    @property
    def published(self) -> Published:
        """Return the live publication, with layout for entities that have none."""
        live = self.parts.live_registry.current
        if self._published is None or self._published.number != live.number:
            registry = with_generated_layout(live.registry, self.parts.app_folder.label)
            self._published = replace(live, registry=registry)
        return self._published

    async def earlier(self, number: int) -> Published | None:
        """Return an earlier publication, for a form that was made under it; None when unknown."""
        for (known, _), pages in self._pages.items():
            if known == number:
                return pages.published
        async with self.parts.database.reading() as connection:
            found = await history.load(connection, self.parts.database, number)
        if found is None:
            return None
        registry = with_generated_layout(found.registry, self.parts.app_folder.label)
        return Published(number, registry, LabelResolver(registry), found.identities)

    def theme(self, published: Published) -> Theme:
        """Return the theme of a publication."""
        theme = self._themes.get(published.number)
        if theme is None:
            self._forget_before(published.number)
            theme = self._themes[published.number] = build_theme(published.registry)
        return theme

    def pages(self, published: Published, language: str) -> PublishedPages:
        """Return the pages of a publication in a language that it has, or its base language."""
        if language not in published.registry.languages:
            language = published.registry.base_language
        key = (published.number, language)
        pages = self._pages.get(key)
        if pages is None:
            pages = self._pages[key] = PublishedPages(
                published,
                language,
                static=self.static,
                theme=self.theme(published),
                app_label=self.parts.app_folder.label,
                panels=self.parts.records.hooks.panels,
                is_dev=self.dev_mark is not None,
            )
        return pages

    async def money(self, published: Published, language: str) -> MoneyWriters:
        """Return what writes amounts in every currency, as known within the last minute."""
        return await self._currencies.writers(published, language)

    def _forget_before(self, number: int) -> None:
        """Forget publications before the one that a request may still be reading."""
        for key in [key for key in self._pages if key[0] < number - 1]:
            del self._pages[key]
        for old in [old for old in self._themes if old < number - 1]:
            del self._themes[old]
