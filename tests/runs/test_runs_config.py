"""Configurations: presets, files, overrides; every mistake is named, all at once, in its line."""

import tomllib
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkblocks.diagnostics import RkblocksError, diagnostic
from rkblocks.runs.config import (
    Attack,
    Averaging,
    Data,
    Free,
    Net,
    Noise,
    Optimizer,
    Schedule,
    Training,
)
from rkblocks.settings import toml
from rkblocks.training import Config, load, presets

PROMISED = {
    *("digits", "mnist-paper", "mnist-short", "mnist-published", "fashion-paper", "fashion-short"),
    *("cifar10-paper", "cifar10-published", "cifar10-30", "cifar10-short", "tiny-imagenet-paper"),
}


def found(error) -> list[tuple[str, str]]:
    return [(problem.code, problem.path) for problem in error.value.diagnostics]


def test_the_promised_presets_exist():
    assert set(presets()) >= PROMISED


@pytest.mark.parametrize("name", presets())
def test_presets_round_trip(name, tmp_path):
    config = load(name)
    copy = tmp_path / "config.toml"
    copy.write_text(toml.write(config))
    assert load(copy) == config
    assert load(name, toml_overrides(config)) == config


def toml_overrides(config: Config) -> dict[str, object]:
    return {f"{section}.{key}": value for section, keys in config.to_dict().items() for key, value in keys.items()}


def test_the_paper_recipes():
    cifar, mnist = load("cifar10-paper"), load("mnist-paper")
    assert cifar.optimizer == Optimizer("sgd", 0.1, 0.9, True, (0.9, 0.999), 5e-4)
    assert cifar.schedule == Schedule("steps", (60, 100, 140), 0.1)
    assert (cifar.training.epochs, cifar.training.batch_size) == (200, 128)
    assert cifar.attack == Attack("linf", Fraction(8, 255), 7, Fraction(2, 255), True, "eval", fold=True)
    assert (cifar.net.depth, cifar.net.widths) == (6, (16, 32, 64))
    assert (mnist.optimizer.name, mnist.optimizer.lr, mnist.training.epochs) == ("adam", 1e-4, 100)
    assert mnist.noise == Noise(Fraction(3, 10), 5)


def test_the_short_and_the_large_recipe():
    short, paper, tiny = load("cifar10-30"), load("cifar10-paper"), load("tiny-imagenet-paper")
    assert (short.training.epochs, short.schedule.kind) == (30, "one-cycle")
    assert (short.attack, short.optimizer, short.net.depth) == (paper.attack, paper.optimizer, paper.net.depth)
    assert (tiny.net.widths, tiny.attack.eps, tiny.attack.step) == (
        (16, 32, 64, 128),
        Fraction(4, 255),
        Fraction(1, 255),
    )
    assert tiny.optimizer == paper.optimizer
    assert load("cifar10-paper", ["attack.steps=12"]).attack.steps == 12


def test_overrides():
    config = load(
        "digits",
        [
            "net.blocks=ark,euler",
            "net.widths=[4, 8]",
            "attack.eps=8/255",
            "optimizer.lr=1e-2",
            "training.seed=7",
            "data.flip=true",
            "data.name=12",
        ],
    )
    assert config.net.blocks == ("ark", "euler")
    assert config.net.widths == (4, 8)
    assert config.attack.eps == Fraction(8, 255)
    assert (config.optimizer.lr, config.training.seed, config.data.flip, config.data.name) == (0.01, 7, True, "12")
    assert load("digits", {"net.blocks": "ssp2", "attack.eps": 0.1}).attack.eps == Fraction(1, 10)
    assert load("digits", ["schedule.milestones="]).schedule.milestones == ()


def test_all_mistakes_of_a_file_in_their_lines(tmp_path):
    path = tmp_path / "my.toml"
    path.write_text(
        "[optimizer]\nlearning_rate = 0.1\nmomentum = 1.5\n\n[training]\nepochs = 2.5\n"
        '[attak]\neps = "x"\n[net]\nwidths = [8, 0]\n'
    )
    with pytest.raises(RkblocksError) as error:
        load(path, ["training.seed=-1", "net.deph=2", "epochs=3", "nothing"])
    assert [(d.code, d.path, d.line) for d in error.value.diagnostics] == [
        ("RK703", "optimizer.learning_rate", 2),
        ("RK704", "optimizer.momentum", 3),
        ("RK704", "training.epochs", 6),
        ("RK703", "attak", 7),
        ("RK704", "net.widths", 10),
        ("RK705", "", None),
        ("RK703", "epochs", None),
        ("RK704", "training.seed", None),
        ("RK703", "net.deph", None),
    ]
    helps = [problem.help for problem in error.value.diagnostics]
    assert "did you mean attack?" in helps
    assert "did you mean net.depth?" in helps
    assert "did you mean training.epochs?" in helps
    assert error.value.status == 2


def test_lines_of_dotted_keys_and_of_repeated_sections(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('a.b = 1\n[part]\nc.d = 2\n"e+f" = 3\n[[row]]\nx = 1\n[[row]]\nx = 2\n[part.deep]\ny = 1\n')
    places = {"a.b": 1, "part.c.d": 3, "part.e+f": 4, "row.0.x": 6, "row.1.x": 8, "part.deep.y": 10}
    places |= {"row.1": 7, "row.1.absent": 7, "part.absent.far": 2, "absent": None}
    found = toml.with_lines([diagnostic("RK704", "x", path=place) for place in places], path)
    assert [one.line for one in found] == list(places.values())


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("training.epochs=many", "a whole number, at least 1"),
        ("data.flip=maybe", "true or false"),
        ("attack.eps=1/0", "a number such as 8/255"),
        ("attack.norm=linfty", "one of linf, l2, l1"),
        ("data.validation=1", "from 0 to below 1"),
        ("noise.eps=-1/2", "from 0 to 1"),
        ("optimizer.lr=inf", "a number, greater than 0"),
        ("optimizer.betas=0.9", "two numbers"),
        ("schedule.milestones=3,2", "ascending"),
        ("net.blocks=", "one scheme"),
        ("net.kind=mnist", "one width"),
        ("data.root=\udcff", "text"),
        ("data.split_seed=9223372036854775808", "from 0 to 9223372036854775807"),
        ("training.seed=9223372036854775808", "from 0 to 9223372036854775807"),
        ("net.depth=10001", "from 1 to 10000"),
        ("net.widths=8,65537", "from 1 to 65536"),
        ("data.padding=100000", "from 0 to 256"),
        ("attack.eps=1e400", "from 0 to 1000000"),
        ("attack.step=1e999999999", "a number such as 8/255"),
    ],
)
def test_values_out_of_range(override, expected):
    with pytest.raises(RkblocksError) as error:
        load("digits", [override])
    assert found(error)[0][0] == "RK704"
    assert expected in str(error.value)
    assert error.value.source == "--set"


def test_a_section_is_no_value(tmp_path):
    (tmp_path / "my.toml").write_text("net = 3\n")
    with pytest.raises(RkblocksError, match=r"RK704.*expected a section"):
        load(tmp_path / "my.toml")


def test_no_toml(tmp_path):
    path = tmp_path / "my.toml"
    path.write_text("[attack]\neps = 8/255\n")
    with pytest.raises(RkblocksError) as error:
        load(path)
    (problem,) = error.value.diagnostics
    assert (problem.code, problem.line, problem.column) == ("RK702", 2, 8)
    path.write_bytes(b"\xff")
    with pytest.raises(RkblocksError, match="RK702"):
        load(path)
    path.write_text(f"x = {'[' * 3000}1{']' * 3000}")
    with pytest.raises(RkblocksError, match=r"RK702.*nested too deep"):
        load(path)


@pytest.mark.parametrize(
    ("name", "help"), [("digit", "did you mean digits?"), ("zzz", "presets: "), ("no/a.toml", "no/a.toml")]
)
def test_unknown_presets(name, help):
    with pytest.raises(RkblocksError, match="RK701") as error:
        load(name)
    assert help in str(error.value)


@pytest.mark.parametrize("text", ["", "# only a comment\n", "[data]\n[net]\n"])
def test_a_file_that_sets_nothing_is_no_recipe(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(RkblocksError, match=r"RK562.*mine\.toml sets nothing"):
        load(path)
    path.write_text(f"{text}[training]\nseed = 1\n" if not text.startswith("[") else f"{text}depth = 2\n")
    assert load(path) != Config()


def test_a_folder_is_no_preset(tmp_path):
    with pytest.raises(RkblocksError, match=r"RK701.* is a folder") as error:
        load(tmp_path)
    assert error.value.diagnostics[0].help == "name a file in it"
    (tmp_path / "config.toml").write_text("")
    with pytest.raises(RkblocksError, match=r"settings of this run are .*config\.toml"):
        load(tmp_path)


def test_the_column_of_a_value_is_its_own(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[training]\n  epochs =  0\n  epoch = 1\n")
    with pytest.raises(RkblocksError) as error:
        load(path)
    places = [(p.code, p.line, p.column) for p in error.value.diagnostics]
    assert places == [("RK704", 2, 13), ("RK703", 3, 1)]


texts = st.text(st.characters(codec="utf-8"), max_size=20)
budgets = st.fractions(0, 1, max_denominator=1000)
configs = st.builds(
    Config,
    data=st.builds(Data, name=texts, root=texts, validation=st.floats(0, 0.99), flip=st.booleans()),
    net=st.builds(
        Net,
        blocks=st.lists(texts.filter(bool), min_size=1, max_size=4).map(tuple),
        widths=st.lists(st.integers(1, 512), min_size=1, max_size=4).map(tuple),
    ),
    optimizer=st.builds(Optimizer, lr=st.floats(1e-9, 1e9), weight_decay=st.floats(0, 1)),
    schedule=st.builds(Schedule, milestones=st.sets(st.integers(0, 500)).map(lambda s: tuple(sorted(s)))),
    training=st.builds(Training, seed=st.integers(0, 2**62)),
    attack=st.builds(Attack, eps=budgets, step=budgets),
    free=st.builds(Free, replays=st.integers(1, 99), alpha=budgets),
    averaging=st.builds(Averaging, decay=st.floats(0, 0.9999), evaluated=st.booleans()),
)


@settings(max_examples=100, deadline=None)
@given(configs)
def test_what_is_written_is_what_is_read(tmp_path_factory, config):
    path = tmp_path_factory.getbasetemp() / "generated.toml"
    path.write_text(toml.write(config), encoding="utf-8")
    assert load(path, trained=True) == config  # any of them, also those at odds
    assert tomllib.loads(path.read_text(encoding="utf-8")) == config.to_dict()


def test_a_trained_run_keeps_settings_that_are_refused_by_now(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text("[averaging]\nevaluated = true\n")
    assert load(path, trained=True).averaging.evaluated
    with pytest.raises(RkblocksError, match="RK706") as error:
        load(path)
    assert error.value.source == str(path)
