"""``python-odata``, which knows nothing of Dataverse and reads ``$metadata`` first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import requests
from odata import ODataService
from odata.exceptions import ODataError


async def _in_thread(endpoint: Any, work: Callable[[ODataService], None]) -> None:
    def run() -> None:
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {endpoint.token}"
            # else it never learns the ids of what it creates; and pages are small
            session.headers["Prefer"] = "return=representation,odata.maxpagesize=2"
            address = f"{endpoint.http}/api/data/v9.2/"
            work(ODataService(address, session=session, reflect_entities=True, quiet_progress=True))

    await asyncio.to_thread(run)


def _saved(service: ODataService, set_name: str, /, **values: Any) -> Any:
    """Return a record that was created with values."""
    record = service.entities[set_name]()
    for key, value in values.items():
        setattr(record, key, value)
    service.save(record)
    return record


async def test_a_generic_client_writes_what_the_metadata_tells_it(endpoint):
    def work(service: ODataService) -> None:
        crates = service.entities["crates"]
        depot = _saved(service, "depots", name="North", city="Łódź")
        made = [
            _saved(service, "crates", name=f"n{n}", code=f"n{n}", weight=n, depot=depot)
            for n in range(3)
        ]
        assert made[0].crateid != made[1].crateid
        assert (made[2].weight, made[2].depot.city) == (2, "Łódź")

        made[0].weight = 9
        service.save(made[0])
        assert service.query(crates).get(made[0].crateid).weight == 9
        made[1].depot = _saved(service, "depots", name="South")
        old = made[1].__odata__["versionnumber"]
        service.default_context.save(made[1], extra_headers={"If-Match": f'W/"{old}"'})
        assert service.query(crates).get(made[1].crateid).depot.name == "South"
        made[1].weight = 10
        with pytest.raises(ODataError, match="412"):
            service.default_context.save(made[1], extra_headers={"If-Match": f'W/"{old}"'})

        context = service.default_context
        for weight in (1, 2):  # creates, then changes
            context.connection.execute_patch(
                f"{service.url}crates(code='k1')", {"name": "K", "weight": weight}
            )
        assert [one.weight for one in service.query(crates).filter(crates.code == "k1")] == [2]

        inside = crates()
        inside.name, inside.code = "inside", "inside"
        deep = service.entities["depots"]()
        deep.name, deep.depot_crates = "Deep", [inside]
        service.save(deep)
        assert [one.name for one in deep.depot_crates] == ["inside"]

        service.delete(made[0])
        with pytest.raises(ODataError, match="404"):
            service.delete(made[0])
        with pytest.raises(ODataError, match="Name"):
            _saved(service, "crates", name="x" * 41)
        assert service.query(crates).count() == 4

    await _in_thread(endpoint, work)


async def test_a_generic_client_asks_questions(endpoint):
    def work(service: ODataService) -> None:
        crates, depots = service.entities["crates"], service.entities["depots"]
        depot = _saved(service, "depots", name="North", city="Łódź")
        for n in range(7):
            held = {"depot": depot} if n else {}
            _saved(service, "crates", name=f"O'{n}", code=f"n{n}", weight=n, **held)

        query = service.query(crates)
        found = query.filter(crates.weight >= 1).order_by(crates.name.desc()).all()
        assert [one.weight for one in found] == [6, 5, 4, 3, 2, 1]  # of three pages
        either = (crates.name == "O'0") | crates.code.endswith("6")
        assert {one.weight for one in query.filter(either)} == {0, 6}
        in_town = query.filter(crates.name.contains("'")).filter(crates.depot.city == "łódź")
        assert in_town.count() == 6
        few = query.filter(crates.name.lacks("1")).order_by(crates.weight.asc()).limit(3)
        assert [row["name"] for row in few.select(crates.name)] == ["O'0", "O'2", "O'3"]
        expanded = query.expand(crates.depot).order_by(crates.weight.desc()).first()
        assert expanded.depot.name == "North"
        whole = service.query(depots).expand(depots.depot_crates).one()
        assert sorted(one.weight for one in whole.depot_crates) == [1, 2, 3, 4, 5, 6]
        empty = query.raw({"$filter": "weight eq 0", "$expand": "depot"})
        assert [row["depot"] for row in empty] == [None]
        sums = query.raw({"$apply": "groupby((_depot_value),aggregate(weight with sum as w))"})
        assert {row["w"] for row in sums} == {0, 21}
        with pytest.raises(ODataError, match="nosuch"):
            query.raw({"$filter": "nosuch eq 1"})

        assert {"WhoAmI", "RetrieveVersion"} <= set(service.functions)
        connection = service.default_context.connection  # answers of functions are its caller's
        assert connection.execute_get(f"{service.url}WhoAmI()")["UserId"]
        service.actions["PublishAllXml"]()

    await _in_thread(endpoint, work)
