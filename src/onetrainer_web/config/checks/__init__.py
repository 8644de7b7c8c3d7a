"""What can be wrong with a configuration: small checks, gathered in `config.validation`."""
