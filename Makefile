# What a developer or an operator types. Everything works on a fresh Debian machine with the .NET SDK, as root.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run test soak mutants bench lint clean

SEEDS ?= 1000
FLEET ?=
BENCH ?=
simulate := dotnet run --project tests/Simulation.Tests -c Release -v q --

help:
	@echo 'make run          start the platform on this machine with one instance; Ctrl-C ends it'
	@echo 'make run CHECK=1  the same, with every step checked, and then ended'
	@echo 'make test         every test there is; ends with one line of counts'
	@echo 'make soak SEEDS=N the platform under simulated faults, with N seeds'
	@echo 'make mutants      whether that simulation finds the platform broken when it is'
	@echo 'make bench        the benchmarks, each beside what it is measured against; see tests/Benchmarks'
	@echo 'make lint         formatting, warnings, shell scripts'
	@echo 'make clean        everything that a build made'

run:
	@CHECK='$(CHECK)' packaging/quickstart/run

# The line of counts comes last: nothing may be printed after it.
test:
	@packaging/prerequisites && exec packaging/test

soak:
	@$(simulate) soak $(SEEDS)

mutants:
	@$(simulate) mutants

bench:
	@packaging/prerequisites wrk etcd-server && \
	  exec dotnet run --project tests/Benchmarks -c Release -v q -- $(if $(FLEET),--hosts $(FLEET)) $(BENCH)

lint:
	@packaging/prerequisites shellcheck && exec packaging/lint

clean:
	@git clean -fdXq
