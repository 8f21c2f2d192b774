"""The meaning of metadata as frozen dataclasses: no I/O, no rule that needs two files."""
