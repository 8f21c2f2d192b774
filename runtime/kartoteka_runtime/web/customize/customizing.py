"""Customizing: one request of a customizer, with what the app's files say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from kartoteka.editing.customize import Customization
from kartoteka.editing.edit_error import EditError
from kartoteka.errors import AccessDenied, RecordNotFound
from kartoteka.model.entity import Entity
from kartoteka.registry import Registry
from kartoteka_runtime.app_files import (
    AppFiles,
    Assembled,
    FilesUnusable,
    Mistake,
)
from kartoteka_runtime.web.customize.definition_inputs import InputMaker
from kartoteka_runtime.web.customize.origins import Origins
from kartoteka_runtime.web.entity_model import DEFAULT_ICON, Words, color_class
from kartoteka_runtime.web.page_request import PageRequest

CUSTOMIZE, PUBLISH = "customize", "publish"


class FilesBroken(Exception):
    """The app's files have mistakes: there is nothing to show but those."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        """Keep the mistakes."""
        self.mistakes = tuple(mistakes)
        super().__init__(f"{len(self.mistakes)} mistakes")


class NotSaved(Exception):
    """A change was not written; ``message`` says why, ``mistakes`` what it would have broken."""

    def __init__(self, status: int, message: str, mistakes: Sequence[Mistake] = ()) -> None:
        """Keep what the page shows; ``message`` is a text in the reader's language."""
        self.status = status
        self.message = message
        self.mistakes = tuple(mistakes)
        super().__init__(message)


class Customizing:
    """A customizer's request; ``registry`` is what the files say, published or not."""

    def __init__(self, page: PageRequest, files: AppFiles, assembled: Assembled) -> None:
        """Bind what every customize page needs."""
        if assembled.registry is None:
            raise FilesBroken(assembled.mistakes)
        self.page = page
        self.files = files
        self.assembled = assembled
        self.registry: Registry = assembled.registry
        self.words = Words(self.registry, assembled.labels, page.language)
        self.bundles = {
            info.name: self.words.labels.text(info.label, page.language) or info.name
            for info in self.registry.bundles
        }

    @property
    def entity(self) -> Entity:
        """Return the entity that the address names.

        Raises:
            RecordNotFound: The files have none of that name.
        """
        entity = self.registry.entities.get(self.page.entity_name)
        if entity is None:
            raise RecordNotFound(self.page.entity_name, "")
        return entity

    @property
    def is_published(self) -> bool:
        """Return whether what the files say is live."""
        return self.page.published.fingerprint == self.assembled.fingerprint

    @property
    def own_bundle(self) -> str:
        """Return the name of the app's own bundle; "" while it has none."""
        return self.registry.bundles[-1].name if self.files.bundle_folder.is_dir() else ""

    @property
    def prefix(self) -> str:
        """Return what names that the app adds to others' definitions begin with."""
        return self.registry.bundles[-1].prefix if self.own_bundle else ""

    @property
    def changed_entities(self) -> frozenset[str]:
        """Return the entities of other bundles that the app's own files say something about."""
        own = self.own_bundle
        return frozenset(
            name
            for kind, name in self.assembled.own_says
            if kind == "entity" and self.registry.entities[name].bundle != own
        )

    def shown_file(self, file: str) -> str:
        """Return a file as people know it."""
        return self.files.shown(file, self.assembled.root)

    def bundle(self, name: str) -> str:
        """Return what a bundle is called."""
        return self.bundles.get(name, name)

    def inputs_of(self, kind: str, name: str) -> InputMaker:
        """Return what makes the inputs of a definition."""
        origins = Origins(
            self.registry, kind, name, shown_file=self.shown_file, shown_bundle=self.bundle
        )
        return InputMaker(self.registry, self.words, (kind, name), origins)

    async def save(self, *changes: Customization) -> None:
        """Write changes to the app's files, if what comes of it has no mistakes.

        Raises:
            NotSaved: It has, or a file cannot be written, or another customizer wrote it meanwhile.
        """
        page = self.page
        try:
            tried = await self.files.tried(changes)
        except EditError as refused:
            raise NotSaved(422, self._plain(refused)) from refused
        except FilesUnusable as unusable:
            text = page.text("customize.cannot_read", reason=self._plain(unusable))
            raise NotSaved(503, text) from unusable
        if tried.assembled.registry is None:
            text = page.text("customize.not_saved")
            raise NotSaved(422, text, tried.assembled.mistakes)
        try:
            await self.files.write(tried)
        except EditError as conflict:
            raise NotSaved(409, page.text("customize.file_changed")) from conflict
        except FilesUnusable as unusable:
            text = page.text("customize.cannot_write", reason=self._plain(unusable))
            raise NotSaved(503, text) from unusable

    def _plain(self, error: Exception) -> str:
        """Return what an error says, files named from the app's folder."""
        return str(error).replace(f"{self.files.bundle_folder.parent}/", "")

    def render(self, template: str, *, title: str, part: str = "", **values: Any) -> Response:
        """Return a page about the entity that the address names, or about none."""
        page = self.page
        named = self.registry.entities.get(page.entity_name)
        values.setdefault("status", 200)
        values.setdefault("problem", "")
        values.setdefault("mistakes", ())
        return page.render(
            template,
            title=title,
            part=part,
            about=None if named is None else self.about(named),
            is_published=self.is_published,
            **values,
        )

    def about(self, entity: Entity) -> dict[str, Any]:
        """Return what pages say of an entity."""
        page, language = self.page, self.page.language
        icon = page.pages.icon(entity.icon or DEFAULT_ICON)
        return {
            "name": entity.name,
            "label": self.words.labels.entity(entity.name, language),
            "plural": self.words.labels.entities(entity.name, language),
            "icon": icon,
            "color": color_class(entity.color),
            "bundle": self.bundle(entity.bundle),
            "address": customize_address(entity.name),
            "parts": [
                (part, customize_address(entity.name, part), page.text(f"customize.part.{part}"))
                for part in PARTS
            ],
            "records": f"/e/{entity.name}" if entity.name in page.registry.entities else "",
        }


PARTS = ("general", "fields", "forms", "views", "access")


def customize_address(entity: str, part: str = "general", name: str = "") -> str:
    """Return the address of a customize page."""
    if part == "general" and entity != "plan":  # whose page would be that of the plan
        return f"/customize/{entity}"
    return "/".join(("/customize", entity, part, *((name,) if name else ())))


async def customizing(page: PageRequest) -> Customizing:
    """Return the request as a customizer's.

    Raises:
        AccessDenied: The principal may not customize.
        FilesBroken: The files have mistakes.
        FilesUnusable: The files cannot be read.
    """
    if not page.may(CUSTOMIZE):
        raise AccessDenied("error.forbidden", {"privilege": CUSTOMIZE})
    files = page.client.app_files
    return Customizing(page, files, await files.assembled())
