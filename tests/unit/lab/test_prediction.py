"""What schedulers do with one client's requests, one after the other; tests/lab/test_rehearsal.py asks the kernel."""

from __future__ import annotations

import pytest

from lvs_init.config.cluster import VirtualService
from lvs_init.config.load import parse
from lvs_init.lab.prediction import ABOUT, ANY, BY_WEIGHT, IN_TURN, NOBODY, ONE, predict


def service(weights: list[int], more: str = "", server: str = "") -> VirtualService:
    servers = ", ".join(
        f'{{ rip = "192.168.0.{place}", weight = {weight}{server} }}' for place, weight in enumerate(weights, 11)
    )
    return parse(
        f'[[service]]\nvip = "192.168.0.219"\nport = 80\n{more}\nrealservers = [{servers}]\n', "lab.toml"
    ).services[0]


@pytest.mark.parametrize(
    ("weights", "more", "rule", "shares"),
    [
        ([1, 1], 'scheduler = "rr"', IN_TURN, [3, 3]),
        ([5, 1, 0], 'scheduler = "rr"', IN_TURN, [3, 3, 0]),
        ([1, 2], 'scheduler = "wrr"', BY_WEIGHT, [2, 4]),
        ([300, 100], 'scheduler = "wrr"', BY_WEIGHT, [6, 2]),
        ([1, 2, 0], 'scheduler = "wlc"', ABOUT, [4, 8, 0]),
        ([1, 2], 'scheduler = "lc"', ABOUT, [6, 6]),
        ([1, 2], 'scheduler = "sh"', ONE, [None, None]),
        ([1, 2], 'scheduler = "sh"\nscheduler_flags = ["sh-port"]', ANY, [None, None]),
        ([1, 2, 0], 'scheduler = "mh"', ONE, [None, None, 0]),
        ([1, 2], 'scheduler = "dh"', ONE, [None, None]),
        ([1, 2], 'scheduler = "sed"', ANY, [None, None]),
        ([1, 3, 2], 'scheduler = "fo"', ONE, [0, 6, 0]),
        ([3, 3], 'scheduler = "fo"', ONE, [None, None]),
        ([1, 2], 'scheduler = "wrr"\npersistence = 60', ONE, [None, None]),
        ([0, 4], 'scheduler = "nq"', ONE, [0, 6]),
        ([0, 0], 'scheduler = "rr"', NOBODY, [0, 0]),
        ([], 'scheduler = "rr"', NOBODY, []),
        ([999, 1000], 'scheduler = "wrr"', ABOUT, [6, 6]),
    ],
)
def test_rules(weights: list[int], more: str, rule: str, shares: list[int | None]) -> None:
    prediction = predict(service(weights, more))
    assert prediction.rule == rule
    assert list(prediction.shares.values()) == shares


def test_the_number_of_requests_can_be_shared_exactly() -> None:
    wrr = service([1, 2], 'scheduler = "wrr"')
    assert [predict(wrr, 1, wanted).count for wanted in (None, 1, 7, 9)] == [6, 3, 9, 9]
    assert predict(wrr, 4).count == 12  # over four VIPs or ports as well


def test_a_full_real_server_makes_it_uncertain() -> None:
    assert predict(service([1, 1], 'scheduler = "rr"', ", upper_threshold = 2, lower_threshold = 1")).rule == ANY
    assert predict(service([1, 1], 'scheduler = "rr"', ", upper_threshold = 100, lower_threshold = 1")).rule == IN_TURN


@pytest.mark.parametrize(
    ("more", "counts", "fits"),
    [
        ('scheduler = "wrr"', [2, 4], [True, True]),
        ('scheduler = "wrr"', [4, 2], [False, False]),  # the weights were swapped
        ('scheduler = "wrr"', [3, 3], [False, False]),
        ('scheduler = "wlc"', [5, 7], [True, True]),
        ('scheduler = "wlc"', [8, 4], [False, False]),
        ('scheduler = "sh"', [6, 0], [True, True]),
        ('scheduler = "sh"', [5, 1], [False, False]),
        ('scheduler = "sed"', [5, 1], [True, True]),
    ],
)
def test_what_fits(more: str, counts: list[int], fits: list[bool]) -> None:
    prediction = predict(service([1, 2], more))
    assert [prediction.fits(key, got) for key, got in zip(prediction.shares, counts)] == fits
