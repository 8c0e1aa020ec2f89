# The phrase-book: one word for each thing one does here. meson and ninja do the work.

MAKEFLAGS += --no-print-directory
SHELL     := /bin/bash

MESON ?= meson
# Debian's own python: the one that python3-pytest belongs to, whichever python3 comes first in PATH
PYTHON ?= /usr/bin/python3
BUILD  ?= build
PREFIX ?= /usr/local
ARGS   ?=
FUZZ_SECONDS ?= 20

export PYTHON
# Where a machine judges alone, a warning is an error.
RELEASE  := --buildtype=release -Ddebug=true --prefix=$(PREFIX) $(if $(CI),--werror)
SANITIZE := --buildtype=debugoptimized --werror -Dman=disabled -Db_sanitize=address,undefined -Db_lundef=false

.PHONY: help build run test test-user test-all bench san san-build fuzz fuzz-build format lint install clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

build: ## the program build/shunt and the library, made for use
	@tools/setup build
	@[ -e $(BUILD)/build.ninja ] || $(MESON) setup $(BUILD) $(RELEASE)
	ninja -C $(BUILD)

run: ## the main job, at once: make run ARGS="--for 20s --port 8080"
	@tools/setup run
	@$(MAKE) build
	$(BUILD)/shunt demo $(ARGS)

test: ## all that is promised, tried; as root or as an ordinary user
	@tools/setup test
	@$(MAKE) build
	tools/run-tests $(BUILD)

test-user: ## the same for root to try: in a copy of the tree, as user nobody
	tools/as-user $(MAKE) test

test-all: ## test with its longer stories, and san
	tools/in-turn 'SHUNT_LONG=1 $(MAKE) test' '$(MAKE) san'

bench: ## what shunt costs and gains, beside its peers: make bench ARGS="--quick"
	@tools/setup bench || echo "bench: goes on without what is missing"
	@$(MAKE) build
	$(PYTHON) bench/bench.py --shunt $(BUILD)/shunt $(ARGS)

san-build:
	@tools/setup san
	@[ -e build-san/build.ninja ] || CC=clang $(MESON) setup build-san $(SANITIZE)
	ninja -C build-san

san: ## the same stories under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(MAKE) san-build
	tools/run-tests build-san unit promise fault api graft look conf backend fuzz

fuzz-build:
	@tools/setup fuzz
	@[ -e build-fuzz/build.ninja ] || CC=clang $(MESON) setup build-fuzz $(SANITIZE) -Dprogram=disabled -Dfuzz=true
	ninja -C build-fuzz fuzzers

fuzz: ## each parser fed with anything, for FUZZ_SECONDS=20
	@$(MAKE) fuzz-build
	tools/fuzz build-fuzz $(FUZZ_SECONDS)

format: ## our files as .clang-format has them
	@tools/setup format
	find include src tests examples -name '*.[ch]' -exec clang-format -i {} +

lint: ## clang-format, clang-tidy and cppcheck look over our files
	@tools/setup lint
	@$(MAKE) build
	tools/lint $(BUILD)

install: ## to PREFIX=/usr/local, below DESTDIR if that is given
	@$(MAKE) build
	$(MESON) configure $(BUILD) --prefix=$(PREFIX)
	$(MESON) install -C $(BUILD)

clean: ## away with all builds
	rm -rf build build-*
