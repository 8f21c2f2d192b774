"""`kartoteka jobs`, `kartoteka worker`, and the jobs that `kartoteka serve` runs beside pages."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

import pytest

from kartoteka_runtime.app import build_parts
from kartoteka_runtime.cli.main import main
from kartoteka_runtime.jobs.housekeeping import FORGET_JOBS
from kartoteka_runtime.publishing.bootstrap import SYSTEM
from kartoteka_runtime.publishing.publish import refresh
from kartoteka_runtime.records.jobs import Jobs
from kartoteka_runtime.settings import JOBS, Settings, SettingsError
from kartoteka_runtime.testing.running_app import publish_folder, write_app

SECONDS = 90


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """Give the folder of an app that was published once."""
    folder = write_app(tmp_path_factory.mktemp("jobs") / "harbour", languages=["en"])
    asyncio.run(publish_folder(folder, Settings.load(folder).database_url))
    return folder


def with_parts(folder, work):
    """Return what ``work`` makes of the app's parts."""

    async def run():
        parts = build_parts(Settings.load(folder))
        await parts.database.open()
        try:
            await refresh(parts.database, parts.live_registry)
            return await work(parts)
        finally:
            await parts.database.close()

    return asyncio.run(run())


def enqueue(folder):
    """Return the id of a new job of the platform's own."""
    return with_parts(
        folder, lambda parts: parts.records.acting_as(SYSTEM).enqueue(FORGET_JOBS.name, {"x": "ż"})
    )


def state_of(folder, job_id):
    async def read(parts):
        return (await Jobs(parts.database).read(job_id)).job.state

    return with_parts(folder, read)


@dataclass(frozen=True)
class Ended:
    """What a command printed, and its exit status."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def jobs(app, monkeypatch, capsys):
    """Give the function that runs ``kartoteka jobs`` for the app."""

    def run(*arguments):
        monkeypatch.chdir(app)
        monkeypatch.setenv("COLUMNS", "250")
        monkeypatch.setattr(sys, "argv", ["kartoteka", "jobs", *arguments])
        status = 0
        capsys.readouterr()
        try:
            main()
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else 0
        return Ended(status, *capsys.readouterr())

    return run


def test_jobs_are_listed_shown_canceled_and_run_again(app, jobs):
    job_id = enqueue(app)
    listed = jobs()
    assert job_id in listed.stdout and FORGET_JOBS.name in listed.stdout
    assert "1 waiting; 0 workers." in listed.stderr
    assert jobs("cancel", job_id).stdout == "1 job is canceled.\n"
    again = jobs("cancel", job_id)
    assert again.returncode == 1 and "has ended" in again.stderr
    (found,) = json.loads(jobs("list", "--state", "canceled", "--json").stdout)["jobs"]
    assert (found["id"], found["statecode"], found["statuscode"]) == (job_id, 3, 32)
    assert jobs("retry", job_id).stdout == "1 job runs again.\n"
    assert jobs("retry", job_id).returncode == 1
    jobs("cancel", job_id)
    assert jobs("retry", "--state", "canceled").stdout == "1 job runs again.\n"
    shown = jobs("show", job_id)
    assert '{"x":"ż"}' in shown.stdout and "waiting" in shown.stdout
    assert json.loads(jobs("show", job_id, "--json").stdout)["steps"] == []
    jobs("cancel", job_id)


def test_the_record_of_a_job_is_named(app, jobs):
    async def add(parts):
        records = parts.records.acting_as(SYSTEM)
        (unit,) = await records.list("businessunit", limit=1)
        about = {"entity": "businessunit", "id": unit["businessunitid"]}
        return await records.enqueue(FORGET_JOBS.name, about), about, unit["name"]

    job_id, about, name = with_parts(app, add)
    (line,) = [line for line in jobs("list").stdout.splitlines() if job_id in line]
    assert f"businessunit {name}" in line
    (found,) = json.loads(jobs("list", "--limit", "1", "--json").stdout)["jobs"]
    assert found["record"] == about
    jobs("cancel", job_id)


def test_damaged_columns_are_said(app, jobs):
    job_id = enqueue(app)

    def put(values):
        async def write(parts):
            async with parts.database.writing() as connection:
                await connection.execute(
                    f"UPDATE kartoteka_job SET {values} WHERE id = '{job_id}'", {}
                )

        with_parts(app, write)

    put("run_at = 'soon', attempts = 'many', progress_done = 'half'")
    listed = jobs("list")
    assert (listed.returncode, job_id in listed.stdout) == (0, True)
    assert "unreadable: run_at (soon), attempts (many), progress_done (half)" in listed.stdout
    (found,) = json.loads(jobs("list", "--limit", "1", "--json").stdout)["jobs"]
    assert found["unreadable"] == {"run_at": "soon", "attempts": "many", "progress_done": "half"}
    assert jobs("show", job_id).returncode == 0
    put("run_at = '2031-05-06T00:00:00.000Z', attempts = 0, progress_done = NULL")
    jobs("cancel", job_id)


def test_wrong_use_is_said(jobs):
    assert jobs("show", "nothing").returncode == 1
    assert "there is no job nothing" in jobs("show", "nothing").stderr
    assert jobs("list", "--state", "sleepy").returncode == 2
    assert jobs("retry").returncode == 2
    assert jobs("retry", "--state", "done").returncode == 2


@pytest.mark.parametrize(
    ("command", "announcement"),
    [
        (["worker"], "A worker of Test takes jobs"),
        (["serve", "--port", "0"], "Test is at http://"),
    ],
)
def test_jobs_run_in_a_worker_and_beside_the_pages_of_a_server(app, command, announcement):
    job_id = enqueue(app)
    process = subprocess.Popen(
        [sys.executable, "-m", "kartoteka_runtime.cli", *command],
        cwd=app, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(announcement)
        until = time.monotonic() + SECONDS
        while state_of(app, job_id) != "done":
            assert time.monotonic() < until
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=SECONDS)
    assert err == ""
    workers = with_parts(app, lambda parts: Jobs(parts.database).overview())
    assert workers.workers == ()


def test_the_setting_says_who_runs_jobs(app, monkeypatch):
    monkeypatch.delenv(JOBS, raising=False)
    assert Settings.load(app).runs_jobs
    monkeypatch.setenv(JOBS, "separate")
    assert not Settings.load(app).runs_jobs
    monkeypatch.setenv("KARTOTEKA_DATABASE_URL", "postgresql://somewhere/x")
    monkeypatch.delenv(JOBS)
    assert not Settings.load(app).runs_jobs
    monkeypatch.setenv(JOBS, "inside")
    assert Settings.load(app).runs_jobs
    monkeypatch.setenv(JOBS, "sometimes")
    with pytest.raises(SettingsError, match="KARTOTEKA_JOBS is 'sometimes'"):
        Settings.load(app)
