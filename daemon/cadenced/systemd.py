"""What the daemon tells systemd (sd_notify(3)): ready, alive, reloading, stopping. Without systemd nothing happens."""

from __future__ import annotations

import os
import socket
import time
from datetime import timedelta


def ready(status: str = "") -> bool:
    """Tell that everything is up (also after a reload); whether somebody listened."""
    return _tell("READY=1", *_status(status))


def reloading() -> bool:
    """Tell that files are read anew; ``ready`` ends it."""
    return _tell("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")


def stopping(status: str = "") -> bool:
    """Tell that no new work begins."""
    return _tell("STOPPING=1", *_status(status))


def alive() -> bool:
    """Feed the watchdog; only to be called by what has proved that the daemon works."""
    return _tell("WATCHDOG=1")


def status(text: str) -> bool:
    """Show one line in ``systemctl status``."""
    return _tell(*_status(text))


def watchdog_interval() -> timedelta | None:
    """Return how often ``alive`` is to be called: half of what the unit allows. None where no watchdog waits for us."""
    span, process = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not span.isdecimal() or not int(span) or process not in {"", str(os.getpid())}:
        return None
    return timedelta(microseconds=int(span) / 2)


def _status(text: str) -> list[str]:
    line = " ".join(text.split())
    return [f"STATUS={line[:500]}"] if line else []


def _tell(*lines: str) -> bool:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not lines or address[:1] not in {"/", "@"}:
        return False
    name = f"\0{address[1:]}" if address.startswith("@") else address  # "@" stands for an abstract socket's zero byte
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.connect(name)
            sender.sendall("\n".join(lines).encode())
    except OSError:  # nobody listens any more: no reason to stop sending mail
        return False
    return True
