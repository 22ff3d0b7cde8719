# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Face boxes in an image: BlazeFace, UltraLight, and windows of large images."""
