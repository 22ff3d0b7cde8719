# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
How models/far_faces.tflite is made: a small network that proposes far faces to the detector.

    python -m model_building.far_faces.train --photos FOLDER... --backgrounds FOLDER --output RUN
    python -m model_building.far_faces.export --weights RUN/weights.pt
"""
