# lockstep.report is Python: nothing to build.
pytests += reports/tests
