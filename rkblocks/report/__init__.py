"""Reports: what was measured on a network as one HTML file that opens without a network connection."""

from rkblocks.report.write import told_apart as told_apart
from rkblocks.report.write import write_run as write_run
from rkblocks.report.write import write_runs as write_runs
