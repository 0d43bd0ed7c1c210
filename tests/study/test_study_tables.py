"""The three formats of a table as whole texts, from a content that has it all: axes, a paper, one seed, failures."""

# ruff: noqa: E501 (lines of the tables)

import copy
import csv
import io
import re
from typing import Any

from hypothesis import given, settings
from test_escape import HOSTILE

from rkblocks.study import tables

CONTENT: dict[str, Any] = {
    "study": {"name": "mine_1", "title": "50 % of it", "preset": "digits", "seeds": [0, 1], "networks": 6},
    "evaluation": {"split": "test"},
    "columns": [
        {"key": "clean", "title": "clean", "text": "clean images", "definition": "final"},
        {"key": "pgd20-any", "title": "PGD", "text": "linf eps 8/255", "definition": "any"},
    ],
    "paper": "A & B 2020",
    "entries": [
        {
            "cell": cell,
            "seed": seed,
            "n": 100,
            "data": "",
            "health": {"checks": 2, "failed": ["more_steps: 0.1 < 0.2"] if (cell, seed) == ("ssp2", 0) else []},
        }
        for cell, seed in (("euler", 0), ("euler", 1), ("ssp2", 0), ("ssp2", 1), ("own", 0))
    ],
    "summary": [
        {
            "cell": "euler",
            "blocks": "euler",
            "axes": {"net.blocks": "euler", "calls": "4"},
            "calls": "4",
            "seeds": 2,
            "accuracy": {"clean": [0.9, 0.01], "pgd20-any": [0.5, 0.0]},
            "paper": {"clean": 0.91},
            "first": None,
            "difference": {},
        },
        {
            "cell": "ssp2",
            "blocks": "ssp2",
            "axes": {"net.blocks": "ssp2", "calls": "4"},
            "calls": "5",
            "seeds": 2,
            "accuracy": {"clean": [0.95, 0.02], "pgd20-any": [0.5625, 0.03]},
            "paper": {"clean": 0.93},
            "first": "euler",
            "difference": {
                "clean": {"n": 2, "mean": 0.05, "deviation": 0.01, "p": 0.5},
                "pgd20-any": {"n": 2, "mean": 0.0625, "deviation": 0.0, "p": None},
            },
        },
        {
            "cell": "own",
            "blocks": "own_rk",
            "axes": {"net.blocks": "own_rk"},
            "calls": None,
            "seeds": 1,
            "accuracy": {"clean": [0.8, None], "pgd20-any": [0.25, None]},
            "paper": {},
            "first": "euler",
            "difference": {"clean": {"n": 1, "mean": -0.1, "deviation": None, "p": None}},
        },
        {
            "cell": "ark",
            "blocks": "ark",
            "axes": {"net.blocks": "ark", "calls": "4"},
            "calls": "4",
            "seeds": 0,
            "accuracy": {},
            "paper": {},
            "first": "euler",
            "difference": {},
        },
    ],
    "relations": [
        {
            "setting": {"calls": "4"},
            "attack": "pgd20-any",
            "property": fact,
            "n": 5,
            "rho": rho,
            "range": interval,
            "p": 0.04,
            "given_loss": given,
            "holm": holm,
        }
        for fact, rho, interval, given, holm in (
            ("loss", -0.5, [-0.5, 0.5], None, None),
            ("ssp", 0.9, [0.5, 1.0], 0.125, 0.08),
            ("growth", -0.25, None, None, 0.08),
        )
    ],
    "trends": [],
    "contrasts": [
        {
            "setting": {"calls": "4"},
            "contrast": "50 % more",
            "pair": pair,
            "attack": "clean",
            "n": 2,
            "mean": mean,
            "deviation": 0.01,
            "p": p,
            "two_way": two_way,
        }
        for pair, mean, p, two_way in (
            ("ssp2 - euler", 0.05, 0.25, None),
            (
                "all",
                -0.025,
                1e-5,
                {
                    "mean": -0.025,
                    "half": 0.01,
                    "p": 0.5,
                    "holm": 1.0,
                    "found": 0.02,
                    "at_equal_loss": {"mean": 0.0, "half": 0.1, "p": 0.75, "holm": 1.0},
                },
            ),
        )
    ],
    "two_way": [
        {
            "setting": {"calls": "4"},
            "attack": "clean",
            "first": "euler",
            "seeds": 2,
            "found": 0.0625,
            "differences": {"ssp2": {"mean": 0.05, "half": 0.0625, "p": 0.04}},
            "at_equal_loss": {"ssp2": {"mean": -0.05, "half": 0.01, "p": 1e-5}},
        }
    ],
    "training": [
        {
            "cell": "ssp2",
            "seeds": 2,
            "metric": "validation_robust",
            "loss": [0.5, 0.25],
            "validation": [0.75, None],
            "at": {"loss": 0.5, "epoch": [2.25, None], "validation": [0.7, 0.1]},
        }
    ],
    "ended": [
        {"setting": setting, "least": ["euler", 0.25], "most": ["ssp2", 0.5], "factor": 2.0, "allowed": most, "ok": ok}
        for setting, most, ok in (({"calls": "4"}, 1.5, False), ({}, 2.5, True), ({}, None, None))
    ],
}

MARKDOWN = r"""# mine_1: 50 % of it

| blocks | calls of F | seeds | clean | paper | PGD |
| --- | --- | --- | --- | --- | --- |
| euler | 4 | 2 | 0.9000 ± 0.0100 | 0.9100 | 0.5000 ± 0.0000 |
| ssp2 | 5 (of 4) | 2 | 0.9500 ± 0.0200 | 0.9300 | 0.5625 ± 0.0300 |
| own\_rk | - | 1 of 2 | 0.8000 † | - | 0.2500 † |
| ark | 4 | 0 of 2 | - | - | - |

| blocks | calls of F | minus | seeds | clean | paper | PGD |
| --- | --- | --- | --- | --- | --- | --- |
| ssp2 | 5 (of 4) | euler | 2 | +0.0500 ± 0.0100 (p = 0.5) | +0.0200 | +0.0625 ± 0.0000 |
| own\_rk | - | euler | 1 | -0.1000 † | - | - |

| blocks | calls of F | two-way: minus | seeds | clean |
| --- | --- | --- | --- | --- |
| ssp2 | 5 (of 4) | euler | 2 | +0.0500 [-0.0125, +0.1125] (p = 0.04) |
| smallest found, 80 % | 4 | euler | 2 | 0.0625 |

| blocks | calls of F | at equal loss: minus | seeds | clean |
| --- | --- | --- | --- | --- |
| ssp2 | 5 (of 4) | euler | 2 | -0.0500 [-0.0600, -0.0400] (p < 0.0001) |

| calls of F | contrast | pair | seeds | clean | PGD |
| --- | --- | --- | --- | --- | --- |
| 4 | 50 % more | ssp2 - euler | 2 | +0.0500 ± 0.0100 (p = 0.25) | - |
| 4 | 50 % more | all | 2 | -0.0250 ± 0.0100 (p < 0.0001; two-way p = 0.5, Holm 1; found from 0.0200; at equal loss +0.0000, p = 0.75, Holm 1) | - |

| blocks | calls of F | seeds | training loss | robust validation | at loss | epoch | robust validation there |
| --- | --- | --- | --- | --- | --- | --- | --- |
| ssp2 | 5 (of 4) | 2 | 0.5000 ± 0.2500 | 0.7500 † | 0.5000 | 2.2 | 0.7000 ± 0.1000 |

| calls of F | property | schemes | PGD |
| --- | --- | --- | --- |
| 4 | training loss | 5 | -0.50 [-0.50, +0.50] (p = 0.04) |
| 4 | C | 5 | +0.90 [+0.50, +1.00] (p = 0.04, Holm 0.08; given loss +0.12) |
| 4 | growth | 5 | -0.25 (p = 0.04, Holm 0.08) |

- 5 of 6 networks (preset digits), each on 100 test images.
- Mean ± sample deviation over the seeds; † is a single seed, without deviation.
- PGD: linf eps 8/255 (any iterate).
- Differences are paired by seed; p is that of the two-sided paired t-test.
- Two-way: accuracy = scheme + seed + rest, one deviation of the rest for all schemes; brackets hold all differences of a column with 95 % (Dunnett), and p is corrected alike. Smallest found: the true difference that this test finds with 80 % at the 5 % level.
- At equal loss: the same with the training loss at the end as a covariate, whose slope is that of the seeds within a scheme; brackets and p are Bonferroni's over the schemes.
- Contrasts: pairs of the study file, paired by seed; all: in each seed the mean over the pairs. Two-way: p of the same in that model, alone and after Holm's correction over contrasts and columns; found from: the true difference that it finds with 80 % at the 5 % level; at equal loss: both with the loss as covariate.
- Training loss of the last epoch, validation accuracy after it, and where the loss first came down to the lowest that all networks of the setting reached: the epoch, and the validation accuracy there.
- Training, calls = 4: mean loss at the end from 0.25 (euler) to 0.5 (ssp2), a factor of 2; stated: at most 1.5: FAILED.
- Training: mean loss at the end from 0.25 (euler) to 0.5 (ssp2), a factor of 2; stated: at most 2.5: passed.
- Training: mean loss at the end from 0.25 (euler) to 0.5 (ssp2), a factor of 2; the study file states no limit.
- Last table: Spearman's rho with a property of the scheme, in brackets of single seeds, p by permutation, with Holm's correction over properties and columns; given loss: what is left at equal training loss.
- paper: A & B 2020.
- Health checks: 9 of 10 passed.
- Failed, ssp2 seed 0: more\_steps: 0.1 \< 0.2.
"""

LATEX = r"""% mine_1: 50 % of it
% needs \usepackage{booktabs}

\begin{tabular}{llrrrr}
\toprule
blocks & calls of F & seeds & clean & paper & PGD \\
\midrule
euler & 4 & 2 & 0.9000 $\pm$ 0.0100 & 0.9100 & 0.5000 $\pm$ 0.0000 \\
ssp2 & 5 (of 4) & 2 & 0.9500 $\pm$ 0.0200 & 0.9300 & 0.5625 $\pm$ 0.0300 \\
own\_rk & - & 1 of 2 & 0.8000 $\dagger$ & - & 0.2500 $\dagger$ \\
ark & 4 & 0 of 2 & - & - & - \\
\bottomrule
\end{tabular}

\begin{tabular}{llrrrrr}
\toprule
blocks & calls of F & minus & seeds & clean & paper & PGD \\
\midrule
ssp2 & 5 (of 4) & euler & 2 & $+0.0500$ $\pm$ 0.0100 ($p = 0.5$) & $+0.0200$ & $+0.0625$ $\pm$ 0.0000 \\
own\_rk & - & euler & 1 & $-0.1000$ $\dagger$ & - & - \\
\bottomrule
\end{tabular}

\begin{tabular}{llrrr}
\toprule
blocks & calls of F & two-way: minus & seeds & clean \\
\midrule
ssp2 & 5 (of 4) & euler & 2 & $+0.0500$ [$-0.0125$, $+0.1125$] ($p = 0.04$) \\
smallest found, 80 \% & 4 & euler & 2 & 0.0625 \\
\bottomrule
\end{tabular}

\begin{tabular}{llrrr}
\toprule
blocks & calls of F & at equal loss: minus & seeds & clean \\
\midrule
ssp2 & 5 (of 4) & euler & 2 & $-0.0500$ [$-0.0600$, $-0.0400$] ($p < 0.0001$) \\
\bottomrule
\end{tabular}

\begin{tabular}{llrrrr}
\toprule
calls of F & contrast & pair & seeds & clean & PGD \\
\midrule
4 & 50 \% more & ssp2 - euler & 2 & $+0.0500$ $\pm$ 0.0100 ($p = 0.25$) & - \\
4 & 50 \% more & all & 2 & $-0.0250$ $\pm$ 0.0100 ($p < 0.0001$; two-way $p = 0.5$, Holm 1; found from 0.0200; at equal loss $+0.0000$, $p = 0.75$, Holm 1) & - \\
\bottomrule
\end{tabular}

\begin{tabular}{llrrrrrr}
\toprule
blocks & calls of F & seeds & training loss & robust validation & at loss & epoch & robust validation there \\
\midrule
ssp2 & 5 (of 4) & 2 & 0.5000 $\pm$ 0.2500 & 0.7500 $\dagger$ & 0.5000 & 2.2 & 0.7000 $\pm$ 0.1000 \\
\bottomrule
\end{tabular}

\begin{tabular}{llrr}
\toprule
calls of F & property & schemes & PGD \\
\midrule
4 & training loss & 5 & -0.50 [-0.50, +0.50] ($p = 0.04$) \\
4 & C & 5 & +0.90 [+0.50, +1.00] ($p = 0.04$, Holm $0.08$; given loss +0.12) \\
4 & growth & 5 & -0.25 ($p = 0.04$, Holm $0.08$) \\
\bottomrule
\end{tabular}

% 5 of 6 networks (preset digits), each on 100 test images.
% Mean $\pm$ sample deviation over the seeds; $\dagger$ is a single seed, without deviation.
% PGD: linf eps 8/255 (any iterate).
% Differences are paired by seed; p is that of the two-sided paired t-test.
% Two-way: accuracy = scheme + seed + rest, one deviation of the rest for all schemes; brackets hold all differences of a column with 95 \% (Dunnett), and p is corrected alike. Smallest found: the true difference that this test finds with 80 \% at the 5 \% level.
% At equal loss: the same with the training loss at the end as a covariate, whose slope is that of the seeds within a scheme; brackets and p are Bonferroni's over the schemes.
% Contrasts: pairs of the study file, paired by seed; all: in each seed the mean over the pairs. Two-way: p of the same in that model, alone and after Holm's correction over contrasts and columns; found from: the true difference that it finds with 80 \% at the 5 \% level; at equal loss: both with the loss as covariate.
% Training loss of the last epoch, validation accuracy after it, and where the loss first came down to the lowest that all networks of the setting reached: the epoch, and the validation accuracy there.
% Training, calls = 4: mean loss at the end from 0.25 (euler) to 0.5 (ssp2), a factor of 2; stated: at most 1.5: FAILED.
% Training: mean loss at the end from 0.25 (euler) to 0.5 (ssp2), a factor of 2; stated: at most 2.5: passed.
% Training: mean loss at the end from 0.25 (euler) to 0.5 (ssp2), a factor of 2; the study file states no limit.
% Last table: Spearman's rho with a property of the scheme, in brackets of single seeds, p by permutation, with Holm's correction over properties and columns; given loss: what is left at equal training loss.
% paper: A \& B 2020.
% Health checks: 9 of 10 passed.
% Failed, ssp2 seed 0: more\_steps: 0.1 < 0.2.
"""

CSV = """\
cell,blocks,calls,attack,seeds,mean,deviation,paper,first,pairs,difference,difference_deviation,p,two_way_half,two_way_p,equal_loss_difference,equal_loss_half,equal_loss_p
euler,euler,4,clean,2,0.9,0.01,0.91,,,,,,,,,,
euler,euler,4,pgd20-any,2,0.5,0,,,,,,,,,,,
ssp2,ssp2,5,clean,2,0.95,0.02,0.93,euler,2,0.05,0.01,0.5,0.0625,0.04,-0.05,0.01,1e-05
ssp2,ssp2,5,pgd20-any,2,0.5625,0.03,,euler,2,0.0625,0,,,,,,
own,own_rk,,clean,1,0.8,,,euler,1,-0.1,,,,,,,
own,own_rk,,pgd20-any,1,0.25,,,euler,,,,,,,,,
ark,ark,4,clean,0,,,,euler,,,,,,,,,
ark,ark,4,pgd20-any,0,,,,euler,,,,,,,,,
"""


def test_markdown() -> None:
    assert tables.markdown(CONTENT) == MARKDOWN


def test_plain_text_has_no_escapes() -> None:
    assert "\\" in MARKDOWN
    assert tables.plain(CONTENT) == MARKDOWN.replace("\\", "")


def test_latex() -> None:
    assert tables.latex(CONTENT) == LATEX


def test_comma_separated_values() -> None:
    assert tables.comma_separated(CONTENT) == CSV


def test_what_every_network_fails_is_said_once() -> None:
    entries = [
        {**one, "health": {"checks": 3, "failed": [*one["health"]["failed"], "three seeds: 2 in this study"]}}
        for one in CONTENT["entries"]
    ]
    said = tables.plain({**CONTENT, "entries": entries}).splitlines()
    assert said[-3:] == [
        "- Health checks: 9 of 15 passed.",
        "- Failed, every network: three seeds: 2 in this study.",
        "- Failed, ssp2 seed 0: more_steps: 0.1 < 0.2.",
    ]


def test_nothing_is_done_yet() -> None:
    nothing: dict[str, Any] = {"two_way": [], "training": [], "ended": []}
    empty = {**CONTENT, "entries": [], "summary": [CONTENT["summary"][3]], **nothing}
    text = tables.markdown(empty)
    assert "| ark | 4 | 0 of 2 | - | - |" in text
    assert "0 of 6 networks (preset digits), each on no test images." in text
    assert "minus" not in text


@given(HOSTILE)
@settings(max_examples=25, deadline=None)
def test_what_a_study_file_says_is_data_in_every_table(text: str) -> None:
    """Titles, names of cells and schemes, a paper, advice: one line each, escaped for each format."""
    content = copy.deepcopy(CONTENT)
    content["study"]["title"] = content["paper"] = content["columns"][1]["title"] = content["columns"][1]["text"] = text
    content["entries"][0]["health"]["failed"] = content["entries"][0]["data"] = [text]
    content["entries"][0]["data"] = text
    for row in content["summary"]:
        row["axes"]["net.blocks"] = row["blocks"] = text
    plain, tex, table = tables.markdown(content), tables.latex(content), tables.comma_separated(content)
    for found in (plain, tex, table, tables.plain(content)):
        assert all(line.isprintable() for line in found.split("\n"))
    assert plain.count("\n") - tables.markdown(CONTENT).count("\n") in (0, 1)  # a note on the data where there was none
    code = "\n".join(line for line in tex.split("\n") if not line.startswith("% "))
    assert "\\input" not in code
    assert not re.search(r"(?<!\\)<script", plain.replace("\\\\", ""))
    for row in csv.reader(io.StringIO(table)):
        assert not any(cell.startswith(("=", "+", "@")) for cell in row)
