# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Builds models/face_model.npz from openly licensed material; never imported at run time.

Run ``python -m model_building`` from the repository root.
"""
