"""Figures of a scheme: one module each, with a function of the tableau under the module's name."""
