"""The meaning of metadata as frozen dataclasses: no I/O, no rule that needs two files.

Wherever it stands, ``renamed_from`` holds the names under which something was published before,
newest last; it says where stored data comes from, not what the thing is, so it does not compare.
"""
