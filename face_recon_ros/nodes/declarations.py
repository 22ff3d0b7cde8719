"""
The table of the face_recon node's parameters: name, default, meaning and range of each.

Defaults that belong to the core are read from the core. parameters.py makes settings of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor

from face_recon_ros.pipeline import PipelineConfig
from face_recon_ros.regression.network import REGRESSORS
from face_recon_ros.tracking.settings import TrackingSettings
from face_recon_ros.tracking.smoothing import SmoothingSettings

RAW = 'raw'
COMPRESSED = 'compressed'
OVERLAY_MODES = ('sparse', 'dense', 'pose', 'box')
OVERLAY_SEPARATOR = '+'
AT_CONFIGURE = 'can be set only while the node is unconfigured'
# The prefix of ids that the node makes of its own name
AUTO = 'auto'


@dataclass(frozen=True, slots=True)
class Declaration:
    """One parameter; low and high include both ends, choices are of strings."""

    name: str
    default: bool | int | float | str
    description: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    read_only: bool = False
    # its value is used by the transition configure: refused between that and cleanup
    at_configure: bool = False

    def descriptor(self) -> ParameterDescriptor:
        """Return the description that tools show and rclpy enforces."""
        constraints = [f'one of: {", ".join(self.choices)}'] if self.choices else []
        if self.at_configure:
            constraints.append(AT_CONFIGURE)
        descriptor = ParameterDescriptor(
            description=self.description,
            read_only=self.read_only,
            additional_constraints='; '.join(constraints),
        )
        if self.low is not None and self.high is not None:
            if isinstance(self.default, int):
                descriptor.integer_range = [
                    IntegerRange(from_value=int(self.low), to_value=int(self.high), step=0)
                ]
            else:
                descriptor.floating_point_range = [
                    FloatingPointRange(from_value=self.low, to_value=self.high, step=0.0)
                ]
        return descriptor


_CORE = PipelineConfig()
_TRACKING = TrackingSettings()
_SMOOTHING = SmoothingSettings()

DECLARATIONS: tuple[Declaration, ...] = (
    # --- lifecycle
    Declaration(
        'autostart',
        True,
        'configure and activate at the start; false: wait for a lifecycle manager',
        read_only=True,
    ),
    # --- input
    Declaration(
        'image_transport',
        RAW,
        "raw subscribes to 'image', compressed to 'image' with /compressed appended",
        choices=(RAW, COMPRESSED),
        at_configure=True,
    ),
    Declaration(
        'rectified',
        False,
        'images are rectified: use P of camera_info and no distortion',
        at_configure=True,
    ),
    Declaration(
        'calibration_wait',
        1.0,
        'seconds the first images wait for camera_info before a focal length is assumed',
        0.0,
        60.0,
        at_configure=True,
    ),
    # --- finding faces
    Declaration(
        'detector',
        _CORE.detector,
        'short_range (to 2 m), full_range (to 5 m), both, or the path of a .tflite detector',
        at_configure=True,
    ),
    Declaration(
        'detector_threshold',
        _CORE.detector_threshold,
        'score from which a detection is looked at',
        0.05,
        1.0,
    ),
    Declaration(
        'regressor',
        _CORE.regressor,
        'hybrid (Face Mesh near the front, the network beyond), network (one network, every pose) '
        'or facemesh (MediaPipe Face Mesh and a closed-form fit)',
        choices=REGRESSORS,
        at_configure=True,
    ),
    Declaration(
        'regressor_path',
        _CORE.regressor_path or '',
        'another .tflite network from face crop to landmarks or parameters, which then stands '
        'by itself; empty: the shipped one',
        at_configure=True,
    ),
    Declaration(
        'model_path',
        _CORE.model_path or '',
        'another face model (.npz); empty: the shipped one',
        at_configure=True,
    ),
    Declaration('threads', _CORE.threads, 'threads of each network', 1, 64, at_configure=True),
    Declaration(
        'interpupillary_distance',
        _CORE.interpupillary_distance_m,
        'metres between the pupils of the people seen; distance is proportional to it',
        0.03,
        0.09,
    ),
    # --- following faces
    Declaration('max_faces', _TRACKING.max_faces, 'faces followed at once; 0: no limit', 0, 256),
    Declaration(
        'detection_interval',
        _TRACKING.detection_interval,
        'images between two searches for newcomers',
        1,
        1000,
    ),
    Declaration(
        'min_presence',
        _TRACKING.min_presence,
        'presence (0 to 1) below which there is no face',
        0.0,
        1.0,
    ),
    Declaration(
        'max_fit_error',
        _TRACKING.max_fit_error,
        'fit error (fraction of the distance between the outer eye corners) above which what was '
        'found is no face',
        0.005,
        1.0,
    ),
    Declaration(
        'confirm_count',
        _TRACKING.confirm_count,
        'images in a row a newcomer must be seen in before it is reported',
        1,
        100,
    ),
    Declaration(
        'hold_count',
        _TRACKING.hold_count,
        'images in a row in which a lost face is still reported, where it was seen last, with '
        'score 0; not on /tf',
        0,
        1000,
    ),
    Declaration(
        'forget_after',
        _TRACKING.forget_s,
        'seconds for which a lost face keeps its id',
        0.0,
        600.0,
    ),
    Declaration(
        'deterministic_ids',
        _TRACKING.deterministic_ids,
        'ids f1, f2, f3... instead of five random letters (REP-155)',
        at_configure=True,
    ),
    Declaration(
        'face_id_prefix',
        AUTO,
        'put before every id, in messages and frames: keeps the faces of several cameras apart; '
        'auto: of namespace and name where the node is not /face_recon',
        at_configure=True,
    ),
    # --- smoothing
    Declaration(
        'smoothing', _CORE.smoothing is not None, 'One-Euro filter on pose and shape of every face'
    ),
    Declaration(
        'smoothing_min_cutoff',
        _SMOOTHING.min_cutoff_hz,
        'Hz; lower: a still head is steadier',
        0.01,
        100.0,
    ),
    Declaration(
        'smoothing_beta',
        _SMOOTHING.beta,
        'how motion opens the filter; higher: a moving head lags less',
        0.0,
        100.0,
    ),
    Declaration(
        'filtering_frame',
        '',
        'fixed frame to smooth in where the camera moves, such as odom; empty: the camera frame',
        at_configure=True,
    ),
    # --- output
    Declaration('publish_tf', True, 'publish face_<id> and gaze_<id> on /tf'),
    Declaration(
        'publish_tf_uncalibrated',
        True,
        'publish them without calibration, too: distances are a guess then',
    ),
    Declaration(
        'publish_humans',
        True,
        'publish faces as REP-155 has them, under /humans/faces; needs hri_msgs installed',
    ),
    Declaration(
        'face_image_width',
        128,
        'pixels of /humans/faces/<id>/cropped and aligned',
        16,
        2048,
    ),
    Declaration(
        'face_image_height',
        128,
        'pixels of /humans/faces/<id>/cropped and aligned',
        16,
        2048,
    ),
    Declaration(
        'overlay_mode',
        'sparse+pose',
        f"what ~/overlay_image shows: {', '.join(OVERLAY_MODES)}, joined by '{OVERLAY_SEPARATOR}'",
    ),
    Declaration('mesh_opacity', 0.8, 'opacity of the mesh on ~/mesh_image', 0.0, 1.0),
    # --- diagnostics
    Declaration(
        'image_timeout', 5.0, 'seconds without images after which that is a fault', 0.1, 3600.0
    ),
    Declaration(
        'diagnostics_period',
        1.0,
        'seconds between two messages on /diagnostics',
        0.05,
        60.0,
        read_only=True,
    ),
)
