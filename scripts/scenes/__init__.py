# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Made-up image sequences with known truth; for scripts and tests."""
