"""The unit that is shipped: understood by systemd, and hardened as measured."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from cadenced import config

FOLDER = Path(__file__).parents[2] / "systemd"
UNIT = FOLDER / "cadenced.service"
WORST = 1.5
"""The highest exposure that is accepted (RELIABILITY, G19)."""

analyze = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")


def values(key):
    return re.findall(rf"(?m)^{key}=(.*)$", UNIT.read_text())


@analyze
def test_the_unit_exposes_little():
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", str(UNIT)], capture_output=True, text=True, check=False
    )
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)

    assert found, done.stderr
    assert float(found[1]) <= WORST


@analyze
def test_systemd_understands_every_line_of_the_unit(tmp_path):
    copy = tmp_path / UNIT.name
    copy.write_text(re.sub(r"(?m)^ExecStart=.*$", "ExecStart=/bin/true", UNIT.read_text()))

    done = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, check=False)

    assert [line for line in done.stderr.splitlines() if "cadenced.service" in line] == []


def test_a_broken_configuration_is_not_tried_again_and_again():
    assert values("RestartPreventExitStatus") == ["2 3"]


def test_the_unit_gives_a_message_on_the_wire_time_to_end():
    assert values("TimeoutStopSec") == ["100"]


def test_the_trial_of_templates_may_limit_itself():
    assert values("SystemCallFilter")[-1] == "setrlimit prlimit64"


def test_user_and_group_have_different_names():
    """systemd.exec(5): a dynamic user must not be named like a group that exists without such a user."""
    assert values("DynamicUser") == ["yes"]
    assert values("User") != values("Group")


@pytest.mark.skipif(not shutil.which("systemd-tmpfiles"), reason="needs systemd-tmpfiles")
def test_systemd_makes_the_folders_with_their_rights(tmp_path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text(f"root:x:{os.getuid()}:{os.getgid()}::/:/bin/sh\n")
    (tmp_path / "etc/group").write_text(f"root:x:{os.getgid()}:\ncadenced:x:{os.getgid()}:\n")

    done = subprocess.run(
        ["systemd-tmpfiles", "--create", f"--root={tmp_path}", str(FOLDER / "cadenced.tmpfiles")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.stderr == ""
    assert (tmp_path / "srv/cadenced/inbox").stat().st_mode & 0o7777 == 0o2770
    assert (tmp_path / "etc/cadenced/credentials").stat().st_mode & 0o7777 == 0o700


def test_the_grants_of_the_service_lie_where_it_may_write(tmp_path, monkeypatch):
    """systemd.exec(5): StateDirectory= is made, is writable, and is named by $STATE_DIRECTORY."""
    (state,) = values("StateDirectory")
    monkeypatch.setenv("STATE_DIRECTORY", f"/var/lib/{state}")
    (tmp_path / "cadenced.toml").touch()

    assert str(config.load(tmp_path / "cadenced.toml").grants) == f"/var/lib/{state}/grants"
    assert "grants" not in values("ReadWritePaths")[0]
