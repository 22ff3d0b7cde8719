# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Expressions by name: ARKit's 52 coefficients, action units from them, who speaks."""
