"""``check_expression``: a formula's tree held against the registry → its typed value."""

from __future__ import annotations

from kartoteka.conditions.check_condition import Check
from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.expressions import Beside, describe_value
from kartoteka.conditions.functions import NUMBERS
from kartoteka.conditions.syntax import Condition
from kartoteka.conditions.typed import Constant, Expression, FieldPath, ValueKind, kind_of
from kartoteka.model.field import Field
from kartoteka.registry import Registry


def check_expression(
    expression: Condition, registry: Registry, entity_name: str, *, for_field: Field | None = None
) -> Expression:
    """Return the meaning of a value of records of an entity.

    With ``for_field``, a field of that entity, texts may name its options, and the value must be of
    its kind; any number suits any number field. A condition is a value of yes or no.

    Raises:
        ConditionError: A name is unknown, or values do not suit one another or the field.
    """
    check = Check(registry, entity_name)
    if for_field is None:
        return check.expressions.together((expression,))[0][0]
    kind = kind_of(for_field)
    if kind is None or kind is ValueKind.OPTIONS:
        raise ConditionError(
            f'nothing can be worked out for "{for_field.name}" ({for_field.type})',
            expression.offset,
        )
    beside = Beside(kind, FieldPath((), entity_name, for_field, kind))
    (value,), _ = check.expressions.together((expression,), beside)
    is_empty = isinstance(value, Constant) and value.value is None
    if is_empty or value.kind is kind or {value.kind, kind} <= NUMBERS:
        return value
    raise ConditionError(
        f'{describe_value(value, expression)} does not suit "{for_field.name}" ({for_field.type})',
        expression.offset,
        "write date(…)" if kind is ValueKind.DATE and value.kind is ValueKind.INSTANT else "",
    )
