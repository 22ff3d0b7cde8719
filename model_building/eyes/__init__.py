# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How models/gaze.tflite is made: from photos whose irises and lids are moved."""
