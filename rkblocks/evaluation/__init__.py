"""Evaluation: robust accuracy with its threat model, its error bars and its health; growth of perturbations."""

from rkblocks.evaluation.audit import Audit as Audit
from rkblocks.evaluation.audit import audit as audit
from rkblocks.evaluation.audit import audit_model as audit_model
from rkblocks.evaluation.certify import Certificate as Certificate
from rkblocks.evaluation.certify import certify as certify
from rkblocks.evaluation.certify import certify_subject as certify_subject
from rkblocks.evaluation.compare import Comparison as Comparison
from rkblocks.evaluation.compare import compare as compare
from rkblocks.evaluation.compare import compare_all as compare_all
from rkblocks.evaluation.evaluate import evaluate as evaluate
from rkblocks.evaluation.growth import perturbation_growth as perturbation_growth
from rkblocks.evaluation.subject import Images as Images
from rkblocks.evaluation.subject import Subject as Subject
from rkblocks.evaluation.subject import of_model as of_model
from rkblocks.evaluation.subject import of_run as of_run
from rkblocks.evaluation.subject_evaluation import Evaluation as Evaluation
from rkblocks.evaluation.subject_evaluation import evaluate_subject as evaluate_subject
from rkblocks.evaluation.subject_evaluation import save_evaluation as save_evaluation
from rkblocks.intervals import holm as holm
from rkblocks.intervals import mcnemar as mcnemar
from rkblocks.intervals import mean_deviation as mean_deviation
from rkblocks.intervals import paired_bootstrap as paired_bootstrap
from rkblocks.intervals import wilson as wilson
from rkblocks.runs.outcomes import Outcomes as Outcomes
from rkblocks.runs.outcomes import load_outcomes as load_outcomes
from rkblocks.settings.plan import Item as Item
from rkblocks.settings.plan import base_threat as base_threat
from rkblocks.settings.plan import preset_plan as preset_plan
from rkblocks.testing.masks import MASKS as MASKS
from rkblocks.testing.masks import Mask as Mask

__all__ = [
    "MASKS",
    "Audit",
    "Certificate",
    "Comparison",
    "Evaluation",
    "Images",
    "Item",
    "Mask",
    "Outcomes",
    "Subject",
    "audit",
    "audit_model",
    "base_threat",
    "certify",
    "certify_subject",
    "compare",
    "compare_all",
    "evaluate",
    "evaluate_subject",
    "holm",
    "load_outcomes",
    "mcnemar",
    "mean_deviation",
    "of_model",
    "of_run",
    "paired_bootstrap",
    "perturbation_growth",
    "preset_plan",
    "save_evaluation",
    "wilson",
]
