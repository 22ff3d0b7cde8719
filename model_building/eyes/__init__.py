# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How models/eyes.tflite is made: photos whose irises and lids are moved, rendered people."""
