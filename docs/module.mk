pytests += docs/tests
