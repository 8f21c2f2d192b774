"""Limits let bursts through, refill evenly, forget nobody who does too much, and stay small."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kartoteka_runtime.security.request_limits import (
    AtOnce,
    RequestLimit,
    address_key,
    retry_after,
)


class Clock:
    """Stands still until told otherwise."""

    def __init__(self) -> None:
        """Begin somewhere."""
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_burst_is_let_through_and_no_more(clock):
    limit = RequestLimit(5, seconds=300, clock=clock)
    assert [limit.take("ann") for _ in range(5)] == [0] * 5
    assert limit.remaining("ann") == 0
    assert retry_after(limit.take("ann")) == "60"
    assert limit.take("bob") == 0 and limit.remaining("bob") == 4


def test_waiting_as_long_as_said_is_enough(clock):
    limit = RequestLimit(5, seconds=300, clock=clock)
    for _ in range(5):
        limit.take("ann")
    clock.now += float(retry_after(limit.take("ann")))
    assert limit.take("ann") == 0
    assert limit.take("ann") > 0
    clock.now += 300
    assert limit.remaining("ann") == 5


def test_asking_while_refused_makes_nothing_worse(clock):
    limit = RequestLimit(2, seconds=10, clock=clock)
    for _ in range(100):
        limit.take("ann")
    clock.now += 5
    assert limit.take("ann") == 0


@given(st.lists(st.floats(0, 30), min_size=1, max_size=200), st.integers(1, 20))
def test_no_window_holds_more_than_twice_the_limit(pauses, most):
    clock = Clock()
    limit = RequestLimit(most, seconds=60, clock=clock)
    let_through = []
    for pause in pauses:
        clock.now += pause
        if not limit.take("ann"):
            let_through.append(clock.now)
    for begin in let_through:
        assert sum(begin <= at < begin + 60 for at in let_through) <= 2 * most


def test_memory_is_bounded_and_the_busy_are_not_forgotten(clock):
    limit = RequestLimit(10, seconds=300, most_keys=100, clock=clock)
    for _ in range(10):
        limit.take("busy")
    for number in range(5000):
        limit.take(f"passing {number}")
    assert len(limit) <= 101
    assert limit.take("busy") > 0
    for number in range(5000):
        limit.is_news(f"passing {number}")
    assert len(limit._told_until) <= 100


def test_too_much_is_news_once_in_a_window(clock):
    limit = RequestLimit(1, seconds=60, clock=clock)
    assert [limit.is_news("ann"), limit.is_news("ann"), limit.is_news("bob")] == [True, False, True]
    clock.now += 61
    assert limit.is_news("ann")


def test_zero_is_without_limit(clock):
    limit = RequestLimit(0, clock=clock)
    assert not any(limit.take("ann") for _ in range(100_000)) and not len(limit)


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("not:an:address", "not:an:address"),
        ("", ""),
    ],
)
def test_a_network_of_ipv6_is_one_address(address, key):
    assert address_key(address) == key


def test_it_costs_microseconds():
    limit = RequestLimit(10**9)
    begin = time.process_time()
    for _ in range(100_000):
        limit.take("ann")
    assert (time.process_time() - begin) / 100_000 < 10e-6  # one or two on a slow machine


def test_many_at_once_count_together_or_not_at_all(clock):
    limit = RequestLimit(10, seconds=300, clock=clock)
    assert limit.take("ann", 8) == 0
    assert retry_after(limit.take("ann", 3)) == "30"  # one is missing, 30 seconds each
    assert limit.remaining("ann") == 2 and limit.take("ann", 2) == 0
    assert limit.take("bob", 50) == 0  # more than ever fits, with nothing before it
    assert limit.take("bob") > 0


def test_what_was_done_already_is_waited_for(clock):
    limit = RequestLimit(10, seconds=300, clock=clock)
    limit.spend("ann", 4)
    assert limit.remaining("ann") == 6 and limit.take("ann", 0) == 0
    limit.spend("ann", 1000)
    assert limit.take("ann", 0) == 300  # twice the window at most: nobody waits for hours
    clock.now += 300
    assert limit.take("ann", 0) == 0


def test_so_much_may_be_under_way_and_no_more():
    at_once = AtOnce(2)
    assert [at_once.begin("ann") for _ in range(3)] == [True, True, False]
    assert at_once.begin("bob")
    at_once.end("ann")
    assert at_once.begin("ann") and not at_once.begin("ann")
    assert all(AtOnce(0).begin("ann") for _ in range(9))
