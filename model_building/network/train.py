# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Train the network on crops: ``python -m model_building.network.train --data DIR --output RUN``.

Writes RUN/checkpoint.pt every --save steps and goes on from it when started again; RUN/log.jsonl
has the losses, RUN/validation.jsonl what the averaged weights give on held-out crops,
RUN/weights.pt those weights in the end. Uses a GPU where there is one.
"""
from __future__ import annotations

import argparse
import copy
import json
import math
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.paths import model_file
from face_recon_ros.regression.face_mesh import FACE_MESH_FILE
from model_building.network.dataset import CropSet, Emphasis
from model_building.network.export import read_weights
from model_building.network.losses import Batch, Losses, Weights
from model_building.network.model import FaceReconNetwork
from model_building.network.teacher import Teacher
from model_building.network.validation import Validation

WARM_UP_STEPS = 100
HEAD_RATE, TRUNK_RATE = 1e-3, 4e-4
LAST_RATE = 0.02
"""Part of the learning rate that is left in the end."""
GRADIENT_LIMIT = 1.0
AVERAGE_DECAY = 0.995
LATE_SHARE = 0.5
"""From this part of the steps on the pose branch has to agree with the parameter branch."""
LOG_EVERY = 20


class Training:
    """A network under training with all that a restart needs."""

    def __init__(self, arguments: argparse.Namespace, data: CropSet, device: torch.device) -> None:
        torch.manual_seed(arguments.seed)
        model = FaceModel()
        coefficients = torch.from_numpy(data.coefficients)
        self.network = FaceReconNetwork(coefficients.mean(0), coefficients.std(0))
        self.network.face_mesh.load_file(model_file(FACE_MESH_FILE))
        if arguments.start:
            self.network.load_state_dict(read_weights(arguments.start))
        self.network = self.network.to(device, memory_format=torch.channels_last)
        if arguments.presence_only:
            self.network.requires_grad_(requires_grad=False)
            self.network.face_mesh.presence.requires_grad_(requires_grad=True)
        self.average = copy.deepcopy(self.network)
        self.teacher = None
        if arguments.teacher:
            network = copy.deepcopy(self.network)
            network.load_state_dict(read_weights(arguments.teacher))
            self.teacher = Teacher(network, model, arguments.teacher_in_mirror)
        self.losses = Losses(model, Weights(
            landmarks=arguments.landmarks, uncertainty=arguments.uncertainty)).to(device)
        trunk = list(self.network.face_mesh.parameters())
        known = {id(p) for p in trunk}
        head = [p for p in self.network.parameters() if id(p) not in known]
        head_rate = HEAD_RATE if not arguments.start else TRUNK_RATE
        self.optimizer = torch.optim.AdamW(
            [{'params': trunk, 'lr': arguments.rate * arguments.trunk_rate * TRUNK_RATE},
             {'params': head, 'lr': arguments.rate * head_rate}], weight_decay=1e-4)
        self.steps = arguments.steps
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, self._rate)
        self.step = 0

    def _rate(self, step: int) -> float:
        if step < WARM_UP_STEPS:
            return (step + 1) / WARM_UP_STEPS
        part = min(1.0, (step - WARM_UP_STEPS) / max(1, self.steps - WARM_UP_STEPS))
        return LAST_RATE + (1 - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * part))

    def advance(self, batch: Batch) -> dict[str, float]:
        """Take one step; return the losses."""
        total, terms = self._losses_of(batch)
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), GRADIENT_LIMIT)
        self.optimizer.step()
        self.schedule.step()
        self.step += 1
        self._follow()
        return terms | {'total': float(total.detach())}

    def _losses_of(self, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        outputs = self.network(batch.image)
        decoded = self.network.decode(outputs[0])
        if self.teacher is None:
            return self.losses(outputs, decoded, batch, self.step > LATE_SHARE * self.steps)
        taught, meant = self.teacher(batch.image if batch.whole is None else batch.whole)
        return self.losses.to_teacher(outputs, decoded, taught, meant)

    @torch.no_grad()
    def _follow(self) -> None:
        """Let the averaged weights follow."""
        decay = min(AVERAGE_DECAY, self.step / (self.step + 10))
        for kept, new in zip(self.average.parameters(), self.network.parameters(), strict=True):
            kept.lerp_(new, 1 - decay)

    def save(self, path: Path) -> None:
        """Write everything; the file appears whole or not at all."""
        partial = path.with_suffix('.partial')
        torch.save({'network': self.network.state_dict(), 'average': self.average.state_dict(),
                    'optimizer': self.optimizer.state_dict(),
                    'schedule': self.schedule.state_dict(), 'step': self.step}, partial)
        partial.replace(path)
        torch.save(self.average.state_dict(), path.with_name('weights.pt'))

    def load(self, path: Path) -> None:
        """Read what save() wrote."""
        state = torch.load(path, map_location='cpu')
        self.network.load_state_dict(state['network'])
        self.average.load_state_dict(state['average'])
        self.optimizer.load_state_dict(state['optimizer'])
        self.schedule.load_state_dict(state['schedule'])
        self.step = state['step']


def run(arguments: argparse.Namespace) -> None:
    """Train to the end."""
    device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    data = CropSet(sorted(p for d in arguments.data for p in d.glob('train_*.npz')
                          if not p.stem.endswith('.partial')), FaceModel(), arguments.emphasis,
                   arguments.upside_down, arguments.exchanged, arguments.cut, arguments.covered,
                   arguments.edges)
    arguments.output.mkdir(parents=True, exist_ok=True)
    training = Training(arguments, data, device)
    checkpoint = arguments.output / 'checkpoint.pt'
    if checkpoint.exists():
        training.load(checkpoint)
    validation = None
    if arguments.validation:
        validation = Validation(sorted(arguments.validation.glob('*.npz')), device)
    batches = data.epochs(arguments.batch, arguments.seed, training.step, device)
    sums: dict[str, list[float]] = {}
    with (arguments.output / 'log.jsonl').open('a') as log, \
            tqdm(total=arguments.steps, initial=training.step, unit='step',
                 mininterval=5) as bar:
        while training.step < arguments.steps:
            for name, value in training.advance(next(batches)).items():
                sums.setdefault(name, []).append(value)
            bar.update()
            if training.step % LOG_EVERY == 0:
                line = {name: round(float(np.mean(v)), 5) for name, v in sums.items()}
                log.write(json.dumps({'step': training.step} | line) + '\n')
                log.flush()
                bar.set_postfix_str(f'loss {line["total"]:.4f}')
                sums.clear()
            if training.step % arguments.save == 0:
                training.save(checkpoint)
            if validation and training.step % arguments.validate == 0:
                figures = {'step': training.step} | validation(training.average)
                with (arguments.output / 'validation.jsonl').open('a') as curve:
                    curve.write(json.dumps(figures) + '\n')
    training.save(checkpoint)


# long: one option after another
def main() -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog='python -m model_building.network.train',
                                     description=__doc__)
    parser.add_argument('--data', type=Path, nargs='+', required=True, help='of ...generate')
    parser.add_argument('--output', type=Path, required=True)
    parser.add_argument('--steps', type=int, default=6000)
    parser.add_argument('--batch', type=int, default=48)
    parser.add_argument('--rate', type=float, default=1.0, help='times the usual learning rate')
    parser.add_argument('--trunk-rate', type=float, default=1.0,
                        help="times the trunk's usual part of it")
    parser.add_argument('--start', type=Path, help='weights.pt or .tflite file to start from')
    parser.add_argument('--save', type=int, default=100, help='steps between checkpoints')
    parser.add_argument('--presence-only', action='store_true',
                        help='all weights but those of the presence stay')
    parser.add_argument('--upside-down', type=float, default=0.0,
                        help='share of crops shown upside down, as what is no face')
    parser.add_argument('--exchanged', type=float, default=0.0,
                        help='share of crops whose surroundings are those of others')
    parser.add_argument('--teacher', type=Path, metavar='FILE',
                        help='weights.pt or .tflite file: learn what it says of whole crops, '
                        'not the truth')
    parser.add_argument('--teacher-in-mirror', action='store_true',
                        help='learn the mean of that and what it says of their mirror images')
    parser.add_argument('--cut', type=float, default=0.0,
                        help='share of crops that the image cuts; a teacher sees them whole')
    parser.add_argument('--covered', type=float, default=0.0,
                        help='share of the others that masks, caps or things cover')
    parser.add_argument('--edges', type=float, default=0.0,
                        help='share of the covered that are behind the edge of a door or a wall')
    parser.add_argument('--validation', type=Path, help='folder of held-out shards to watch')
    parser.add_argument('--validate', type=int, default=250, help='steps between looks at them')
    parser.add_argument('--threads', type=int, default=0, help='0: as many as there are cores')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--landmarks', type=float, default=Weights().landmarks,
                        help='weight of the landmarks of turned heads (default: %(default)s)')
    parser.add_argument('--uncertainty', type=float, default=Weights().uncertainty,
                        help='weight of its likelihood (default: %(default)s)')
    for name, help_text in (
        ('turned', 'how often turned heads are drawn'), ('profiles', 'how often profiles are'),
        ('level', 'how much more often heads that look straight ahead are'),
        ('steep', 'how often heads that look far up or down are drawn'),
    ):
        parser.add_argument(f'--{name}', type=float, default=getattr(Emphasis(), name),
                            help=f'{help_text} (default: %(default)s)')
    arguments = parser.parse_args()
    arguments.emphasis = Emphasis(
        arguments.turned, arguments.profiles, arguments.level, arguments.steep)
    try:
        run(arguments)
    except (OSError, ValueError) as error:
        sys.stderr.write(f'{error}\n')
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
