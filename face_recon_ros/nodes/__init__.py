# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The ROS 2 side: everything that imports rclpy or a message package lives here."""
