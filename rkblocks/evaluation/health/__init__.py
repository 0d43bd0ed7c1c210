"""The health report: automatic checks of what ROBUSTNESS asks of a robustness number. Importing the modules enters
their checks, and the report keeps the order of import.
"""

# isort: off
from rkblocks.evaluation.health import record as record
from rkblocks.evaluation.health import budget as budget
from rkblocks.evaluation.health import model as model
from rkblocks.evaluation.health import convergence as convergence
from rkblocks.evaluation.health import blackbox as blackbox
from rkblocks.evaluation.health import selection as selection
from rkblocks.evaluation.health import certified as certified

# isort: on
from rkblocks.evaluation.health.evidence import Evidence as Evidence
from rkblocks.evaluation.health.registry import CHECKS as CHECKS
from rkblocks.evaluation.health.registry import Verdict as Verdict
from rkblocks.evaluation.health.registry import health_report as health_report
