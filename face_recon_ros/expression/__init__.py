"""Expressions by name: ARKit's 52 coefficients, action units from them, who speaks."""
