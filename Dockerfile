# syntax=docker/dockerfile:1
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

# ROS 2 with this package, built as docs/install.md says. How to run it: docs/install.md, Docker.
ARG ROS_DISTRO=jazzy

# What the nodes need at run time
FROM ros:${ROS_DISTRO}-ros-base AS base
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
WORKDIR /ws
COPY package.xml src/face_recon_ros/package.xml
# versions are those of the ROS distribution
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3-venv \
 && rosdep update --rosdistro "$ROS_DISTRO" \
 && rosdep install --from-paths src --ignore-src -y --dependency-types exec \
 && rm -rf /var/lib/apt/lists/* /root/.ros
COPY constraints constraints
# the constraints hold NumPy to the distribution's; LiteRT itself may be the newest
# hadolint ignore=DL3013
RUN python3 -m venv --system-site-packages .venv \
 && .venv/bin/python -m pip install --no-cache-dir -c "constraints/$ROS_DISTRO.txt" ai-edge-litert

FROM base AS build
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends g++ python3-colcon-common-extensions \
 && rosdep update --rosdistro "$ROS_DISTRO" \
 && rosdep install --from-paths src --ignore-src -y \
      --dependency-types buildtool --dependency-types build \
 && rm -rf /var/lib/apt/lists/*
COPY . src/face_recon_ros
# hadolint ignore=SC1090,SC1091
RUN . "/opt/ros/$ROS_DISTRO/setup.bash" && . .venv/bin/activate \
 && touch .venv/COLCON_IGNORE \
 && python3 -m colcon build --packages-up-to face_recon_ros --cmake-args -DBUILD_TESTING=OFF

FROM base
COPY --from=build /ws/install install
COPY scripts/docker_entrypoint.sh /docker_entrypoint.sh
# logs, for whatever user the container is run as
ENV ROS_HOME=/tmp/ros
USER 1000:1000
ENTRYPOINT ["/docker_entrypoint.sh"]
CMD ["ros2", "launch", "face_recon_ros", "face_recon.launch.py"]
