"""Builds models/face_model.npz from openly licensed material; never imported at run time.

Run ``python -m model_building`` from the repository root.
"""
