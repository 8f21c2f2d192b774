"""Posts that no page of ours can have sent are refused with a plain page, and change nothing."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
async def record(visitor):
    """Give the address and the form of a stored record."""
    address = await visitor.create("sample", name="Groomer")
    return address, (await visitor.open(address)).form


def without(form, name):
    return [pair for pair in form.inputs if pair[0] != name]


async def test_a_post_without_a_token_is_forbidden(visitor, record):
    address, form = record
    answer = await visitor.post(address, without(form, "_token"))
    assert answer.status == 403
    assert "expired or did not come from this page" in answer.text


async def test_a_post_with_the_token_of_another_session_is_forbidden(visit, record):
    address, form = record
    other = await visit("salesperson")
    answer = await other.post(address, form.inputs)
    assert answer.status == 403


async def test_a_post_that_another_site_sent_is_forbidden(visitor, record):
    address, form = record
    answer = await visitor.post(address, form.inputs, sec_fetch_site="cross-site")
    assert answer.status == 403


async def test_the_token_may_come_in_a_header(visitor, record):
    address, form = record
    token = form.values["_token"]
    answer = await visitor.post(address, without(form, "_token"), x_csrf_token=token)
    assert answer.status == 303


async def test_inputs_that_the_form_does_not_have_are_a_bad_request(visitor, record):
    address, form = record
    for damage in (
        ("nonsense", "1"),
        ("createdon", "2031-01-01"),  # the form only shows it
        ("name", "Twice"),
        ("_original", "{"),
    ):
        answer = await visitor.post(address, [*form.inputs, damage])
        assert (damage, answer.status) == (damage, 400)
        assert "could not be understood" in answer.text


async def test_damaged_hidden_inputs_are_a_bad_request(visitor, record):
    address, form = record
    for name, value in (
        ("_version", ""),
        ("_version", "-1"),
        ("_version", "1e3"),
        ("_version", "9" * 30),
        ("_original", "{"),
        ("_original", "[]"),
        ("_original", '{"name": 5}'),
        ("_then", "command/none"),
        ("_then", "../../settings"),
    ):
        answer = await visitor.post(address, [*without(form, name), (name, value)])
        assert (name, value, answer.status) == (name, value, 400)


async def test_damaged_encodings_are_a_bad_request(visitor, record):
    address, form = record
    token = form.values["_token"]
    for body in (b"name=%ff%fe", b"name=\xff", b"name=a%00b"):
        answer = await visitor.post(address, f"_token={token}&".encode() + body)
        assert answer.status == 400


async def test_other_content_types_are_a_bad_request(visitor, record):
    address, form = record
    body = json.dumps(form.values).encode()
    for kind in ("application/json", "text/plain", "multipart/form-data; boundary=x", ""):
        answer = await visitor.post(address, body, content_type=kind)
        assert answer.status == 400


async def test_too_many_inputs_and_too_large_posts_are_refused(visitor, record):
    address, form = record
    many = [*form.inputs, *((f"x{number}", "") for number in range(3000))]
    assert (await visitor.post(address, many)).status == 400
    assert (await visitor.post(address, b"name=" + b"x" * 5_000_000)).status == 413


async def test_references_to_what_a_lookup_cannot_name_are_refused(visitor, record):
    address, form = record
    missing = "sample:00000000-0000-7000-8000-000000000000"

    def changed(ref):
        kept = [pair for pair in form.inputs if not pair[0].startswith("parent")]
        return [*kept, ("parent", "X"), ("parent.ref", ref), ("parent.of", "X")]

    assert (await visitor.post(address, changed("systemuser:1"))).status == 400
    assert (await visitor.post(address, changed("nonsense"))).status == 400
    assert (await visitor.post(address, changed("sample:not-an-id"))).status == 400
    assert (await visitor.post(address, changed(missing))).status == 422


async def test_nothing_was_written_by_any_of_them(visitor, record):
    address, form = record
    await visitor.post(address, [*without(form, "name"), ("name", "Forged"), ("nonsense", "1")])
    assert (await visitor.open(address)).form.values["name"] == "Groomer"


async def test_strangers_are_sent_to_sign_in_and_back(stranger):
    answer = await stranger.open("/e/sample?q=x")
    assert answer.status == 303
    assert answer.address == "/sign-in?next=%2Fe%2Fsample%3Fq%3Dx"
    assert (await stranger.post("/e/sample/new", [("name", "x")])).status == 303


async def test_what_there_is_not_is_not_found(visitor):
    missing = "00000000-0000-7000-8000-000000000000"
    for address in (
        "/e/none",
        "/e/none/new",
        "/e/sample/not-an-id",
        f"/e/sample/{missing}",
        "/e/sample?view=none",
        f"/e/sample/{missing}/delete",
        f"/e/sample/{missing}/command/none",
        f"/e/sample/{missing}/part/sample_main/subgrid/none",
        f"/e/sample/{missing}/link/none",
        "/lookup/none",
        "/area/none",
        "/nothing/here",
        "/e/sample/new?form=none",
    ):
        answer = await visitor.open(address)
        assert (address, answer.status) == (address, 404)
        assert "There is no such page or record" in answer.text


async def test_damaged_list_addresses_are_a_bad_request(visitor):
    for query in ("sort=none", "after=nonsense", "by=parent", "by=none&of=sample:1", "of=sample:1"):
        answer = await visitor.open(f"/e/sample?{query}")
        assert (query, answer.status) == (query, 400)


async def test_a_wrong_method_says_what_is_allowed(visitor):
    answer = await visitor.open("/sign-out")
    assert answer.status == 405
    assert answer.response.headers["allow"] == "POST"
