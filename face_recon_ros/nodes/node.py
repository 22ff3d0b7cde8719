# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The face_recon node: a managed node (lifecycle), its services and its diagnostics.

configure loads the models and offers the outputs, activate listens to the camera. The way of an
image is in camera_subscription.py, recognition.py (threads) and image_processing.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rclpy.lifecycle import (
    LifecycleNode,
    LifecyclePublisher,
    LifecycleState,
    TransitionCallbackReturn,
)
from std_srvs.srv import SetBool, Trigger

from face_recon_ros.calibration import Calibration
from face_recon_ros.errors import FaceReconError
from face_recon_ros.nodes import humans
from face_recon_ros.nodes.camera_pose_listener import CameraPoseListener
from face_recon_ros.nodes.camera_subscription import CameraSubscription
from face_recon_ros.nodes.depth_monitor import DepthMonitor
from face_recon_ros.nodes.depth_subscription import DepthSubscription
from face_recon_ros.nodes.former_names import TakesFormerNames
from face_recon_ros.nodes.gazing import Gazing
from face_recon_ros.nodes.image_processing import ImageProcessor, Telemetry
from face_recon_ros.nodes.model_files import model_names
from face_recon_ros.nodes.monitor import Monitor
from face_recon_ros.nodes.outputs import FaceOutputs, Output
from face_recon_ros.nodes.parameters import Parameters, former_names
from face_recon_ros.nodes.pictures import Pictures
from face_recon_ros.nodes.process_memory import give_back
from face_recon_ros.nodes.publishers import managed_publisher
from face_recon_ros.nodes.qos import wait_for_delivery
from face_recon_ros.nodes.recognition import Recognition, StillBusyError
from face_recon_ros.nodes.report import ChangeLogger, one_line
from face_recon_ros.nodes.self_diagnosis import SelfDiagnosis
from face_recon_ros.nodes.settings import NEVER, Settings
from face_recon_ros.nodes.targets import Targets
from face_recon_ros.nodes.tf_listeners import TransformListeners
from face_recon_ros.nodes.topics import IMAGE, topic_of
from face_recon_ros.nodes.transitions import refuse_illegal_transitions
from face_recon_ros.nodes.unknown_parameters import say_unknown
from face_recon_ros.pipeline import Pipeline

ACTIVE = 'active'
FINALIZED = 'finalized'
# How long the image in hand may take, on a machine that is busy: in a transition, and at the end
TRANSITION_PATIENCE_S = 10.0
END_PATIENCE_S = 1.0
# For subscribers to hear that there are no faces any more, before its topics end. Fast DDS asks a
# subscriber whether it has all every 3 s only, so most have heard long before they say so
DELIVERY_PATIENCE_S = 0.5
SUCCESS = TransitionCallbackReturn.SUCCESS


class FaceReconNode(TakesFormerNames, LifecycleNode):
    """Topics, parameters, services and frames as docs/ros.md lists them."""

    def __init__(self) -> None:
        """
        Make the node, and activate it unless the parameter autostart is false.

        :raises FaceReconError: a parameter cannot be used, or (autostart) a model file.
        """
        self.former_names = former_names(lambda line: self.get_logger().warning(line))
        super().__init__('face_recon')
        refuse_illegal_transitions(self, lambda: self.state)
        self._recognition: Recognition | None = None  # from configure to cleanup
        self._camera: CameraSubscription | None = None  # while it listens to the camera
        self._offered: list[LifecyclePublisher] = []
        self._made: list[Output] = []
        self._enabled = True
        self._failure: Exception | None = None  # why the last transition did not succeed
        self._has_started = False
        self._patience_s = TRANSITION_PATIENCE_S
        self._is_ending = False
        self._left_work = False
        self._tuning = Parameters(self, lambda: self._recognition is not None)
        say_unknown(self, self.former_names.all)
        logger = self.get_logger()
        self._report = ChangeLogger(logger.warning, logger.info)
        self._monitor = Monitor(time.monotonic())
        self._depth_monitor = DepthMonitor()
        self._diagnosis = SelfDiagnosis(
            self, self._settings, self._monitor, self._depth_monitor, self._report
        )
        self.create_service(SetBool, '~/enable', self._on_enable)
        self.create_service(Trigger, '~/reset', self._on_reset)
        if self._tuning.settings.autostart:
            self._start()
        self._has_started = True

    @property
    def is_listening(self) -> bool:
        """Whether it looks at a camera."""
        return self._camera is not None

    @property
    def enabled(self) -> bool:
        """Whether it is to look at images while it is active (~/enable)."""
        return self._enabled

    @property
    def failure(self) -> str:
        """Return why the last transition did not succeed, '' where it did."""
        return '' if self._failure is None else one_line(self._failure)

    @property
    def state(self) -> str:
        """Return the label of the lifecycle state."""
        return str(self._state_machine.current_state[1])

    def _start(self) -> None:
        """Configure and activate; without a manager there is nobody to try again."""
        for trigger in (self.trigger_configure, self.trigger_activate):
            if trigger() != SUCCESS:
                raise self._failure or RuntimeError(f'node is {self.state} after the start')

    @property
    def left_work(self) -> bool:
        """Whether a thread still works at an image that close() did not wait for."""
        return self._left_work

    def close(self) -> None:
        """
        Stop, as the process ends; what is shown of faces is withdrawn.

        An image that takes long is left where it is: nobody waits for what comes of it.
        """
        self._is_ending, self._patience_s = True, END_PATIENCE_S
        if self.state != FINALIZED and self.context.ok():
            self.trigger_shutdown()

    # --- transitions -----------------------------------------------------------

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the models and offer the outputs."""
        result = self._attempt('configure', self._load)
        if result != SUCCESS:
            self._free()
        return result

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Open the outputs and listen to the camera."""
        super().on_activate(state)
        is_done = self._attempt('activate', self._listen) == SUCCESS
        # what was begun is freed then
        return SUCCESS if is_done else TransitionCallbackReturn.ERROR

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Listen no more, withdraw the faces shown, close the outputs."""
        result = self._attempt('deactivate', self._stop_listening)
        super().on_deactivate(state)
        return result

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the models and take the outputs back."""
        result = self._attempt('clean up', self._free)
        if result == SUCCESS:
            self._failure = None
        return result

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything, from whatever state."""
        return self._attempt('shut down', self._free)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """After a transition that broke halfway: free everything, be unconfigured."""
        return self._attempt('free everything', self._free)

    def _attempt(self, what: str, action: Callable[[], None]) -> TransitionCallbackReturn:
        """
        Do what a transition asks for; rclpy would swallow what is raised.

        A FaceReconError leaves the state as it was, anything else leads to on_error.
        """
        try:
            action()
        except Exception as error:
            self._failure = error
            expected = isinstance(error, FaceReconError)
            if self._has_started:
                _forget_frames(error)
                reason = str(error) if expected else one_line(error)
                self.get_logger().error(f'cannot {what}: {reason}')
            return TransitionCallbackReturn.FAILURE if expected else TransitionCallbackReturn.ERROR
        return SUCCESS

    def _load(self) -> None:
        """:raises FaceReconError: a model file cannot be used."""
        settings = self._tuning.settings
        topic = topic_of(self, IMAGE, settings.image_transport)
        info_topic = self.resolve_topic_name('camera_info')
        pipeline = Pipeline(settings.pipeline)
        self._diagnosis.image_topic = topic
        self._diagnosis.models = model_names(pipeline)
        outputs = self._outputs()
        pictures = Pictures(self._offer, self._settings, pipeline.model)
        telemetry = Telemetry(
            self._monitor, self._depth_monitor, self._report, self.get_logger()
        )
        processor = ImageProcessor(
            pipeline,
            Calibration(info_topic, settings.rectified),
            self._settings,
            [*outputs, pictures],
            telemetry,
            topic.full_name,
            self._filtering_frame(),
        )
        self._recognition = Recognition(processor, outputs, pictures, telemetry)
        self._failure = None
        give_back()

    def _settings(self) -> Settings:
        """Return the newest."""
        return self._tuning.settings

    def _filtering_frame(self) -> CameraPoseListener | None:
        frame = self._tuning.settings.filtering_frame
        return CameraPoseListener(self, frame, self._report) if frame else None

    def _outputs(self) -> list[Output]:
        """Return all that is published about faces with every image, in this order."""
        want_faces = TransformListeners(self).want_faces
        outputs = self._made = [FaceOutputs(self._offer, self._settings, want_faces)]
        if humans.AVAILABLE:
            outputs.append(humans.Humans(self, self._offer, self._settings))
        elif self._tuning.settings.publish_humans:
            self.get_logger().info('hri_msgs is not installed: nothing under /humans (REP-155)')
        targets = Targets(self, self._tuning.settings.targets, self._report)
        outputs.append(Gazing(self._offer, self._settings, targets))
        return outputs

    def _offer(self, kind: type, topic: str, depth: int) -> LifecyclePublisher:
        """Return a publisher that is open while the node is active and ends with cleanup."""
        publisher = managed_publisher(self, kind, topic, depth)
        self._offered.append(publisher)
        return publisher

    def _listen(self) -> None:
        if self._recognition is None or self._camera is not None or not self._enabled:
            return
        self._monitor.restart(time.monotonic())
        self._depth_monitor.restart()
        self._recognition.start()
        try:
            self._recognition.processor.depth = self._depth_subscription()
            self._camera = self._camera_subscription(self._recognition)
        except Exception:
            self._stop_listening()
            raise
        self.get_logger().info(f'looking for faces in {self._diagnosis.image_topic.full_name}')

    def _camera_subscription(self, recognition: Recognition) -> CameraSubscription:
        return CameraSubscription(
            self,
            self._diagnosis.image_topic,
            recognition.processor.calibration,
            self._tuning.settings.calibration_wait_s,
            self._monitor,
            recognition.wanted,
            recognition.submit,
        )

    def _depth_subscription(self) -> DepthSubscription | None:
        settings = self._tuning.settings
        if settings.use_depth == NEVER:
            return None
        return DepthSubscription(
            self,
            settings.depth_transport,
            settings.depth_tolerance_s,
            self._depth_monitor,
        )

    def _stop_listening(self) -> None:
        """:raises StillBusyError: the image in hand takes too long, and the process goes on."""
        camera, self._camera = self._camera, None
        if camera is not None:
            camera.close()
        if self._recognition is not None:
            processor = self._recognition.processor
            depth, processor.depth = processor.depth, None
            if depth is not None:
                depth.close()
            try:
                self._recognition.stop(self._patience_s, withdraw=self.context.ok())
            except StillBusyError:
                self._left_work = True
                if not self._is_ending:
                    raise
        self._report.forget(keep=(SelfDiagnosis.NAME_TASK,))

    def _free(self) -> None:
        """:raises StillBusyError: as _stop_listening; all is freed nevertheless."""
        try:
            self._stop_listening()
        finally:
            self._close_outputs()
            if not self._is_ending:
                give_back()

    def _close_outputs(self) -> None:
        recognition, self._recognition = self._recognition, None
        if recognition is not None:
            recognition.close()
            if self.context.ok():
                wait_for_delivery(recognition.withdraws_on(), DELIVERY_PATIENCE_S)
        else:
            for output in self._made:
                output.close()
        self._made = []
        offered, self._offered = self._offered, []
        for publisher in offered:
            self.destroy_lifecycle_publisher(publisher)

    # --- services --------------------------------------------------------------

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> Any:
        """Look at images or not, without a change of state; kept for when it is active again."""
        self._enabled = request.data
        if self.state != ACTIVE:
            response.success = True
            response.message = f'noted; the node is {self.state}'
        elif self._enabled:
            response.success = self._attempt('enable', self._listen) == SUCCESS
        else:
            # what does not end in time does no more harm: the node is disabled all the same
            self._attempt('end all work at once', self._stop_listening)
            response.success = not self.is_listening
        if self.state == ACTIVE and self._failure is not None:
            response.message = str(self._failure)
            self._failure = None
        return response

    def _on_reset(self, request: Trigger.Request, response: Trigger.Response) -> Any:
        """Forget ids and filters before the next image."""
        if self._recognition is not None:
            self._recognition.forget()
        response.success = True
        return response


def _forget_frames(error: BaseException) -> None:
    """Take from an error what it was raised through: that holds what was loaded by then."""
    cause = error.__cause__ or error.__context__
    error.__traceback__ = error.__cause__ = error.__context__ = None
    if cause is not None:
        _forget_frames(cause)
