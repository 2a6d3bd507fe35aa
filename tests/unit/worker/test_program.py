"""A job's command and environment, before any task fills them."""

from distributedjob_worker.core.program import Program, compile_program, task_values
from tests.support.worker_driver import define


def _environment(program: Program, *, item: str | None = None) -> dict[str, str]:
    values = task_values(3, 2, item, "/scratch/1")
    return {name: template.fill(values) for name, template in program.env}


def test_variables_refer_to_earlier_ones_and_to_the_task() -> None:
    program = compile_program(
        define("/bin/x", "$(B)", env=[("A", "$(DJOB_INDEX)"), ("B", "$(A)+$(C)"), ("C", "late")]),
        "node",
        "mark",
        items=False,
    )
    assert _environment(program)["B"] == "3+$(C)"
    assert program.argv[1].fill(task_values(3, 1, None, "")) == "3+$(C)"


def test_the_job_replaces_the_base_but_not_the_identity() -> None:
    program = compile_program(
        define(
            "/bin/x",
            env=[
                ("PATH", "/mine"),
                ("HOME", "/h"),
                ("DJOB_UID", "forged"),
                ("DJOB_AGENT", "forged"),
            ],
        ),
        "node",
        "mark",
        items=False,
    )
    found = _environment(program)
    assert (found["PATH"], found["HOME"], found["DJOB_AGENT"]) == ("/mine", "/h", "mark")
    assert found["DJOB_UID"] != "forged"
    assert program.path.constant == "/mine"


def test_the_job_replaces_what_its_pool_gives_but_nobody_the_identity() -> None:
    given = {"PATH": "/pool", "LANG": "C", "A": "pool", "DJOB_UID": "forged"}
    program = compile_program(
        define("/bin/x", "$(LANG)", env=[("A", "job")]), "n", "m", items=False, pool=given
    )
    found = _environment(program)
    assert (found["PATH"], found["LANG"], found["A"]) == ("/pool", "C", "job")
    assert found["DJOB_UID"] != "forged"
    assert program.argv[1].constant == "$(LANG)"


def test_only_variables_of_the_job_can_be_referred_to() -> None:
    program = compile_program(define("/bin/x", "$(PATH) $(HOME)"), "n", "m", items=False)
    assert program.argv[1].constant == "$(PATH) $(HOME)"


def test_the_item_is_there_only_where_the_job_has_items() -> None:
    without = compile_program(define("/bin/x"), "n", "m", items=False)
    with_items = compile_program(define("/bin/x"), "n", "m", items=True)
    assert "DJOB_ITEM" not in _environment(without)
    assert _environment(with_items, item="x")["DJOB_ITEM"] == "x"


def test_directories() -> None:
    scratch = compile_program(define("/bin/x"), "n", "m", items=False)
    assert (scratch.directory, _environment(scratch)["PWD"]) == (None, "/scratch/1")
    named = compile_program(define("/bin/x", working_dir="/data"), "n", "m", items=False)
    found = _environment(named)
    assert (named.directory, found["PWD"], found["TMPDIR"]) == ("/data", "/data", "/scratch/1")
    bare = compile_program(define("/bin/x", scratch_dir=False), "n", "m", items=False)
    found = _environment(bare)
    assert (bare.directory, found["PWD"], found["TMPDIR"]) == ("/", "/", "/tmp")
