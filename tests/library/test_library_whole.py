"""Sequences and templates together: what is named exists, chains rest, slips of the pen are found."""

import os

import pytest

from cadenced import library
from cadenced.core.pacing import Window
from cadenced.errors import BrokenWorkspaceError


def test_a_workspace_that_is_in_order_loads_whole(desk):
    desk.template("recap")
    desk.sequence("after-meeting", "steps: [{email: recap}]\nthen: nurture\n")
    desk.sequence("nurture", "steps: [{email: recap, after: 3 months}]\nthen: nurture\n")

    found = desk.load()

    assert list(found.sequences) == ["after-meeting", "nurture"]
    assert found.templates["recap"].required == {"company", "first_name"}
    assert found.warnings == ()
    assert [path.name for path in found.files] == ["after-meeting.yaml", "nurture.yaml", "recap.md"]


def test_a_version_changes_with_every_byte(desk):
    desk.sequence("a", "steps: [{task: x}]")
    before = desk.load().sequences["a"].version
    desk.sequence("a", "steps: [{task: x}] ")

    assert desk.load().sequences["a"].version != before


def test_all_problems_of_all_files_come_at_once_in_order(desk):
    desk.template("recap", "no front matter")
    desk.sequence("b", "steps: [{email: recap}]\nthen: c\n")
    desk.sequence("a", "titel: x\nsteps: [{email: recpa}]\n")

    problems = desk.problems()

    assert [problem.split(": ")[0] for problem in problems] == [
        "sequences/a.yaml:1:1",
        "sequences/a.yaml:2:17",
        "sequences/b.yaml:2:7",
        "templates/recap.md:1:1",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("steps: [{email: recpa}]", ["a.yaml:1:17:", 'there is no template "recpa"', 'did you mean "recap"?']),
        ("steps: [{invite: 30 min, template: slot}]", ["a.yaml:1:36:", 'there is no template "slot"']),
        ("steps: [{task: x}]\nthen: nurtrue", ["a.yaml:2:7:", 'there is no sequence "nurtrue"', '"nurture"']),
        ("steps: [{task: x}]\non: {reply: {move: nowhere}}", ["a.yaml:2:13:", 'there is no sequence "nowhere"']),
        ("steps: [{task: x}]\non: {reply: {snooze: {then: b}}}", ['there is no sequence "b"']),
        ("steps: [{task: call}]\non: {reply: {goto: cal}}", ['there is no step "cal"', 'did you mean "call"?']),
    ],
)
def test_what_is_named_must_exist(desk, text, words):
    desk.template("recap")
    desk.sequence("nurture", "steps: [{task: x}]")
    desk.sequence("a", text)

    (problem,) = desk.problems()

    assert all(word in problem for word in words), problem


def test_a_broken_file_still_counts_as_there_so_that_one_mistake_is_one_problem(desk):
    desk.template("recap", "broken")
    desk.sequence("b", "steps: 3")
    desk.sequence("a", "steps: [{email: recap}]\nthen: b")

    assert [problem.partition(":")[0] for problem in desk.problems()] == ["sequences/b.yaml", "templates/recap.md"]


class TestLoops:
    """A chain may come back to itself when time passes on the way."""

    @pytest.fixture(autouse=True)
    def letters(self, desk):
        desk.template("recap")

    def test_a_chain_that_comes_back_without_delay_is_refused(self, desk):
        desk.sequence("a", "steps: [{email: recap}]\nthen: b")
        desk.sequence("b", "steps: [{task: x}]\nthen: c")
        desk.sequence("c", "steps: [{email: recap, after: 0}]\nthen: a")

        (problem,) = desk.problems()

        assert problem.startswith(("sequences/a.yaml:2:7:", "sequences/b.yaml:2:7:", "sequences/c.yaml:2:7:"))
        assert "goes round without any delay" in problem
        assert any(way in problem for way in ("a → b → c → a", "b → c → a → b", "c → a → b → c"))

    def test_one_delay_in_the_chain_is_enough(self, desk):
        desk.sequence("a", "steps: [{email: recap}]\nthen: b")
        desk.sequence("b", "steps: [{wait: 1 month}]\nthen: a")

        assert desk.problems() == []

    def test_a_delay_that_only_the_primary_has_is_none_for_the_others(self, desk):
        desk.sequence("a", "steps: [{email: recap}, {wait: 1 month, to: primary}]\nthen: a")

        assert "a → a goes round" in desk.problems()[0]

    def test_two_machines_must_not_play_ball_by_moves(self, desk):
        desk.sequence("a", "steps: [{email: recap}, {wait: 1 month}]\non: {auto: {move: b}}")
        desk.sequence("b", "steps: [{email: recap}, {wait: 1 month}]\non: {auto: {move: a}}")

        assert "goes round without any delay" in desk.problems()[0]

    def test_moves_that_wait_before_they_write_are_legal(self, desk):
        desk.sequence("a", "steps: [{email: recap, after: 1 day}]\non: {auto: {move: b}}")
        desk.sequence("b", "steps: [{email: recap}]\non: {auto: {move: a}}")

        assert desk.problems() == []

    def test_a_return_within_the_day_is_a_warning(self, desk):
        desk.sequence("a", "steps: [{email: recap, after: 1 h}]\nthen: a")

        assert "comes back to itself within a day" in str(desk.load().warnings[0])


class TestFiles:
    """What stands in the folders is read with distrust."""

    def test_a_missing_folder_is_a_problem(self, desk, tmp_path):
        problems = desk.problems(sequences=tmp_path / "none")

        assert "none: this folder cannot be read: No such file" in problems[0]

    def test_editors_leftovers_and_readmes_are_passed_over(self, desk):
        for name in (".a.yaml", "#a#.yaml", "README.yaml", "a.yaml~", "a.yaml.swp", "notes.txt"):
            (desk.where.sequences / name).write_text("nonsense: [")

        assert desk.load().sequences == {}

    @pytest.mark.parametrize("name", ["After Meeting", "é", "a.b", "A"])
    def test_a_file_has_a_name_that_can_be_typed(self, desk, name):
        desk.sequence(name, "steps: [{task: x}]")

        assert "is not a name" in desk.problems()[0]

    def test_two_files_of_one_name_are_refused(self, desk):
        desk.sequence("a", "steps: [{task: x}]")
        (desk.where.sequences / "a.yml").write_text("steps: [{task: x}]")

        assert "a.yml: there is also a.yaml of the same name" in desk.problems()[0]

    def test_an_empty_file_is_refused(self, desk):
        desk.sequence("a", "  \n")
        desk.template("t", "")

        assert [problem.partition(" (")[0] for problem in desk.problems()] == [
            "sequences/a.yaml:1:1: the file is empty",
            "templates/t.md:1:1: the file is empty",
        ]

    def test_a_file_that_is_not_utf_8_is_named_with_its_place(self, desk):
        desk.template("t", b'---\nsubject: "x"\n---\nSch\xf6n\n')

        assert desk.problems() == ["templates/t.md:4:4: this is not UTF-8 text (save the file as UTF-8)"]

    def test_a_huge_file_is_not_read(self, desk):
        desk.template("t", b"x" * 300_000)

        assert "larger than 256 KB" in desk.problems()[0]

    def test_a_link_out_of_the_folder_is_refused_and_one_inside_is_followed(self, desk, tmp_path):
        secret = tmp_path / "secret.md"
        secret.write_text("---\nsubject: s\n---\nsecret")
        (desk.where.templates / "out.md").symlink_to(secret)
        desk.template("real")
        (desk.where.templates / "in.md").symlink_to("real.md")

        assert desk.problems() == ["templates/out.md: this link leads out of its folder (copy the file here instead)"]
        (desk.where.templates / "out.md").unlink()
        assert set(desk.load().templates) == {"real", "in"}

    def test_a_dead_link_and_a_pipe_hold_nobody_up(self, desk):
        (desk.where.templates / "dead.md").symlink_to("gone.md")
        os.mkfifo(desk.where.templates / "pipe.md")

        dead, pipe = desk.problems()

        assert "dead.md: cannot be read: No such file" in dead
        assert "pipe.md: cannot be read: it is not a regular file" in pipe

    def test_windows_line_ends_and_a_byte_order_mark_are_taken(self, desk):
        desk.sequence("a", b"\xef\xbb\xbfsteps:\r\n  - task: call\r\n")

        assert desk.load().sequences["a"].steps[0].id == "call"


class TestFields:
    """A variable that no row can fill is a warning while any column may come, a problem when the columns are known."""

    @pytest.fixture(autouse=True)
    def letters(self, desk):
        desk.template("t", '---\nsubject: "Hi"\n---\n{{ frist_name }} {{ machine }} {{ x | default("y") }}\n')

    def test_a_misspelt_column_is_a_warning_with_its_place(self, desk):
        (warning,) = desk.load().warnings

        assert str(warning).endswith("in the file that is dropped)")
        assert (warning.line, warning.column) == (4, 4)
        assert 'did you mean "first_name"?' in warning.cure

    def test_known_columns_make_it_a_problem_unless_there_is_a_fallback(self, desk):
        problems = desk.problems(columns={"email", "first_name"})

        assert [problem.split('"')[1] for problem in problems] == ["frist_name", "machine"]

    def test_known_columns_that_fill_it_are_enough(self, desk):
        assert desk.problems(columns={"email", "frist_name", "machine"}) == []

    def test_an_invitations_moment_is_looked_at_too(self, desk):
        desk.sequence("a", "steps:\n  - invite: 30 min\n    template: t\n    at: next_step_att\n")

        assert any("a.yaml:4:9:" in str(warning) for warning in desk.load().warnings)


def test_a_default_sequence_that_does_not_exist_is_shown_where_it_is_named(desk):
    config = desk.root / "cadenced.toml"
    config.write_text('[daemon]\ninbox = "inbox"\ndefault_sequence = "nurtur"\n')
    assert "cadenced.toml:3:20: default_sequence: " in desk.problems(default_sequence="nurtur", config=config)[0]


def test_the_default_sequence_must_exist(desk):
    desk.sequence("nurture", "steps: [{task: x}]")

    assert (
        'default_sequence: there is no sequence "nurtur" (did you mean "nurture"?)'
        in desk.problems(default_sequence="nurtur", config=desk.root / "cadenced.toml")[0]
    )


def test_the_workspaces_window_is_the_one_of_sequences_without_their_own(desk):
    window = Window(frozenset({2}))
    desk.sequence("a", "steps: [{task: x}]")

    assert desk.load(window=window).sequences["a"].window == window


def test_paths_are_told_as_seen_from_where_the_command_runs(desk, monkeypatch):
    desk.sequence("a", "")
    monkeypatch.chdir(desk.root)

    with pytest.raises(BrokenWorkspaceError, match=r"^sequences/a\.yaml:1:1: "):
        library.load(desk.where)
