# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The 3D morphable face model: its file, what the parameters mean, and the fit to landmarks."""
