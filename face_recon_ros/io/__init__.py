# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Photos, videos, bags, message encodings, calibrations and the CSV of faces."""
