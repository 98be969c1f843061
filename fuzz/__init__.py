"""Coverage-guided fuzzing: ``make fuzz``. What each target promises stands in :mod:`fuzz.targets`."""
