"""Words of each language for dates, amounts and countries, as data: one TOML file a language."""
