# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The network of `models/face_recon.tflite`: its data, training, measuring and export.

    python -m model_building.network.generate   photos -> crops with exact truth
    python -m model_building.network.train      crops -> weights
    python -m model_building.network.export     weights -> models/face_recon.tflite
"""
