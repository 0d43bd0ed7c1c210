"""No function below the command line takes more than six parameters; those that do are named here, by package, with
the reason.
"""

import ast
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "rkblocks"
MOST = 6
VERB = "a verb for users: its options are keywords with defaults, checked and grouped at once"
BUILDER = "a builder of networks for users: its options are keywords with defaults"
TORCH = "the signature is that of torch's own function"
FAULT = "what a fault says, each by its name"
ACCEPTED = {
    "analysis:analyze": VERB,
    "attacks:run": VERB,
    "attacks:pgd": VERB,
    "attacks:search": "what attacks:run is, for those who looked at its inputs already",
    "blocks:build": VERB,
    "blocks:retrofit": VERB,
    "demo:run": VERB,
    "evaluation:certify": VERB,
    "evaluation:evaluate": VERB,
    "files:tableau": VERB,
    "program:interpret": VERB,
    "study:run": VERB,
    "synthesis:design": VERB,
    "nets:bounded": BUILDER,
    "nets:grouped": BUILDER,
    "nets:mnist": BUILDER,
    "attacks:_batch_norm": TORCH,
    "training:forward": TORCH,
    "diagnostics:diagnostic": FAULT,
    "diagnostics:fail": FAULT,
}


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """The names of a function's parameters, without self and cls."""
    given = function.args
    names = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return [name for name in names if name not in ("self", "cls")]


def test_functions_take_six_parameters_at_most() -> None:
    found = {}
    for path in PACKAGE.rglob("*.py"):
        place = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if place == "cli":  # a command has a parameter for each of its options
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and len(parameters(node)) > MOST:
                found[f"{place}:{node.name}"] = len(parameters(node))
    assert set(found) <= set(ACCEPTED), {name: found[name] for name in set(found) - set(ACCEPTED)}
    assert set(ACCEPTED) <= set(found), f"take few by now: {sorted(set(ACCEPTED) - set(found))}"
