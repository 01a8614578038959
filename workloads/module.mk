pytests += workloads/tests
