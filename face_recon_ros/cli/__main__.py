import sys

from face_recon_ros.cli import main

if __name__ == '__main__':
    sys.exit(main())
