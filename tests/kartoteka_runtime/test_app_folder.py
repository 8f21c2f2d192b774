"""kartoteka.yaml: every mistake in it is told with its place, none ends in a traceback."""

from __future__ import annotations

import pytest

from kartoteka_runtime.app_folder import AppFolderError, load_app_folder


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: [", "cannot be read"),
        ("[" * 5000, "nested too deeply"),
        ("- a", "must hold keys"),
        ("nmae: x", "unknown key 'nmae'"),
        ("languages: [5]", "languages must be a list"),
        ("plugins: sales", "plugins must be a list"),
        ("base_language: { a: 1 }", "is not one of languages"),
        ("currency: EUR", "currency must hold"),
        ("currency: { rate: 5 }", "nothing else"),
        ("currency: { code: 5 }", "currency's code must be a text of 1 to 5"),
        ("currency: { symbol: [x] }", "currency's symbol must be a text"),
        ("currency: { name: null }", "currency's name must be a text"),
        ("currency: { precision: 9 }", "currency's precision must be a number from 0 to 4"),
    ],
)
def test_a_mistake_in_the_app_is_told_with_its_file(tmp_path, text, told):
    (tmp_path / "kartoteka.yaml").write_text(text)
    with pytest.raises(AppFolderError, match=told) as refused:
        load_app_folder(tmp_path)
    assert str(tmp_path / "kartoteka.yaml") in str(refused.value)


def test_what_is_no_text_or_no_app_is_told(tmp_path):
    with pytest.raises(AppFolderError, match="is no app"):
        load_app_folder(tmp_path)
    (tmp_path / "kartoteka.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(AppFolderError, match="cannot be read"):
        load_app_folder(tmp_path)
