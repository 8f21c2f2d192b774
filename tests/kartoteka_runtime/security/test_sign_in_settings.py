"""The section ``sign_in`` of kartoteka.yaml: what it gives, and what a mistake in it says."""

from __future__ import annotations

import pytest

from kartoteka_runtime.app_folder import AppFolderError, load_app_folder

OFFICE = "name: office, issuer: 'https://id.example/a', client_id: k"


def provider(more: str) -> str:
    return f"sign_in: {{ providers: [{{ {OFFICE}, {more} }}] }}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("sign_in: yes please", "sign_in must hold keys"),
        ("sign_in: { providers: 5 }", "providers must be a list"),
        ("sign_in: { provider: [] }", "unknown key 'provider'"),
        ("sign_in: { require_second_factor: always }", "one of none, administrators, everyone"),
        ("sign_in: { providers: [{ name: Office }] }", "small letters"),
        ("sign_in: { providers: [{ name: office }] }", "issuer must be a text"),
        ("sign_in: { providers: [{ name: a, issuer: 'http://id.example' }] }", "https address"),
        ("sign_in: { providers: [{ name: a, issuer: 'https://u:p@id.example' }] }", "https"),
        ("sign_in: { providers: [{ name: a, issuer: 'https://id.example/?a=1' }] }", "https"),
        ("sign_in: { providers: [{ name: a, issuer: 'https://[id' }] }", "https address"),
        (f"sign_in: {{ providers: [{{ {OFFICE} }}, {{ {OFFICE} }}] }}", "two providers"),
        (provider("client_secret: oops"), "unknown key 'client_secret'"),
        (provider("link_by_email: 1"), "link_by_email must be true or false"),
        (provider("scopes: openid"), "scopes must be a list"),
        (provider("provision: { claims: { mail: a } }"), "unknown key 'mail'"),
        (provider("provision: { roles: [{ claim: a, value: b }] }"), "role must be a text"),
        (provider("provision: { roles: [{ claim: a, value: 5, role: c }] }"), "value must be"),
        (provider("provision: { teams: { claim: a } }"), "teams must be a list"),
    ],
)
def test_a_mistake_in_how_people_sign_in_is_told(tmp_path, text, told):
    (tmp_path / "kartoteka.yaml").write_text(text)
    with pytest.raises(AppFolderError, match=told):
        load_app_folder(tmp_path)


def test_the_environment_wins_and_alone_has_the_secret(tmp_path, monkeypatch):
    (tmp_path / "kartoteka.yaml").write_text(provider("provision: null"))
    monkeypatch.setenv("KARTOTEKA_OIDC_OFFICE_CLIENT_SECRET", "hush")
    monkeypatch.setenv("KARTOTEKA_OIDC_OFFICE_ISSUER", "https://test.example")
    found = load_app_folder(tmp_path).sign_in.providers[0]
    assert (found.issuer, found.client_id, found.client_secret) == (
        "https://test.example", "k", "hush",
    )  # fmt: skip
    assert "hush" not in repr(found)
    assert found.scopes == ("openid", "profile", "email")
    assert found.provisioning is not None
    monkeypatch.setenv("KARTOTEKA_OIDC_OFFICE_ISSUER", "http://test.example")
    with pytest.raises(AppFolderError, match="https"):
        load_app_folder(tmp_path)
