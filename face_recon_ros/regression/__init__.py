# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""From a region of an image to the 62 parameters of the face in it."""
