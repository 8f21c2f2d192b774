"""``rename``: an object of an app gets another name → the texts of all files that change."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from kartoteka.loading.load_bundle import LoadedBundle
from kartoteka.loading.positioned import Mark, YamlList, YamlMap
from kartoteka.location import Location
from kartoteka.references.reference import ObjectName, Reference
from kartoteka.references.references import references
from kartoteka.registry import Registry
from kartoteka.renaming.renamed_names import (
    NUMBERED,
    CannotRename,
    check_new_name,
    renamed_names,
)
from kartoteka.renaming.written_file import WrittenFile


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file that a rename changes: ``mentions`` counts the names, ``new_file`` is its new name."""

    file: str
    new_file: str
    text: str
    mentions: int


def rename(
    target: ObjectName,
    new: str,
    bundle: LoadedBundle,
    registry: Registry,
    texts: Mapping[str, str],
) -> tuple[ChangedFile, ...]:
    """Return the files of a bundle that change when one of its objects is called ``new``.

    Args:
        target: What is renamed.
        new: Its new name, without the entity or kind before it.
        bundle: The one that defines the object; nothing above it may mention it.
        registry: What all bundles make together, without mistakes.
        texts: ``{file as marks name it: its characters}`` of the whole bundle.

    Raises:
        CannotRename: The object belongs to another bundle or to the platform, or may not be
            called so.
        CannotEdit: The name stands where it cannot be changed safely.
    """
    found = list(references(bundle, registry))
    definition = _definition(target, found, bundle, registry)
    check_new_name(target, new, registry, bundle.info)
    names = {**renamed_names(target, new, registry), definition.target: new}
    written: dict[str, WrittenFile] = {}
    mentions: dict[str, int] = {}
    for reference in found:
        if reference.target in names:
            file = reference.mark.file
            if file not in written:
                written[file] = WrittenFile(file, texts[file])
            written[file].replace_name(
                reference.mark, reference.offset, reference.target.name, names[reference.target]
            )
            mentions[file] = mentions.get(file, 0) + 1
    if target.kind not in NUMBERED:
        holder = _holder_of(definition, bundle)
        _remember(written[definition.mark.file], holder, old=target.name, new=new)
    moved = _moved(target, new, bundle, texts)
    return tuple(
        ChangedFile(file, moved.get(file, file), written[file].changed_text, mentions[file])
        for file in sorted(written)
    )


def _definition(
    target: ObjectName, found: Sequence[Reference], bundle: LoadedBundle, registry: Registry
) -> Reference:
    """Return the place that gives an object of the bundle its name.

    Raises:
        CannotRename: It lies elsewhere.
    """
    place = _place_of(target, registry)
    for reference in found:
        is_meant = reference.is_definition and reference.target[:2] == target[:2]
        if is_meant and _is_at(reference, target, place):
            return reference
    files = {document.content.mark.file for document in bundle.documents}
    raise CannotRename(_why_not(target, place, files, registry))


def _is_at(reference: Reference, target: ObjectName, place: Location) -> bool:
    here = reference.mark  # of the scalar, quotes included
    if target.kind in NUMBERED:  # its place is that of its number
        return reference.target == target and here.file == place.file
    return (here.file, here.line, here.column) == (place.file, place.line, place.column)


def _why_not(target: ObjectName, place: Location, files: Container[str], registry: Registry) -> str:
    called = f'the {_NOUNS.get(target.kind, target.kind)} "{target.name}"'
    if place.file not in files:
        return (
            f"{called} is defined in {place}, which is no part of this app; "
            "it can be called something else by another label"
        )
    if target.kind == "field":
        entity = registry.entities[target.of]
        base_of = entity.field_by_name[target.name].base_of
        base_of = base_of or entity.marks.get(target.name, "")
        if base_of:
            return f'{called} follows "{base_of}"; rename {entity.name}.{base_of}'
        if target.name == entity.primary_id:
            return f'{called} follows "{entity.name}"; rename the entity, or say primary_id'
    return f"{called} comes from the platform, as nothing else is said at {place}; write it out"


_NOUNS = {"column_profile": "column profile", "navigation": "area", "reason": "status reason"}


def _place_of(target: ObjectName, registry: Registry) -> Location:
    """Return where an object is defined; of an option, state or reason, where its number is."""
    match target.kind:
        case "entity":
            return registry.entities[target.name].location
        case "field":
            return registry.entities[target.of].field_by_name[target.name].location
        case "choice":
            return registry.choices[target.name].location
        case "relationship":
            return registry.relationships[target.name].location
        case "form":
            return registry.forms[target.name].location
        case "view":
            return registry.views[target.name].location
        case "role":
            return registry.roles[target.name].location
        case "column_profile":
            return registry.column_profiles[target.name].location
        case "rule":
            return registry.rules[target.name].location
        case "navigation":
            return registry.areas[target.name].location
        case _:
            return registry.sources[_value_path(target, registry)][0].location


def _value_path(target: ObjectName, registry: Registry) -> str:
    """Return the path of the number that an option, state or reason stands for."""
    match target.kind:
        case "state":
            return f"entity/{target.of}/states/{target.name}/value"
        case "reason":
            states = registry.entities[target.of].states
            state = next(s for s in states if any(r.name == target.name for r in s.reasons))
            return f"entity/{target.of}/states/{state.name}/reasons/{target.name}/value"
        case _ if target.of.startswith("choice:"):
            choice = target.of.removeprefix("choice:")
            return f"choice/{choice}/options/{target.name}/value"
        case _:
            entity, field = target.of.split(".")
            return f"entity/{entity}/fields/{field}/options/{target.name}/value"


def _moved(
    target: ObjectName, new: str, bundle: LoadedBundle, texts: Mapping[str, str]
) -> dict[str, str]:
    """Return ``{file: new name}`` of the documents that are called as what they define.

    Raises:
        CannotRename: A file of that name is there already.
    """
    found = {}
    for document in bundle.documents:
        file = PurePosixPath(document.content.mark.file)
        if (document.kind, document.name) == target[:2] and file.stem == target.name:
            found[str(file)] = str(file.with_name(f"{new}.yaml"))
    for name in found.values():
        if name in texts:
            raise CannotRename(f"there is a file {name} already")
    return found


def _holder_of(definition: Reference, bundle: LoadedBundle) -> YamlMap:
    """Return the map whose ``name`` a definition is."""
    for document in bundle.documents:
        if document.content.mark.file == definition.mark.file:
            found = _with_name_at(document.content, definition.mark)
            if found is not None:
                return found
    raise LookupError(definition.mark)


def _with_name_at(value: object, mark: Mark) -> YamlMap | None:
    if isinstance(value, YamlMap) and value.value_marks.get("name") == mark:
        return value
    inner = value.values() if isinstance(value, YamlMap) else value
    for item in inner if isinstance(inner, Iterable) and not isinstance(inner, str) else ():
        found = _with_name_at(item, mark)
        if found is not None:
            return found
    return None


def _remember(file: WrittenFile, holder: YamlMap, *, old: str, new: str) -> None:
    """Let the definition say what it was called before."""
    former = holder.get("renamed_from")
    if former is None:
        name = file.scalar(holder.value_marks["name"])
        if file.holder(holder.mark).is_flow:
            file.replace(name.end, name.end, f", renamed_from: {old}")
        else:
            indentation = " " * (holder.key_marks["name"].column - 1)
            file.insert_line_after(name.end, f"{indentation}renamed_from: {old}")
        return
    mark = holder.value_marks["renamed_from"]
    if isinstance(former, str):
        place = file.scalar(mark)
        wanted = old if former == new else f"[{former}, {old}]"
        file.replace(place.start, place.end, wanted)
    elif isinstance(former, YamlList):
        _remember_in_list(file, former, old=old, new=new)


def _remember_in_list(file: WrittenFile, former: YamlList, *, old: str, new: str) -> None:
    place = file.holder(former.mark)
    if place.is_flow:
        names = [name for name in former if name != new]
        file.replace(place.start, place.end, f"[{', '.join([*names, old])}]")
        return
    for name, mark in former.marked():
        if name == new:
            file.remove_line(file.scalar(mark).start)
    last = former.item_marks[-1]
    dash = " " * (former.mark.column - 1)
    file.insert_line_after(file.scalar(last).end, f"{dash}- {old}")
