"""What is told to systemd, and that nobody needs to listen."""

import os
import socket
import time
from datetime import timedelta

import pytest

from cadenced import systemd


class Listener:
    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.setblocking(False)

    def heard(self):
        return self.socket.recv(4096).decode().split("\n")


@pytest.fixture
def manager(tmp_path, monkeypatch):
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    found = Listener(str(tmp_path / "notify"))
    yield found
    found.socket.close()


def test_ready_is_told_with_a_line_of_status(manager):
    assert systemd.ready("3 mailboxes\nand more")
    assert manager.heard() == ["READY=1", "STATUS=3 mailboxes and more"]


def test_stopping_is_told(manager):
    assert systemd.stopping()
    assert manager.heard() == ["STOPPING=1"]


def test_the_watchdog_is_fed(manager):
    assert systemd.alive()
    assert manager.heard() == ["WATCHDOG=1"]


def test_a_reload_is_told_with_the_moment_it_began(manager):
    before = time.monotonic_ns() // 1000
    assert systemd.reloading()

    told, moment = manager.heard()

    assert told == "RELOADING=1"
    assert before <= int(moment.removeprefix("MONOTONIC_USEC=")) <= time.monotonic_ns() // 1000


def test_a_status_of_its_own_is_told_and_an_empty_one_is_not(manager):
    assert systemd.status("sending")
    assert manager.heard() == ["STATUS=sending"]
    assert not systemd.status("  \n")


def test_an_abstract_socket_is_reached(monkeypatch):
    name = f"cadenced-test-{os.getpid()}"
    monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
    found = Listener(f"\0{name}")

    assert systemd.ready()
    assert found.heard() == ["READY=1"]
    found.socket.close()


@pytest.mark.parametrize("address", ["", "/nowhere/notify", "vsock:2:1", "@nobody-listens-here"])
def test_without_a_manager_nothing_happens(monkeypatch, address):
    monkeypatch.setenv("NOTIFY_SOCKET", address)

    assert not systemd.ready("hello")


@pytest.mark.parametrize(
    ("span", "process", "interval"),
    [
        ("60000000", "", timedelta(seconds=30)),
        ("60000000", str(os.getpid()), timedelta(seconds=30)),
        ("60000000", "1", None),
        ("0", "", None),
        ("", "", None),
        ("soon", "", None),
    ],
)
def test_the_watchdog_is_fed_twice_in_its_time_and_only_by_whom_it_means(monkeypatch, span, process, interval):
    monkeypatch.setenv("WATCHDOG_USEC", span)
    monkeypatch.setenv("WATCHDOG_PID", process)

    assert systemd.watchdog_interval() == interval
