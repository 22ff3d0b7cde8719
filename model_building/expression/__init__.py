# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How models/expressions.tflite is made: rendered people, photos, and a network that learns."""
