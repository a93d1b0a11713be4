"""A template is let in after a bounded child has rendered it; a bomb takes the child with it and nobody else."""

import resource

import pytest

from cadenced import library
from cadenced.errors import BrokenWorkspaceError
from cadenced.library.admission import BOOT, Admission
from cadenced.library.child import Child, ChildError
from cadenced.library.folder import Source

HEAD = '---\nsubject: "Hello"\n---\n'


def source(name, body):
    text = HEAD + body
    return Source(name, f"{name}.md", None, text, text)


GOOD = source("good", "Hello {{ first_name }}, {{ next_step_at | day }}, {{ mailbox.name }} {{ anything }}.\n")
CALM = source("calm", "Hello {{ last_touch.subject }}.\n")
BOMBS = {
    "rounds": "{% for a in x %}{% for b in x %}{% for c in x %}{{ a }}{% endfor %}{% endfor %}{% endfor %}",
    "text": "{% set a = 'x' * 1000000000 %}{{ a }}",
    "nest": "{{ " + "(" * 4000 + "1" + ")" * 4000 + " }}",
}


def spent_by_children():
    """Seconds of the processor: how long it takes by the clock is the machine's affair."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_a_harmless_template_is_let_in():
    assert Admission().refusals([GOOD, CALM]) == []


def test_a_mistake_in_a_template_is_left_to_the_parser_with_its_better_words():
    assert Admission().refusals([source("typo", "{{ first_name"), source("none", "{{ x | nofilter }}")]) == []


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_or_has_no_way_to_go_off(name):
    begun = spent_by_children()

    problems = Admission().refusals([GOOD, source(name, BOMBS[name]), CALM])

    assert [problem.file for problem in problems] in ([f"{name}.md"], [])
    assert spent_by_children() - begun < 30


# Stands in for holes in the sandbox: what the child does when it reads a template of such a name.
SABOTAGE = """
import sys; sys.path[:] = sys.argv[1:]
from cadenced.library import trial
honest = trial._fault
def fault(name, source):
    if name == "spin":
        while True: pass
    if name == "eat":
        x = [bytearray(1 << 20) for _ in range(10_000)]
    if name == "sleep":
        import time; time.sleep(60)
    if name == "write":
        open("/tmp/cadenced-trial", "w").write("x" * 10)
    if name == "shout":
        return "x" * 10_000_000
    if name == "peek":
        import os; return [1, 1, repr(dict(os.environ)), os.getcwd()]
    return honest(name, source)
trial._fault = fault
trial.main()
"""


# A child that starts once and then never again.
ONCE = "import os; os.mkdir({!r})\n" + BOOT


@pytest.fixture
def sabotaged(monkeypatch):
    monkeypatch.setenv("SECRET_CANARY", "hunter2")
    return Admission(wall=3.0, boot=SABOTAGE)


@pytest.mark.parametrize("name", ["spin", "eat", "sleep", "write", "shout"])
def test_what_gets_through_the_sandbox_ends_with_the_child_and_the_others_are_still_tried(sabotaged, name):
    begun = spent_by_children()

    problems = sabotaged.refusals([GOOD, source(name, "x"), CALM])

    assert [problem.file for problem in problems] == [f"{name}.md"]
    assert spent_by_children() - begun < 15


def test_a_child_that_a_busy_machine_keeps_waiting_is_not_late():
    busy = "for _ in range(20_000_000): pass\nprint('ready', flush=True)"

    with Child.ready(busy, 0.001) as child:
        assert child is not None


def test_a_child_that_sleeps_is_late():
    with pytest.raises(ChildError):
        Child.ready("import time; time.sleep(3600)", 0.2)


def test_the_child_has_no_environment_and_no_folder(sabotaged):
    (problem,) = sabotaged.refusals([source("peek", "x")])

    assert "hunter2" not in problem.message
    assert "PATH" not in problem.message
    assert problem.cure == "/"


def test_a_version_that_passed_is_not_tried_again(tmp_path):
    admission = Admission(boot=ONCE.format(str(tmp_path / "started")))
    assert admission.refusals([GOOD]) == []

    assert admission.refusals([GOOD]) == []
    with pytest.raises(BrokenWorkspaceError, match="could not be started"):
        admission.refusals([GOOD, CALM])


def test_an_unchanged_template_is_not_compiled_again(desk):
    admission = Admission()
    desk.template("t")
    desk.template("u")
    before = library.load(desk.where, admission).templates
    desk.template("u", HEAD + "new")
    after = library.load(desk.where, admission).templates

    assert after["t"] is before["t"]
    assert after["u"] is not before["u"]


def test_a_refused_version_is_tried_again(sabotaged):
    assert len(sabotaged.refusals([source("shout", "x")])) == 1
    assert len(sabotaged.refusals([source("shout", "x")])) == 1


def test_a_bomb_in_the_folder_is_a_problem_of_the_library_with_its_file(desk, sabotaged):
    desk.template("spin")
    desk.template("fine")
    desk.sequence("a", "steps: [{email: spin}, {email: fine}]")

    with pytest.raises(
        BrokenWorkspaceError, match=r"^\S*templates/spin\.md:1:1: it takes more time or memory"
    ) as caught:
        library.load(desk.where, sabotaged)
    assert len(caught.value.problems) == 1
