# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
How long the tests wait before they call it a hang.

Tests wait for events. A deadline only keeps a hang from lasting for ever, so it is far beyond what
the slowest and busiest machine needs: how fast something is, `face-recon bench` measures.
"""

HANG_S = 480.0
# Of what takes minutes
LONG_HANG_S = 3000.0
