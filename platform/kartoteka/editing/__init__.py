"""Changes to metadata files as programs make them: comments and the rest of the text stay.

``set_value`` and ``remove_value`` change one text; ``customize`` finds the file of an app's own
bundle to change, and ``apply_edits`` writes what it returned.
"""
