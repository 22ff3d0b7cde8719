# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The one exception of this package that is meant for the person at the keyboard."""


class ModelBuildingError(Exception):
    """An expected failure; its message is one line naming the thing and the remedy."""
