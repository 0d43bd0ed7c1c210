"""Values that show themselves: `print` gives the text of the command line, a notebook HTML and formulas.

What shows a value is a later stage than the value, so it is named here and found on first use.
"""

from __future__ import annotations

from importlib import import_module

_HOW = {
    "Tableau": {
        "text": "rkblocks.render.scheme:scheme",
        "html": "rkblocks.render.displays:tableau_html",
        "latex": "rkblocks.render.displays:tableau_latex",
    },
    "Report": {"text": "rkblocks.render.report_text:paragraph", "latex": "rkblocks.render.displays:report_latex"},
    "Program": {"text": "rkblocks.program.printed:listing"},
    "Evaluations": {"text": "rkblocks.render.network_results:evaluations"},
    "Evaluation": {"text": "rkblocks.render.network_results:subject"},
    "StudyResults": {"text": "rkblocks.study.tables:plain"},
    "NetworkAnalysis": {"text": "rkblocks.render.network_results:network"},
}
"""The renderers of each kind of value by the name of its class; without one for HTML it is the text."""


class Shown:
    """A value with renderers in this module's table."""

    def __str__(self) -> str:
        """What the command line shows of it."""
        return self._rendered("text").rstrip("\n")

    def _repr_html_(self) -> str:
        """What a notebook shows of it."""
        if "html" in _HOW[type(self).__name__]:
            return self._rendered("html")
        preformatted: str = import_module("rkblocks.render.displays").preformatted(str(self))
        return preformatted

    def _rendered(self, form: str) -> str:
        module, _, name = _HOW[type(self).__name__][form].partition(":")
        text: str = getattr(import_module(module), name)(self)
        return text


class Typeset(Shown):
    """One that is a formula, too."""

    def _repr_latex_(self) -> str:
        """What a notebook that prefers LaTeX shows of it."""
        return self._rendered("latex")
