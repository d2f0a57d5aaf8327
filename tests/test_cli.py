"""The command line: what it computes, prints, returns and says of bad input."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import numdiff as nd
from numdiff import cli
from numdiff.cli import main
from numdiff.rules import RULES

FUNCTIONS = '''
"""Functions to differentiate."""
import sys

import numpy as np

loaded = []
number = 1.5


def bowl(x):
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def bowl_gradient(x):
    inner = x[1] - x[0] ** 2
    return np.array([-2 * (1 - x[0]) - 400 * x[0] * inner, 200 * inner])


def wrong_gradient(x):
    return 2 * bowl_gradient(x)


def many(x):
    return (x**2).sum(axis=0)


def total(x):
    return float((x * np.arange(x.size).reshape(x.shape)).sum())


def swap(x):
    return np.array([x[1] * x[0], x[0], np.sin(x[1])])


def talkative(x):
    print("f was here")
    return x[0] ** 2


def third(x):
    return x[0] + x[2]


def silent(x):
    assert x is None


def verbose(x):
    raise RuntimeError("one\\n\\n  two\\n" + 1000 * "three ")


def leaves(x):
    sys.exit(0)


def interrupted(x):
    raise KeyboardInterrupt


def two(x, y):
    return x[0] * y


class Plant:
    class Boiler:
        @staticmethod
        def heat(x):
            return 3 * x[0]
'''

FILES = {
    "cli_functions.py": FUNCTIONS,
    "cli_broken.py": "def f(x:\n",
    "cli_needy.py": "import cli_not_there\n",
    "cli_leaving.py": "raise SystemExit('no\\nway')\n",
    "cli_talking.py": "print('loading')\nfrom cli_functions import bowl as f\n",
    "below/json.py": "from cli_sibling import slope\ndef f(x):\n    return slope * x[0]\n",
    "below/cli_sibling.py": "slope = 7.0\n",
    "cli_once.py": "import cli_functions\ncli_functions.loaded.append(1)\n"
    "from cli_functions import bowl as f, bowl_gradient as g\n",
    "text.csv": "a,b\n1,2\n",
    "empty.csv": "",
    "square.csv": "1,2\n3,4\n",
    "row.csv": "\ufeff1.5,2\n",
    "one.csv": "1.5\n",
    "empty.npy": "",
    "notes.txt": "1,2\n",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    np.save(folder / "cube.npy", np.arange(1.0, 9.0).reshape(2, 2, 2))
    np.save(folder / "objects.npy", np.array([None]))
    return folder


@pytest.fixture(autouse=True)
def there(folder, monkeypatch):
    monkeypatch.chdir(folder)


def bowl(x):
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def strict(text):
    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


def run(*words):
    """Run Python, which finds the package wherever it is."""
    root = str(Path(nd.__file__).parents[1])
    return subprocess.run(
        [sys.executable, *words],
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=False,
    )


class Words:
    """A result that is no estimate."""

    def __init__(self, *words):
        self.words = words

    def __str__(self):
        return " ".join(self.words)

    def to_dict(self):
        return {"words": self.words}


@pytest.fixture
def computed(capsys):
    """Return what a command line computes, given that it does so silently and in JSON."""

    def compute(*argv, code=0):
        assert main([*argv, "--json"]) == code
        out, err = capsys.readouterr()
        assert err == ""
        return strict(out)

    return compute


@pytest.fixture
def fault(capsys):
    """Return the one line on stderr by which a command line is refused."""

    def refuse(*argv):
        assert main(argv) == 3
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("numdiff: error: ")
        assert err.endswith("\n")
        assert len(err.splitlines()) == 1
        return err.removeprefix("numdiff: error: ").removesuffix("\n")

    return refuse


@pytest.fixture
def received(monkeypatch, capsys):
    """Return what an operator is called with."""
    calls = []

    def operator(*args, **options):
        calls.append((args, options))
        return Words()

    def receive(*argv, scalar=False):
        command = cli.Command(
            name="try",
            summary="nothing",
            call=operator,
            options=(cli.ORDER, cli.GRAD, *cli.COMMON),
            scalar=scalar,
            exit_code=lambda _: 0,
        )
        monkeypatch.setattr(cli, "COMMANDS", (command,))
        assert main(["try", "math:exp", *argv]) == 0
        return calls[-1]

    return receive


def same(got, expected):
    assert type(got) is type(expected)
    assert np.shape(got) == np.shape(expected)
    assert np.all(got == expected)


# What it computes and prints


@pytest.mark.parametrize(
    ("argv", "estimate"),
    [
        (
            ["derivative", "numpy:exp", "--at", "0.5", "--order", "2"],
            lambda: nd.derivative(np.exp, 0.5, order=2),
        ),
        (["derivative", "numpy:exp", "--at", "0.5,2"], lambda: nd.derivative(np.exp, [0.5, 2])),
        (["gradient", "cli_functions:bowl", "--at", "1,3"], lambda: nd.gradient(bowl, [1, 3])),
        (["jacobian", "numpy:sin", "--at", "1,2"], lambda: nd.jacobian(np.sin, [1, 2])),
        (["hessian", "cli_functions:bowl", "--at", "1,3"], lambda: nd.hessian(bowl, [1, 3])),
    ],
    ids=["derivative", "derivative at points", "gradient", "jacobian", "hessian"],
)
def test_a_command_prints_what_its_operator_returns(argv, estimate, capsys):
    assert main(argv) == 0
    assert capsys.readouterr() == (f"{estimate()}\n", "")
    assert main([*argv, "--json"]) == 0
    out, err = capsys.readouterr()
    assert (strict(out), err) == (estimate().to_dict(), "")
    assert out.count("\n") == 1


def test_flagged_entries_give_code_2(computed, capsys):
    argv = ("gradient", "cli_functions:bowl", "--at", "1,3", "--method", "central")
    flagged = computed(*argv, "--step", "1e-3", code=2)
    assert flagged["status"] == ["SINGLE_STEP", "SINGLE_STEP"]
    assert flagged["error"] == [None, None]
    assert main([*argv, "--step", "1e-3"]) == 2
    assert "SINGLE_STEP" in capsys.readouterr().out


def test_one_flagged_entry_of_several_is_enough(computed):
    limits = ("--lower", "1,-inf", "--upper", "1,inf")
    held = computed("gradient", "cli_functions:bowl", "--at", "1,3", *limits, code=2)
    assert held["success"] == [False, True]
    assert held["value"] == [None, pytest.approx(400)]


def test_what_f_prints_goes_to_stderr(capsys):
    argv = ["gradient", "cli_functions:talkative", "--at", "3"]
    assert main([*argv, "--json"]) == 0
    out, err = capsys.readouterr()
    assert strict(out)["value"] == [pytest.approx(6)]
    assert set(err.splitlines()) == {"f was here"}
    assert main(["gradient", "cli_talking:f", "--at", "1,1", "--json"]) == 0
    out, err = capsys.readouterr()
    assert len(strict(out)["value"]) == 2
    assert err == "loading\n"


def test_an_interruption_is_no_traceback(capsys):
    assert main(["gradient", "cli_functions:interrupted", "--at", "1"]) == 130
    assert capsys.readouterr() == ("", "numdiff: interrupted\n")


# The point


@pytest.mark.parametrize("scalar", [True, False])
@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        (["--at", "1,2.5,3e2"], [1.0, 2.5, 300.0]),
        (["--at", "-1.2,1"], [-1.2, 1.0]),
        (["--at=-1.2,1"], [-1.2, 1.0]),
        (["--at", "-.5,-1e-3"], [-0.5, -0.001]),
        (["--at", "-inf,2"], [-np.inf, 2.0]),
        (["--at", "-Infinity,2"], [-np.inf, 2.0]),
        (["--at", "-1, -2"], [-1.0, -2.0]),
        (["--at-file", "square.csv"], [[1.0, 2.0], [3.0, 4.0]]),
        (["--at-file", "row.csv"], [1.5, 2.0]),
        (["--at-file", "cube.npy"], [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]),
    ],
)
def test_points(words, numbers, scalar, received):
    (_, x), options = received(*words, scalar=scalar)
    same(x, np.array(numbers))
    assert options == {}


@pytest.mark.parametrize("words", [["--at", "-1.5"], ["--at", "-15e-1"], ["--at=-1.5"]])
def test_a_single_number_is_a_scalar_for_derivative_only(words, received):
    same(received(*words, scalar=True)[0][1], -1.5)
    same(received(*words)[0][1], np.array([-1.5]))


def test_a_file_of_a_single_number_is_a_point_of_one_entry(received):
    assert np.shape(received("--at-file", "one.csv", scalar=True)[0][1]) == ()
    same(received("--at-file", "one.csv")[0][1], np.array([1.5]))


def test_a_matrix_gives_a_matrix(computed):
    gradient = computed("gradient", "cli_functions:total", "--at-file", "square.csv")
    assert np.array(gradient["value"]) == pytest.approx(np.array([[0.0, 1.0], [2.0, 3.0]]))


# The options


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        (["--order", "3"], "order", 3),
        (["--method", "central"], "method", "central"),
        (["--step", "1e-3"], "step", 1e-3),
        (["--step", "0.1,0.2"], "step", np.array([0.1, 0.2])),
        (["--step", "textbook"], "step", "textbook"),
        (["--rtol", "1e-4"], "rtol", 1e-4),
        (["--max-nfev", "40"], "max_nfev", 40),
        (["--vectorized"], "vectorized", True),
        (["--lower", "-1"], "bounds", (-1.0, np.inf)),
        (["--upper", "9"], "bounds", (-np.inf, 9.0)),
        (["--lower", "-inf", "--upper", "inf"], "bounds", (-np.inf, np.inf)),
    ],
)
def test_an_option_arrives_under_its_name(words, name, value, received):
    _, options = received("--at", "1,2", *words)
    assert list(options) == [name]
    if name == "bounds":
        assert options[name] == value
    else:
        same(options[name], value)


def test_lists_of_bounds_and_steps_take_the_shape_of_x(received):
    words = ["--lower", "-1,-inf,0,1", "--upper", "5,6,7,8", "--step", "1,2,3,4"]
    _, options = received("--at-file", "square.csv", *words)
    same(options["bounds"][0], np.array([[-1.0, -np.inf], [0.0, 1.0]]))
    same(options["bounds"][1], np.array([[5.0, 6.0], [7.0, 8.0]]))
    same(options["step"], np.array([[1.0, 2.0], [3.0, 4.0]]))


def test_grad_is_differentiated_instead(computed):
    argv = ("hessian", "cli_functions:bowl", "--at", "1,1")
    once = computed(*argv, "--grad", "cli_functions:bowl_gradient")["value"]
    twice = computed(*argv, "--grad", "cli_functions:wrong_gradient")["value"]
    assert np.array(once) == pytest.approx(np.array([[802.0, -400.0], [-400.0, 200.0]]))
    assert np.array(twice) == pytest.approx(2 * np.array(once))


def test_bounds_hold(computed):
    argv = ("derivative", "math:sqrt", "--at", "0.25", "--lower", "0.25", "--upper", "inf")
    assert computed(*argv)["status"] == "ONE_SIDED"
    assert computed(*argv[:-4])["status"] == "OK"


def test_vectorized_functions(computed):
    gradient = computed("gradient", "cli_functions:many", "--at", "1,2", "--vectorized")
    assert gradient["value"] == pytest.approx([2, 4])


# The function


@pytest.mark.parametrize(
    "target",
    [
        "cli_functions:Plant.Boiler.heat",
        "cli_functions.py:Plant.Boiler.heat",
        "./cli_functions.py:Plant.Boiler.heat",
    ],
)
def test_dotted_names(target, computed):
    assert computed("gradient", target, "--at", "1")["value"] == [pytest.approx(3)]


def test_a_file_imports_its_neighbours_and_replaces_no_module(folder, computed):
    for target in ("below/json.py:f", f"{folder / 'below' / 'json.py'}:f"):
        assert computed("gradient", target, "--at", "1")["value"] == [pytest.approx(7)]
    assert sys.modules["json"] is json


def test_a_file_that_is_named_twice_is_loaded_once(computed):
    from_file = computed("hessian", "cli_once.py:f", "--grad", "./cli_once.py:g", "--at", "1,1")
    assert len(from_file["value"]) == 2
    assert sys.modules["cli_functions"].loaded == [1]


def test_the_search_path_is_left_as_it_was(computed, fault):
    before = sys.path.copy()
    computed("gradient", "below/json.py:f", "--at", "1")
    fault("gradient", "cli_broken.py:f", "--at", "1")
    assert sys.path == before


# What is refused

G = ["gradient"]
AT = ["--at", "1,2"]


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        ([], "the following arguments are required: COMMAND; see `numdiff --help`"),
        (
            ["gradient"],
            "the following arguments are required: TARGET; see `numdiff gradient --help`",
        ),
        (
            [*G, "math:exp"],
            "one of the arguments --at --at-file is required; see `numdiff gradient --help`",
        ),
        (
            [*G, "math:exp", "--at"],
            "argument --at: expected one argument; see `numdiff gradient --help`",
        ),
        (
            [*G, "math:exp", *AT, "--at-file", "square.csv"],
            "argument --at-file: not allowed with argument --at; see `numdiff gradient --help`",
        ),
        (
            [*G, "math:exp", "--at", "1,x"],
            "argument --at: expected a number, or several separated by commas as in 1.3,-0.7, "
            "got '1,x'; see `numdiff gradient --help`",
        ),
        (
            [*G, "math:exp", *AT, "--step", "text"],
            "argument --step: expected a number, or several separated by commas as in 1.3,-0.7, "
            f"got 'text'; or a rule: {', '.join(RULES)}; see `numdiff gradient --help`",
        ),
        (
            [*G, "math:exp", *AT, "--rtol", "1,2"],
            "argument --rtol: expected a number, got '1,2'; see `numdiff gradient --help`",
        ),
        (
            [*G, "math:exp", *AT, "--max-nfev", "1.5"],
            "argument --max-nfev: expected a whole number, got '1.5'; "
            "see `numdiff gradient --help`",
        ),
        (
            [*G, "math:exp", "--at", "1", "2"],
            "gradient does not take '2': "
            "the numbers of an option are separated by commas, without blanks",
        ),
        (
            [*G, "math:exp", *AT, "--metod=auto"],
            "gradient does not take '--metod=auto'; did you mean '--method'?",
        ),
        (
            [*G, "math:exp", *AT, "--meth", "auto"],
            "gradient does not take '--meth'; did you mean '--method'?",
        ),
        (
            [*G, "math:exp", *AT, "--zzz"],
            "gradient does not take '--zzz'; see `numdiff gradient --help`",
        ),
        (
            ["--json", *G, "math:exp", *AT],
            "gradient does not take '--json' in front of its name: options follow it",
        ),
        (
            [*G, "cli_functions", *AT],
            "argument TARGET: expected module:function or path/to/file.py:function, "
            "got 'cli_functions'; see `numdiff gradient --help`",
        ),
        (
            ["hessian", "math:exp", *AT, "--grad", "math:"],
            "argument --grad: expected module:function or path/to/file.py:function, "
            "got 'math:'; see `numdiff hessian --help`",
        ),
        (
            [*G, "cli_functoins:bowl", *AT],
            "there is no module 'cli_functoins', neither installed nor in the current directory; "
            "did you mean 'cli_functions'?",
        ),
        (
            [*G, "xml.nothing_there:f", *AT],
            "there is no module 'xml.nothing_there', neither installed nor in the current "
            "directory",
        ),
        (
            [*G, "cli_functoins.py:bowl", *AT],
            "there is no Python file 'cli_functoins.py'; did you mean 'cli_functions.py'?",
        ),
        ([*G, "nowhere/x.py:f", *AT], "there is no Python file 'nowhere/x.py'"),
        ([*G, "./square.csv:f", *AT], "there is no Python file './square.csv'"),
        ([*G, "below/:f", *AT], "there is no Python file 'below/'"),
        (
            [*G, "cli_functions:bowel", *AT],
            "there is no 'bowel' in 'cli_functions'; did you mean 'bowl'?",
        ),
        (
            [*G, "cli_functions:Plant.Boler.heat", *AT],
            "there is no 'Boler' in 'Plant'; did you mean 'Boiler'?",
        ),
        (
            [*G, "cli_functions:number", *AT],
            "'number' in 'cli_functions' is of type float; name a function",
        ),
        (
            [*G, "cli_needy:f", *AT],
            "cannot import 'cli_needy': ModuleNotFoundError: No module named 'cli_not_there'",
        ),
        ([*G, "cli_leaving.py:f", *AT], "cannot import 'cli_leaving.py': SystemExit: no way"),
        (
            [*G, "math:exp", "--at-file", "notes.md"],
            "argument --at-file: expected a file .npy, .npz, .csv, .txt, .json or -, got "
            "'notes.md'; see `numdiff gradient --help`",
        ),
        (
            [*G, "math:exp", "--at-file", "empty.csv"],
            "argument --at-file: there are no numbers in 'empty.csv'; "
            "see `numdiff gradient --help`",
        ),
        (
            [*G, "math:exp", "--at-file", "absent.npy"],
            "argument --at-file: cannot read 'absent.npy': FileNotFoundError: "
            "[Errno 2] No such file or directory: 'absent.npy'; see `numdiff gradient --help`",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_usage_is_one_line(argv, line, fault):
    assert fault(*argv) == line


@pytest.mark.parametrize(
    ("argv", "parts"),
    [
        (["gradeint", "math:exp", *AT], ["COMMAND", "gradeint", "gradient", "hessian"]),
        ([*G, "cli_broken:f", *AT], ["cannot import 'cli_broken'", "SyntaxError"]),
        ([*G, "cli_broken.py:f", *AT], ["cannot import 'cli_broken.py'", "SyntaxError"]),
        ([*G, "math:exp", "--at-file", "text.csv"], ["cannot read 'text.csv'", "'a'"]),
        ([*G, "math:exp", "--at-file", "absent.csv"], ["'absent.csv'", "FileNotFoundError"]),
        ([*G, "math:exp", "--at-file", "empty.npy"], ["cannot read 'empty.npy'"]),
        ([*G, "math:exp", "--at-file", "objects.npy"], ["cannot read 'objects.npy'", "ValueError"]),
    ],
    ids=" ".join,
)
def test_bad_usage_names_the_culprit(argv, parts, fault):
    line = fault(*argv)
    assert [part for part in parts if part not in line] == []


@pytest.mark.parametrize(
    ("target", "start"),
    [
        ("third", "IndexError: index 2 is out of bounds for axis 0 with size 2; f raised"),
        ("silent", "AssertionError; f raised"),
        ("verbose", "RuntimeError: one two three three"),
        ("two", "TypeError: two() missing 1 required positional argument: 'y'; f raised"),
    ],
)
def test_f_that_fails_at_x(target, start, fault):
    line = fault("gradient", f"cli_functions:{target}", *AT)
    assert line.startswith(f"f failed with {start}")
    assert line.endswith(" x itself, [1. 2.]")
    assert len(line) < 400


def test_f_that_fails_at_a_matrix(fault):
    line = fault("gradient", "cli_functions:third", "--at-file", "square.csv")
    assert line.endswith(" x itself, [[1. 2.] [3. 4.]]")


def test_f_that_leaves_the_program(fault):
    assert fault("gradient", "cli_functions:leaves", *AT) == "f failed with SystemExit: 0"


@pytest.mark.parametrize(
    ("argv", "part"),
    [
        (["derivative", "math:exp", "--at", "1", "--order", "11"], "--order"),
        (["derivative", "math:exp", "--at", "nan"], "nan"),
        ([*G, "cli_functions:bowl", *AT, "--method", "centrl"], "'centrl'"),
        ([*G, "cli_functions:bowl", *AT, "--lower", "1.5"], "--lower"),
        ([*G, "cli_functions:bowl", *AT, "--lower", "1,2,3"], "--lower"),
        ([*G, "cli_functions:bowl", *AT, "--step", "1,2,3"], "--step"),
        ([*G, "cli_functions:swap", *AT], "jacobian"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_an_operator_refuses(argv, part, fault):
    assert part in fault(*argv)


# The program


def test_exit_codes_from_outside():
    codes = {
        ("derivative", "math:exp", "--at", "-1"): 0,
        ("derivative", "math:exp", "--at", "-1", "--method", "central", "--step", "1e-3"): 2,
        ("derivative", "cli_functions:third", "--at", "0"): 3,
        ("nonsense",): 3,
    }
    for argv, code in codes.items():
        done = run("-m", "numdiff", *argv)
        assert done.returncode == code
        assert (done.stdout == "") == (code == 3)
        assert done.stderr.count("\n") == (code == 3)
        assert "Traceback" not in done.stderr


def test_modules_of_the_current_directory_are_found_by_the_installed_program(folder):
    # An installed program has its own folder, not the current one, on the search path.
    program = "import sys; del sys.path[0]; from numdiff.cli import main; sys.exit(main())"
    words = ("gradient", "cli_functions:third", "--at", "1,2,3", "--json")
    done = run("-c", program, *words)
    assert done.stderr == ""
    assert strict(done.stdout)["value"] == pytest.approx([1, 0, 1])


@pytest.mark.parametrize(
    "argv", [["--help"], ["-h"], *([command.name, "--help"] for command in cli.COMMANDS)]
)
def test_help(argv, capsys):
    assert main(argv) == 0
    out, err = capsys.readouterr()
    assert out.startswith("usage: numdiff")
    assert "Exit codes" in out
    assert err == ""


def test_help_names_every_command_and_option(capsys):
    main(["--help"])
    out = capsys.readouterr().out
    commands = ["derivative", "gradient", "jacobian", "hessian"]
    assert [name for name in commands if f"\n    {name}" not in out] == []
    flags = [
        "at",
        "at-file",
        "method",
        "step",
        "lower",
        "upper",
        "rtol",
        "max-nfev",
        "vectorized",
        "json",
    ]
    for name, own in zip(commands, (["order"], [], [], ["grad"]), strict=True):
        main([name, "--help"])
        out = capsys.readouterr().out
        assert [flag for flag in flags + own if f"\n  --{flag}" not in out] == []


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr() == (f"numdiff {nd.__version__}\n", "")


def test_help_is_quick():
    program = "import sys; from numdiff.cli import main; main(['--help']); print(*sys.modules)"
    modules = run("-c", program).stdout.split()
    assert "numdiff.cli" in modules
    assert not {"numba", "scipy", "matplotlib"} & set(modules)


def test_a_further_command_is_one_entry(monkeypatch, capsys):
    def judge(f, derivative, x, **options):
        return Words(f.__name__, derivative.__name__, str(x.tolist()), *options)

    command = cli.Command(
        name="judge",
        summary="whether a derivative is right",
        call=judge,
        functions=("TARGET", "DERIVATIVE"),
        options=cli.COMMON,
        exit_code=lambda verdict: len(verdict.words),
    )
    monkeypatch.setattr(cli, "COMMANDS", (*cli.COMMANDS, command))
    argv = ["judge", "math:exp", "--rtol", "1e-3", "cli_functions:bowl", "--at", "-1,2"]
    assert main(argv) == 4
    assert capsys.readouterr().out == "exp bowl [-1.0, 2.0] rtol\n"
    assert main([*argv, "--json"]) == 4
    assert strict(capsys.readouterr().out) == {"words": ["exp", "bowl", "[-1.0, 2.0]", "rtol"]}
