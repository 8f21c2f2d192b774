"""Choices, multi-choices and yes/no ↔ one another, text and whole numbers.

An option is written as its name. A text is read as an option's name, as one of its labels in any
language (without regard to case and accents), or as its number. Numbers whose option is gone from
the definition stay what they are, from choice to choice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kartoteka.conversions.amounts import number_range
from kartoteka.conversions.conversion import Conversion, DoesNotConvert, unchanged
from kartoteka.conversions.stored_form import stores_alike
from kartoteka.conversions.texts import written
from kartoteka.model.choice import Option
from kartoteka.model.field import Field
from kartoteka.text_folding import fold

SEPARATOR = "; "  # between the options of a multi-choice, when they are written as one text
_MOST_OPTIONS = 150  # of one multi-choice. Source: reference platform, section 1.5
_YES_NO = {0: "false", 1: "true"}


def choice_to_choice(before: Field, after: Field) -> Conversion:
    """Return the conversion that keeps the number; a state or reason must be one of those left."""
    if after.type == "choice":
        return Conversion("none", unchanged)
    known = _numbers(after)
    if _numbers(before) <= known:
        return Conversion("none", _one_of(known))
    return Conversion("checked", _one_of(known))


def choice_to_multi_choice(before: Field, after: Field) -> Conversion:
    """Return the conversion of one option into a set of one."""
    return Conversion("widening", lambda value: (value,))


def multi_choice_to_choice(before: Field, after: Field) -> Conversion:
    """Return the conversion of sets of exactly one option."""
    accept = unchanged if after.type == "choice" else _one_of(_numbers(after))

    def convert(value: tuple[int, ...]) -> int:
        if len(value) != 1:
            names = _names(before)
            text = SEPARATOR.join(names.get(number, str(number)) for number in value)
            raise DoesNotConvert("several_options", value=text)
        number: int = accept(value[0])
        return number

    return Conversion("checked", convert)


def choice_to_text(before: Field, after: Field) -> Conversion:
    """Return the conversion into names of options; a number without an option stays a number."""
    names = _names(before)
    width = max((len(name) for name in names.values()), default=0)
    return written(after, lambda value: names.get(value, str(value)), width)


def multi_choice_to_text(before: Field, after: Field) -> Conversion:
    """Return the conversion into names of options with ``; `` between them."""
    names = _names(before)

    def write(value: tuple[int, ...]) -> str:
        return SEPARATOR.join(names.get(number, str(number)) for number in value)

    return written(after, write, len(SEPARATOR.join(names.values())))


def text_to_choice(before: Field, after: Field) -> Conversion:
    """Return the conversion of names, labels and numbers of options."""
    return Conversion("checked", _reader(after.options))


def text_to_multi_choice(before: Field, after: Field) -> Conversion:
    """Return the conversion of several options with semicolons between them."""
    read = _reader(after.options)

    def convert(value: str) -> tuple[int, ...]:
        parts = [part for part in value.split(";") if part.strip()]
        found = tuple(sorted({read(part) for part in parts}))
        if not found:
            raise DoesNotConvert("not_an_option", value=value)
        if len(found) > _MOST_OPTIONS:
            raise DoesNotConvert("too_many", count=len(found), max=_MOST_OPTIONS)
        return found

    return Conversion("checked", convert)


def choice_to_number(before: Field, after: Field) -> Conversion:
    """Return the conversion of an option into its number, if the range of the field has it."""
    low, high = number_range(after)

    def convert(value: int) -> int:
        if value < low:
            raise DoesNotConvert("too_small", value=value, min=int(low))
        if value > high:
            raise DoesNotConvert("too_large", value=value, max=int(high))
        return value

    if any(not low <= number <= high for number in _numbers(before)):
        return Conversion("checked", convert)
    return Conversion("none" if stores_alike(before, after) else "widening", convert)


def number_to_choice(before: Field, after: Field) -> Conversion:
    """Return the conversion of a whole number into the option that has it."""
    return Conversion("checked", _one_of(_numbers(after)))


def yes_no_to_text(before: Field, after: Field) -> Conversion:
    """Return the conversion into ``true`` and ``false``."""
    return written(after, _YES_NO.__getitem__, len("false"))


def text_to_yes_no(before: Field, after: Field) -> Conversion:
    """Return the conversion of ``true``, ``false``, 1, 0 and the labels of yes and no."""
    read = _reader(after.options)
    return Conversion("checked", lambda value: bool(read(value)))


def yes_no_to_number(before: Field, after: Field) -> Conversion:
    """Return the conversion of yes into 1 and no into 0."""
    numbered = choice_to_number(before, after)
    return Conversion(numbered.kind, lambda value: numbered.convert(int(value)))


def number_to_yes_no(before: Field, after: Field) -> Conversion:
    """Return the conversion of 1 into yes and 0 into no."""
    accept = _one_of(frozenset(_YES_NO))
    return Conversion("checked", lambda value: bool(accept(value)))


def yes_no_to_choice(before: Field, after: Field) -> Conversion:
    """Return the conversion of yes and no into the options that mean them."""
    options = _options_of_yes_no(before, after)

    def convert(value: bool) -> int:
        if value not in options:
            raise DoesNotConvert("not_an_option", value=_YES_NO[value])
        return options[value]

    return Conversion("widening" if len(options) == 2 else "checked", convert)


def choice_to_yes_no(before: Field, after: Field) -> Conversion:
    """Return the conversion of the options that mean yes and no."""
    meaning = {number: value for value, number in _options_of_yes_no(after, before).items()}
    names = _names(before)

    def convert(value: int) -> bool:
        if value not in meaning:
            raise DoesNotConvert("not_an_option", value=names.get(value, str(value)))
        return meaning[value]

    return Conversion("widening" if _numbers(before) <= meaning.keys() else "checked", convert)


def _options_of_yes_no(yes_no: Field, choice: Field) -> Mapping[bool, int]:
    """Return which option means yes and which no: by name or label, else those numbered 1 and 0."""
    read = _reader(choice.options, with_numbers=False)
    found: dict[bool, int] = {}
    for option in yes_no.options:
        for text in (option.name, *option.label.texts.values()):
            try:
                number = read(text)
            except DoesNotConvert:
                continue
            if number not in found.values():
                found[bool(option.value)] = number
                break
    if not found and _numbers(choice) >= _YES_NO.keys():
        return {False: 0, True: 1}
    return found


def _reader(options: tuple[Option, ...], *, with_numbers: bool = True) -> Callable[[str], int]:
    """Return the function from an option's name, label or number, as text, to its number."""
    by_name = {option.name: option.value for option in options}
    by_number = {str(option.value): option.value for option in options if with_numbers}
    by_folded_name: dict[str, set[int]] = {}
    by_label: dict[str, set[int]] = {}
    for option in options:
        by_folded_name.setdefault(fold(option.name), set()).add(option.value)
        for label in option.label.texts.values():
            by_label.setdefault(fold(label.strip()), set()).add(option.value)

    def read(value: str) -> int:
        text = value.strip()
        if text in by_name:
            return by_name[text]
        folded = fold(text)
        found = by_folded_name.get(folded) or by_label.get(folded)
        if found is None:
            if text in by_number:
                return by_number[text]
            raise DoesNotConvert("not_an_option", value=value)
        if len(found) > 1:
            raise DoesNotConvert("ambiguous_option", value=value)
        return next(iter(found))

    return read


def _one_of(numbers: frozenset[int]) -> Callable[[int], int]:
    def accept(value: int) -> int:
        if value not in numbers:
            raise DoesNotConvert("not_an_option", value=str(value))
        return value

    return accept


def _numbers(field: Field) -> frozenset[int]:
    return frozenset(option.value for option in field.options)


def _names(field: Field) -> Mapping[int, str]:
    return {option.value: option.name for option in field.options}
