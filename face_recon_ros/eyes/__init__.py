# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Eyes: irises, lids, where they look, blinks, and at whom."""
