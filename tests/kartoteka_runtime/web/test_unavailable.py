"""A database that is gone: people get a page that says so, not an error of the program."""

from __future__ import annotations

import psycopg
import pytest


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
async def test_a_lost_database_is_a_page_that_asks_to_come_back(start_app, postgresql_server):
    app = await start_app()
    async with app.client_as() as client:
        assert (await client.get("/e/account")).status_code == 200
        name = app.parts.database.url.split("/")[3].split("?")[0]
        with psycopg.connect(postgresql_server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())
        lost = await client.get("/e/account")
    assert lost.status_code == 503
    assert "Try again in a moment" in lost.text
