"""Labels in JSON → texts by language, and what makes present texts the wanted ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kartoteka.editing.customize import REMOVED, Customization
from kartoteka.model.label import Label
from kartoteka_runtime.localization.codes import LANGUAGE_CODES
from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.altering.ground import Ground
from kartoteka_runtime.web_api.altering.json_parts import Body, part_of, parts_of, text_of, whole_of
from kartoteka_runtime.web_api.altering.refusals import bad

_ENGLISH = "en"


def read_texts(body: Body, name: str, ground: Ground) -> dict[str, str] | None:
    """Return ``{language: text}`` of a label; None when the definition does not have it.

    A text in a language that the app does not have is refused;
    English alone is taken for the base language, since that is what clients send who ask nobody.
    """
    label = part_of(body, name)
    if label is None:
        return None
    items = parts_of(label, "LocalizedLabels")
    shown = part_of(label, "UserLocalizedLabel")
    found: dict[str, str] = {}
    for item in items or ([shown] if shown is not None else []):
        text = text_of(item, "Label")
        if text:
            found[_language(item, name, ground)] = text
    registry = ground.registry
    unknown = [language for language in found if language not in registry.languages]
    if unknown == [_ENGLISH] and len(found) == 1:
        return {registry.base_language: found[_ENGLISH]}
    if unknown:
        raise bad(
            f'{name} has a text in the language "{unknown[0]}", which the app does not have; '
            f"it has {', '.join(registry.languages)}."
        )
    return found


def new_texts(texts: Mapping[str, str] | None, ground: Ground) -> dict[str, str]:
    """Return the texts of a new label: with one in the base language, which comes first."""
    found, base = dict(texts or {}), ground.registry.base_language
    if found and base not in found:
        found[base] = found.get(ground.language) or next(iter(found.values()))
    return dict(sorted(found.items(), key=lambda pair: (pair[0] != base, pair[0])))


def text_changes(
    kind: str,
    name: str,
    path: tuple[str, ...],
    present: Label,
    wanted: Mapping[str, str] | None,
    ground: Ground,
) -> Iterator[Customization]:
    """Yield what makes the texts of a label the wanted ones; nothing when they are already."""
    if wanted is None:
        return
    if not present:
        wanted = new_texts(wanted, ground)
    for language, text in wanted.items():
        if ground.labels.text(present, language) != text:
            yield Customization(kind, name, (*path, language), text)
    if ground.merges_labels:
        return
    for language in present.texts.keys() & set(ground.registry.languages):
        is_needed = bool(wanted) and language == ground.registry.base_language
        if language not in wanted and not is_needed:
            yield Customization(kind, name, (*path, language), REMOVED)


def _language(item: Body, name: str, ground: Ground) -> str:
    """Return the language of the app that a label's number stands for."""
    code = whole_of(item, "LanguageCode")
    if code is None:
        return ground.language
    tag = LANGUAGE_CODES.get(code, "")
    if not tag:
        raise bad(f"{name} has the LanguageCode {shorten(code)}, which is not known.")
    plain = tag.partition("_")[0]
    for language in ground.registry.languages:
        if language.replace("-", "_") == tag:
            return language
    return plain
