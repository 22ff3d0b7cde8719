# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How models/blendshapes.npz is made: rendered expressions, and a regression learnt from them."""
