"""What differs between two registries, property by property, and each difference as a sentence."""

from kartoteka.definition_changes.compare import definition_changes
from kartoteka.definition_changes.definition_change import ABSENT, Absent, DefinitionChange
from kartoteka.definition_changes.renamed import Renames, renamed
from kartoteka.definition_changes.sentences import sentence

__all__ = [
    "ABSENT",
    "Absent",
    "DefinitionChange",
    "Renames",
    "definition_changes",
    "renamed",
    "sentence",
]
