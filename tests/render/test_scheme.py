"""`show`: formulas and the Butcher array, as whole strings."""

from rkblocks import files
from rkblocks.render.scheme import scheme


def tableau(text: str) -> str:
    reading = files.read_text(text, "mine.json")
    assert reading.tableau is not None, reading.diagnostics
    return scheme(reading.tableau)


def test_a_shu_osher_form_with_signs_and_a_family() -> None:
    assert tableau(
        '{"name": "mine", "title": "A family", "parameters": {"a": {"domain": ["1/2", null], "init": "3/4"}},'
        ' "alpha": [["1"], ["1 - a", "a"]], "beta": [["1"], ["-1/2", "1/2"]], "claims": {"order": 1},'
        ' "references": ["Someone 2020, eq. (1)"]}'
    ) == (
        "mine: A family\n"
        "  file mine.json\n"
        "\n"
        "Shu-Osher form\n"
        "  u1     = x + dt F(x)\n"
        "  result = (1 - a) x + a u1 - 1/2 dt F(x) + 1/2 dt F(u1)\n"
        "\n"
        "Butcher form, converted from the Shu-Osher form\n"
        "  0 |\n"
        "  1 | 1\n"
        "  --+-------------\n"
        "    | a - 1/2  1/2\n"
        "\n"
        "Parameters\n"
        "  a in (1/2, oo), starts at 0.75, learnable\n"
        "\n"
        "Claims\n"
        "  order         1\n"
        "\n"
        "References\n"
        "  Someone 2020, eq. (1)\n"
    )


def test_a_butcher_form_with_an_embedded_method_and_an_implicit_one() -> None:
    explicit = tableau('{"name": "p", "A": [[], ["1"]], "b": ["1/2", "1/2"], "b_hat": ["1", "0"], "tolerance": "1e-3"}')
    assert explicit == (
        "p\n"
        "  file mine.json\n"
        "  decimal table, tolerance 1/1000\n"
        "\n"
        "Butcher form\n"
        "  0 |\n"
        "  1 | 1\n"
        "  --+---------\n"
        "    | 1/2  1/2\n"
        "    | 1    0\n"
    )
    implicit = tableau('{"name": "i", "A": [["1/2"]], "b": ["1"]}')
    assert "  1/2 | 1/2\n  ----+----\n      | 1\n" in implicit
