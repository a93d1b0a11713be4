"""`cadenced init`: a workspace that passes every check as it stands, written whole or not at all."""

import csv
import tomllib

import pytest

from cadenced import config, library
from cadenced.errors import RefusedError
from cadenced.writing import context


@pytest.fixture
def fresh(tmp_path):
    library.write_workspace(tmp_path / "w")
    return tmp_path / "w"


def test_a_fresh_workspace_is_in_order_as_it_stands(fresh):
    found = config.load(config.find(fresh))
    shelf = library.load(library.shelves(found))

    (example,) = found.warnings
    assert example.message == "address, smtp.host and imap.host are still those of the example"
    assert shelf.warnings == ()
    assert len(found.mailboxes) == 1
    assert (fresh / "inbox").is_dir()


def test_the_files_are_told_and_are_all_there_is(tmp_path):
    told = library.write_workspace(tmp_path)

    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(told)


def test_the_starter_set_comes_along_whole(fresh):
    for name in ("sequences", "templates"):
        shipped = {file.name for file in library.starter().joinpath(name).iterdir() if file.name[0] != "."}
        assert {path.name for path in (fresh / name).iterdir()} == shipped


def test_every_key_of_the_configuration_stands_in_the_file_with_its_default(fresh):
    written = tomllib.loads((fresh / "cadenced.toml").read_text())
    found, bare = config.load(fresh / "cadenced.toml"), (fresh / "bare.toml")
    bare.write_text("")

    for name in ("daemon", "safety", "web"):
        defaults = getattr(config.load(bare), name)
        assert set(written[name]) == set(type(defaults).__dataclass_fields__), name
    assert found.safety == config.load(bare).safety
    assert found.web == config.load(bare).web
    assert found.window == config.load(bare).window
    (box,) = written["mailbox"]
    assert set(box) == {"name", "address", "daily_limit", "min_gap", "ramp", "signature", "smtp", "imap"}
    assert set(box["smtp"]) == set(config.Smtp.__dataclass_fields__)
    assert set(box["imap"]) == set(config.Imap.__dataclass_fields__)


def test_no_line_of_the_configuration_runs_out_of_a_terminal(fresh):
    assert max(map(len, (fresh / "cadenced.toml").read_text().splitlines())) <= 120


def test_the_example_has_columns_that_every_import_knows(fresh):
    with (fresh / "example.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))

    assert set(rows[0]) <= set(context.COLUMNS)
    assert [row["email"].rpartition(".")[0].rpartition("@")[2] for row in rows] == ["example"] * 3  # RFC 2606, 3


def test_the_machines_zone_and_country_are_taken_over(tmp_path):
    zone = tmp_path / "zoneinfo" / "Europe" / "Paris"
    zone.parent.mkdir(parents=True)
    zone.touch()
    library.write_workspace(tmp_path / "w", localtime=zone)

    daemon = config.load(tmp_path / "w" / "cadenced.toml").daemon

    assert (daemon.timezone, daemon.country) == ("Europe/Paris", "FR")
    columns = {line.index("#") for line in (tmp_path / "w" / "cadenced.toml").read_text().splitlines()[11:22] if line}
    assert columns == {40}, "the comments stand in line"


def test_nothing_that_stands_there_is_overwritten_and_nothing_else_is_written(tmp_path):
    (tmp_path / "cadenced.toml").write_text("mine")

    with pytest.raises(RefusedError, match=r"not overwritten: .*cadenced\.toml"):
        library.write_workspace(tmp_path)

    assert [path.name for path in tmp_path.rglob("*")] == ["cadenced.toml"]
    assert (tmp_path / "cadenced.toml").read_text() == "mine"


def test_a_second_init_is_refused(fresh):
    with pytest.raises(RefusedError, match="not overwritten"):
        library.write_workspace(fresh)


def test_a_dangling_link_counts_as_standing_there(tmp_path):
    (tmp_path / "cadenced.toml").symlink_to("nowhere")

    with pytest.raises(RefusedError):
        library.write_workspace(tmp_path)


def test_a_write_that_fails_in_the_middle_leaves_nothing_behind(tmp_path):
    (tmp_path / "inbox").write_text("a file where a folder must be")

    with pytest.raises(RefusedError, match="could not be written"):
        library.write_workspace(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["inbox"]


def test_folders_that_stand_there_already_are_used(tmp_path):
    (tmp_path / "inbox").mkdir()
    (tmp_path / "sequences").mkdir()
    (tmp_path / "sequences" / "mine.yaml").write_text("steps: [{task: call}]")

    library.write_workspace(tmp_path)

    assert "mine" in library.load(library.shelves(config.load(tmp_path / "cadenced.toml"))).sequences
