"""``PowerPlatform-Dataverse-Client``, Microsoft's SDK for Python, against a running server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from PowerPlatform.Dataverse.client import DataverseClient
from PowerPlatform.Dataverse.core.errors import DataverseError, HttpError
from PowerPlatform.Dataverse.models.filters import col
from PowerPlatform.Dataverse.models.upsert import UpsertItem

_NOBODY = "00000000-0000-4000-8000-000000000000"


class _Token:
    """The credential of a program that has a token already."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return AccessToken(self._token, 4_102_444_800)


@contextmanager
def _client(endpoint: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[DataverseClient]:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(endpoint.authority))
    with DataverseClient(endpoint.https, _Token(endpoint.token)) as client:
        yield client


def _read(client: DataverseClient, table: str, record_id: str) -> Any:
    """Return a record that is there."""
    found = client.records.retrieve(table, record_id)
    assert found is not None
    return found


async def _in_thread(endpoint: Any, monkeypatch: pytest.MonkeyPatch, work: Any) -> None:
    def run() -> None:
        with _client(endpoint, monkeypatch) as client:
            work(client)

    await asyncio.to_thread(run)


async def test_records_are_written_and_read(endpoint, monkeypatch):
    def work(client: DataverseClient) -> None:
        records = client.records
        depot = records.create("depot", {"name": "North", "city": "Łódź"})
        crate = records.create(
            "crate", {"name": "A", "code": "A'1", "depot@odata.bind": f"/depots({depot})"}
        )
        many = records.create("crate", [{"name": f"n{n}", "code": f"n{n}", "weight": n}
                                        for n in range(7)])  # fmt: skip
        assert len(set(many)) == 7
        before = _read(client, "crate", crate)
        records.update("crate", crate, {"weight": 5})
        assert _read(client, "crate", crate).etag != before.etag
        records.update("crate", many[:2], {"weight": 50})
        records.update("crate", many[2:4], [{"weight": 60}, {"weight": 61}])
        read = records.retrieve(
            "crate", crate, select=["name", "weight"], expand=["depot"], include_annotations="*"
        )
        assert read is not None
        assert (read["weight"], read["depot"]["city"]) == (5, "Łódź")
        assert records.retrieve("crate", _NOBODY) is None
        pages: list[Any] = list(
            records.list_pages(
                "crate", filter="startswith(code,'n')", page_size=3, select=["code", "weight"],
                orderby=["weight desc", "code"],
            )
        )  # fmt: skip
        assert [len(page) for page in pages] == [3, 3, 1]
        assert [row["code"] for row in pages[0]] == ["n3", "n2", "n0"]
        with pytest.raises(HttpError, match="nosuch"):
            records.create("crate", {"nosuch": 1})
        with pytest.raises(HttpError):
            records.update("crate", _NOBODY, {"weight": 1})
        records.upsert("crate", [UpsertItem({"code": "u1"}, {"name": "U", "weight": 1})])
        records.upsert(
            "crate",
            [UpsertItem({"code": code}, {"name": code, "weight": 2}) for code in ("u1", "u2")],
        )
        found = records.list("crate", filter="startswith(code,'u')", orderby=["code"])
        assert [(row["name"], row["weight"]) for row in found] == [("u1", 2), ("u2", 2)]
        records.delete("crate", crate)
        with pytest.raises(HttpError):
            records.delete("crate", crate)
        assert records.delete("crate", many[:3])

    await _in_thread(endpoint, monkeypatch, work)
    await endpoint.app.run_jobs()
    assert await endpoint.app.system_records.count("crate", filter="startswith(code,'n')") == 4


async def test_queries_in_three_languages(endpoint, monkeypatch):
    def work(client: DataverseClient) -> None:
        depot = client.records.create("depot", {"name": "North"})
        client.records.create("crate", [
            {"name": f"n{n}", "code": f"n{n}", "weight": n, "depot@odata.bind": f"/depots({depot})"}
            for n in range(12)
        ])  # fmt: skip
        rows = client.query.sql(
            "SELECT c.name, d.name AS depot, c.weight FROM crate c "
            "JOIN depot d ON c.depot = d.depotid WHERE c.weight >= 10 AND d.name LIKE 'n%' "
            "ORDER BY c.weight DESC"
        )
        assert [(row["name"], row["depot"], row["weight"]) for row in rows] == [
            ("n11", "North", 11), ("n10", "North", 10),
        ]  # fmt: skip
        grouped = client.query.sql(
            "SELECT depot, COUNT(*) AS n, SUM(weight) AS w FROM crate GROUP BY depot"
        )
        assert [(row["n"], row["w"]) for row in grouped] == [(12, 66)]
        for refused in ("DELETE FROM crate", "SELECT * FROM crate", "SELECT nosuch FROM crate"):
            with pytest.raises(DataverseError):
                client.query.sql(refused)
        xml = """<fetch count="5"><entity name="crate">
          <attribute name="code"/><order attribute="code"/>
          <link-entity name="depot" from="depotid" to="depot" alias="d"><attribute name="name"/>
          </link-entity></entity></fetch>"""
        pages: list[Any] = list(client.query.fetchxml(xml).execute_pages())
        assert [len(page) for page in pages] == [5, 5, 2]
        assert pages[0][0]["d.name"] == "North"
        built: Any = client.query.builder("crate").select("name", "weight").where(
            (col("weight") > 3) & col("code").in_(["n1", "n4", "n5"])
        ).order_by("weight", descending=True).expand("depot").execute()  # fmt: skip
        assert [row["name"] for row in built] == ["n5", "n4"]

    await _in_thread(endpoint, monkeypatch, work)


async def test_batches_and_change_sets(endpoint, monkeypatch):
    def work(client: DataverseClient) -> None:
        batch = client.batch.new()
        with batch.changeset() as changes:
            depot = changes.records.create("depot", {"name": "Batch"})
            changes.records.create("crate", {"name": "b", "code": "b", "depot@odata.bind": depot})
        batch.records.list("depot", filter="name eq 'Batch'")
        done = batch.execute()
        assert not done.has_errors
        assert len(done.entity_ids) >= 2
        failing = client.batch.new()
        with failing.changeset() as changes:
            changes.records.create("depot", {"name": "Never"})
            changes.records.create("crate", {"weight": "heavy"})
        failing.records.list("depot", filter="name eq 'Batch'")
        done = failing.execute(continue_on_error=True)
        assert [item.status_code for item in done.failed] == [400]
        assert done.failed[0].error_message
        assert done.succeeded[-1].data is not None
        assert not list(client.records.list("depot", filter="name eq 'Never'"))

    await _in_thread(endpoint, monkeypatch, work)


async def test_many_kinds_of_calls_go_in_one_batch(endpoint, monkeypatch):
    def work(client: DataverseClient) -> None:
        made = client.records.create("crate", [{"name": n, "code": n} for n in ("a", "b", "c")])
        batch = client.batch.new()
        batch.records.create("crate", [{"name": "d", "code": "d"}, {"name": "e", "code": "e"}])
        batch.records.update("crate", made[:2], {"weight": 4})
        batch.records.upsert("crate", [
            UpsertItem({"code": code}, {"name": "U", "weight": 5}) for code in ("e", "f")
        ])  # fmt: skip
        batch.records.delete("crate", made[2])
        batch.records.retrieve("crate", made[0], select=["weight"])
        batch.query.sql("SELECT code, weight FROM crate WHERE weight > 3 ORDER BY code")
        batch.tables.get("crate")
        done = batch.execute()
        assert not done.has_errors, [item.error_message for item in done.failed]
        told = [item.data for item in done.succeeded if item.data]
        ids, weight, rows, table = told[0], told[-3], told[-2], told[-1]
        assert len(ids["Ids"]) == 2
        assert weight["weight"] == 4
        assert [(row["code"], row["weight"]) for row in rows["value"]] == [
            ("a", 4), ("b", 4), ("e", 5), ("f", 5),
        ]  # fmt: skip
        assert table["value"][0]["EntitySetName"] == "crates"
        refused = client.batch.new()
        refused.records.delete("crate", made[2])
        refused.records.delete("crate", made[0])
        assert refused.execute().has_errors
        assert client.records.retrieve("crate", made[0]) is not None  # it stopped before that

    await _in_thread(endpoint, monkeypatch, work)


async def test_tables_are_read(endpoint, monkeypatch):
    def work(client: DataverseClient) -> None:
        tables = client.tables
        known = tables.get("crate")
        assert known is not None
        assert known.entity_set_name == "crates"
        assert tables.get("nosuch") is None
        assert any(one["LogicalName"] == "crate" for one in tables.list())
        own = tables.list(filter="startswith(LogicalName,'cra')", select=["LogicalName"])
        assert [one["LogicalName"] for one in own] == ["crate"]
        names = {one["LogicalName"] for one in tables.list_columns("crate")}
        assert {"crateid", "name", "weight", "kind"} <= names
        named = {one["name"] for one in client.query.sql_columns("crate")}
        assert {"crateid", "name", "weight", "kind"} <= named
        relation = tables.get_relationship("depot_crates")
        assert relation is not None
        assert relation.referenced_entity == "depot"
        assert tables.get_relationship("nosuch") is None
        told = {one["SchemaName"] for one in tables.list_table_relationships("crate")}
        assert "depot_crates" in told
        assert told < {one["SchemaName"] for one in tables.list_relationships()}
        with pytest.raises(DataverseError, match="nosuch"):
            tables.list_columns("nosuch")
        with pytest.raises(DataverseError, match=r"(?i)crate"):
            tables.create("Crate", {"new_Size": "int"})

    await _in_thread(endpoint, monkeypatch, work)


class _Colour(IntEnum):
    RED = 1
    BLUE = 2


@pytest.mark.parametrize(
    "engine", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True
)
async def test_tables_are_made_and_changed(endpoint, monkeypatch):
    def work(client: DataverseClient) -> None:
        tables = client.tables
        made = tables.create(
            "new_Barrel",
            {"new_Size": "int", "new_Note": "memo", "new_Full": "bool", "new_Colour": _Colour},
        )
        assert made.entity_set_name == "new_barrels"
        record = client.records.create(
            "new_Barrel", {"new_Name": "B", "new_Size": 3, "new_Colour": "Blue"}
        )
        assert _read(client, "new_Barrel", record)["new_colour"] == _Colour.BLUE
        tables.add_columns("new_Barrel", {"new_Price": {"type": "decimal", "precision": 2}})
        client.records.update("new_Barrel", record, {"new_Price": 1.5})
        assert _read(client, "new_Barrel", record)["new_price"] == 1.5
        tables.update_column("new_Barrel", "new_Note", {"max_length": 4321})
        column = tables.get_column("new_Barrel", "new_note", typed=True)
        assert column is not None
        assert column["MaxLength"] == 4321
        key = tables.create_alternate_key("new_Barrel", "new_BySize", ["new_size"])
        assert [one.schema_name for one in tables.get_alternate_keys("new_Barrel")] == [
            "new_BySize"
        ]
        client.records.upsert("new_Barrel", [UpsertItem({"new_size": 3}, {"new_full": True})])
        assert _read(client, "new_Barrel", record)["new_full"] is True
        tables.delete_alternate_key("new_Barrel", key.metadata_id)
        lookup = tables.create_lookup_field("new_barrel", "new_DepotId", "depot")
        depot = client.records.create("depot", {"name": "D"})
        client.records.update("new_Barrel", record, {"new_DepotId@odata.bind": f"/depots({depot})"})
        assert _read(client, "new_Barrel", record)["_new_depotid_value"] == depot
        assert lookup.relationship_id is not None
        tables.delete_relationship(lookup.relationship_id)
        assert "_new_depotid_value" not in _read(client, "new_Barrel", record)
        tables.remove_columns("new_Barrel", "new_Price")
        tables.delete("new_Barrel")
        assert tables.get("new_Barrel") is None

    await _in_thread(endpoint, monkeypatch, work)


async def test_files_small_and_in_chunks(endpoint, monkeypatch, tmp_path: Path):
    small, large = tmp_path / "small.txt", tmp_path / "large.bin"
    small.write_bytes(b"small")
    large.write_bytes(b"kartoteka " * 500_000)

    def work(client: DataverseClient) -> None:
        crate = client.records.create("crate", {"name": "A"})
        client.files.upload("crate", crate, "paper", str(small))
        assert _read(client, "crate", crate)["paper_name"] == "small.txt"
        client.files.upload("crate", crate, "paper", str(large), mode="chunk", if_none_match=False)
        assert _read(client, "crate", crate)["paper_name"] == "large.bin"
        client.files.upload("crate", crate, "new_Picture", str(small))  # makes the column first
        assert _read(client, "crate", crate)["new_picture_name"] == "small.txt"

    await _in_thread(endpoint, monkeypatch, work)


async def test_the_example_of_the_docs_works(endpoint, example, monkeypatch, capsys):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(endpoint.authority))
    code = compile(example("python", endpoint.https), "connect-other-programs.md", "exec")
    await asyncio.to_thread(exec, code, {})
    assert capsys.readouterr().out.count("Bellows College") == 2
