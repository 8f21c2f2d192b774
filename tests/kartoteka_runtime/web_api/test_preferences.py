"""The ``Prefer`` header as clients send it."""

from __future__ import annotations

from kartoteka_runtime.web_api.preferences import Preferences, read_preferences

FORMATTED = "OData.Community.Display.V1.FormattedValue"
LOGICAL = "Microsoft.Dynamics.CRM.lookuplogicalname"


def test_headers_are_read_as_clients_write_them():
    for header, expected in {
        "": Preferences(),
        ";;,=,": Preferences(),
        "odata.maxpagesize=5": Preferences(5),
        "odata.maxpagesize=0": Preferences(1),
        "odata.maxpagesize=x": Preferences(),
        "odata.maxpagesize=" + "9" * 5000: Preferences(),
        "return=representation": Preferences(wants_record=True),
        "return=minimal": Preferences(),
        f'odata.include-annotations="{FORMATTED}"': Preferences(0, (FORMATTED,)),
        f"odata.include-annotations={FORMATTED}": Preferences(0, (FORMATTED,)),
        f"odata.include-annotations={FORMATTED},{LOGICAL},odata.maxpagesize=3": Preferences(
            3, (FORMATTED, LOGICAL)
        ),
        "odata.include-annotations=*,return=representation": Preferences(0, ("*",), True),
        'odata.maxpagesize=3, odata.include-annotations="OData.*,-a.b"': Preferences(
            3, ("OData.*", "-a.b")
        ),
        'odata.include-annotations="*\r\nx: y"': Preferences(),
        'odata.include-annotations="*': Preferences(),
    }.items():
        assert (header[:60], read_preferences(header)) == (header[:60], expected)


def test_annotations_are_wanted_by_name_by_beginning_or_all_of_them():
    for names, wanted in {
        (): (False, False), ("*",): (True, True), ("OData.*",): (True, False),
        (FORMATTED,): (True, False), (FORMATTED.lower(),): (True, False),
        ("*", f"-{FORMATTED}"): (False, True), ("-*",): (False, False), ("OData",): (False, False),
    }.items():  # fmt: skip
        preferences = Preferences(0, names)
        assert (preferences.wants(FORMATTED), preferences.wants(LOGICAL)) == wanted


def test_what_was_applied_is_told():
    preferences = Preferences(7000, ("*",))
    assert preferences.applied(5000) == 'odata.maxpagesize=5000,odata.include-annotations="*"'
    assert preferences.applied() == 'odata.include-annotations="*"'
    assert Preferences().applied(5000) == ""
