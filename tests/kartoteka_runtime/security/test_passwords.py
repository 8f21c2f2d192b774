"""Which passwords are refused, and how the others are kept."""

from __future__ import annotations

import argon2
import pytest

from kartoteka_runtime.security import passwords
from kartoteka_runtime.security.passwords import password_violation

ABOUT = ("maria", "Maria Łoś-Kowalska", "m.kowalska@winery.example")


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("123456789", "violation.password_short"),
        ("x" * 257, "violation.password_long"),
        ("Password2026", "violation.password_known"),
        ("P@ssw0rd12!!", "violation.password_known"),
        ("QWERTYUIOP", "violation.password_known"),
        ("!!!1q2w3e4r5t", "violation.password_known"),
        ("1234567890", "violation.password_known"),
        ("SummerSummerSummer", "violation.password_known"),
        ("motdepasse99", "violation.password_known"),
        ("abababababab", "violation.password_known"),
        ("ąąąąąąąąąąąą", "violation.password_known"),
        ("ILoveMARIA-so-much", "violation.password_personal"),
        ("kowalska-drinks-tea", "violation.password_personal"),
        ("best-winery-in-town", "violation.password_personal"),
        ("the Kartoteka of all", "violation.password_personal"),
    ],
)
def test_passwords_that_others_try_first_are_refused(password, why):
    violation = password_violation(password, ABOUT)
    assert violation is not None
    assert violation.code == why


@pytest.mark.parametrize(
    "password",
    [
        "a long enough secret",
        "correct horse battery",
        "żółw łyka źdźbło",
        "🐟🐠🐡🦈🐙" * 2,
        "Łoś is ok x",
    ],
)
def test_passwords_of_ones_own_are_taken(password):
    assert password_violation(password, ABOUT) is None


def test_the_list_is_what_people_begin_with():
    text = (passwords.__file__ or "").replace("passwords.py", "common_passwords.txt")
    with open(text, encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file if not line.startswith("#")]
    assert 900 < len(lines) < 1500
    assert lines == sorted(set(lines))
    assert all(line == line.casefold().strip() and line for line in lines)


async def test_a_hash_holds_no_password_and_old_parameters_show(real_passwords):
    kept = await passwords.hash_password("a long enough secret")
    assert kept.startswith("$argon2id$")
    assert argon2.extract_parameters(kept).memory_cost >= 19 * 1024  # KiB; OWASP's least
    assert "secret" not in kept
    assert await passwords.verify_password("a long enough secret", kept)
    assert not await passwords.verify_password("a long enough secreT", kept)
    assert not await passwords.verify_password("a long enough secret", None)
    assert not await passwords.verify_password("a long enough secret", "no hash at all")
    assert not passwords.is_outdated(kept)
    weak = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    assert passwords.is_outdated(weak.hash("a long enough secret"))
