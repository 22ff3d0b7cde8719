# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Faces over time: which face is which, where to look next, and smoothing."""
