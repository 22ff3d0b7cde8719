# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Demo, sample camera, bench and latency: what a robot does not need at run time."""
