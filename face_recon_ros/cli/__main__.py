# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

import sys

from face_recon_ros.cli import main

if __name__ == '__main__':
    sys.exit(main())
