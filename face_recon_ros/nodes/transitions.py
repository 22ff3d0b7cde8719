# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Transitions that a managed node refuses, and lives on: rclpy before Kilted (9) would end it."""

from __future__ import annotations

from collections.abc import Callable

from lifecycle_msgs.srv import ChangeState
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode

Answer = Callable[[ChangeState.Request, ChangeState.Response], ChangeState.Response]


def refuse_illegal_transitions(node: LifecycleNode, state: Callable[[], str]) -> None:
    """
    Let the service ~/change_state answer False to what cannot be done from the state at hand.

    Up to Jazzy rclpy lets the error of its state machine out of the executor, which ends the
    process; from Kilted on it catches and logs that itself.

    :param state: returns the label of the node's state.
    """
    for service in node.services:
        if service.srv_type is ChangeState:
            service.callback = _guarded(service.callback, node, state)


def _guarded(answer: Answer, node: LifecycleNode, state: Callable[[], str]) -> Answer:
    def change_state(
        request: ChangeState.Request, response: ChangeState.Response
    ) -> ChangeState.Response:
        try:
            return answer(request, response)
        except rclpy_implementation.RCLError as error:
            wanted = request.transition.label or f'with id {request.transition.id}'
            reason = ' '.join(str(error).split())
            node.get_logger().error(f'transition {wanted} refused in state {state()}: {reason}')
            response.success = False
            return response

    return change_state
