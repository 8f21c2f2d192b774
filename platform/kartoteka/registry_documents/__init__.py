"""A registry as metadata files: one canonical document an object, which mean the registry again.

Everything stands written out: fields that groups or the platform add, states, texts of all
languages beside what they label. Only what the loader makes the same by itself is left out.
"""
