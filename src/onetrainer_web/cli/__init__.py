"""The command line: serve, train, sample, config, doctor, openapi."""
