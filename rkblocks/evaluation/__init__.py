"""Evaluation: robust accuracy with its threat model, its error bars and its health; growth of perturbations."""

from rkblocks.evaluation.analyze import Analysis as Analysis
from rkblocks.evaluation.analyze import analyze as analyze
from rkblocks.evaluation.analyze import analyze_subject as analyze_subject
from rkblocks.evaluation.audit import Audit as Audit
from rkblocks.evaluation.audit import audit as audit
from rkblocks.evaluation.audit import audit_model as audit_model
from rkblocks.evaluation.evaluate import Evaluation as Evaluation
from rkblocks.evaluation.evaluate import evaluate as evaluate
from rkblocks.evaluation.evaluate import evaluate_subject as evaluate_subject
from rkblocks.evaluation.growth import perturbation_growth as perturbation_growth
from rkblocks.evaluation.intervals import wilson as wilson
from rkblocks.evaluation.plan import Item as Item
from rkblocks.evaluation.plan import base_threat as base_threat
from rkblocks.evaluation.plan import preset_plan as preset_plan
from rkblocks.evaluation.subject import Subject as Subject
from rkblocks.evaluation.subject import of_model as of_model
from rkblocks.evaluation.subject import of_run as of_run
