"""Signals that are remembered, sent for real."""

from __future__ import annotations

import os
import signal

import pytest

from lvs_init.errors import Interrupted
from lvs_init.system.signals import SIGNALS, Stop


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_is_remembered(number: int) -> None:
    with Stop() as stop:
        stop.check()
        assert stop.requested is None
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.requested == number
        with pytest.raises(Interrupted) as caught:
            stop.check()
        assert caught.value.signal == number


def test_an_ignored_signal_is_heard_and_ignored_again() -> None:
    former = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with Stop() as stop:
            os.kill(os.getpid(), signal.SIGTERM)
            assert stop.requested == signal.SIGTERM
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, former)


def test_former_handlers_come_back_after_a_failure() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with pytest.raises(RuntimeError), Stop():
        raise RuntimeError
    assert [signal.getsignal(number) for number in SIGNALS] == before
