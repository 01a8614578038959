pytests += ci/tests
