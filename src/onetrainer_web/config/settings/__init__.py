"""What each setting is called, does and belongs to, in words: the tables that `config.fields` puts together."""
