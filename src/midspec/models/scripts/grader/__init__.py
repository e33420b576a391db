"""A grader that goes by a few words of the agent and errs as often as it is told: for trying out and for tests."""
