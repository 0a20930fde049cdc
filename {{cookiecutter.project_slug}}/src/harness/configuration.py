"""How settings are read: the class that the service's settings and each agent's own derive from.

A value comes from, in this order: an argument (tests), the environment, the file `.env` in the
working directory, a file named like the setting in `/run/secrets`, the field's default.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Any, ClassVar, get_args

from pydantic import SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from .errors import ConfigurationError


class Configuration(BaseSettings):
    """Where settings come from; an agent's own settings derive from this class too."""

    model_config = SettingsConfigDict(
        extra="ignore", env_ignore_empty=True, hide_input_in_errors=True, use_attribute_docstrings=True, frozen=True
    )

    title: ClassVar = ""
    """How pages call its settings."""

    env_file: ClassVar[Path | None] = Path(".env")
    """The file read beside the environment; tests set it to None."""

    secrets_dir: ClassVar[Path] = Path("/run/secrets")
    """One file a secret, as Docker and Kubernetes mount them; ignored where it does not exist."""

    UNSEEN: ClassVar = "\ufeff\u200b"
    """Marks that editors and web pages leave at the ends of what is copied."""

    def __init__(self, **values: Any) -> None:
        """Read the settings.

        Raises:
            ConfigurationError: One or more settings are wrong; every one is named, no value is shown.
        """
        secrets = self.secrets_dir if self.secrets_dir.is_dir() else None
        given: dict[str, Any] = {"_env_file": self.env_file, "_secrets_dir": secrets}
        problems: list[str] = []
        wrong: set[str] = set()
        try:
            super().__init__(**given, **values)
        except ValidationError as invalid:
            problems.extend(self._problems(invalid))
            wrong = {str(error["loc"][0]) for error in invalid.errors() if error["loc"]}
        except SettingsError as broken:  # a list or a table; its text names the field
            variable = self.variable(str(broken).partition('"')[2].partition('"')[0])
            problems.append(f"{variable}: this is no JSON; write it as JSON")
            raise ConfigurationError(problems) from None
        if not wrong or self._fill(wrong, given, values):
            names = [self.variable(name) for name in wrong]
            problems += [rule for rule in self.rules() if not any(name in rule for name in names)]
        if problems:
            raise ConfigurationError(problems) from None

    def _fill(self, wrong: Set[str], given: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
        """Take the defaults for what is wrong, so that the rules are held over what is right."""
        fields = type(self).model_fields
        defaults = {it: fields[it].get_default() for it in wrong if it in fields}
        try:
            super().__init__(**given, **{**values, **defaults})
        except ValidationError:  # there is no default, or a rule of pydantic's is broken too
            return False
        return True

    def rules(self) -> Iterator[str]:
        """What the settings break together, one problem each; a subclass says it."""
        yield from ()

    def secrets(self) -> Iterator[SecretStr]:
        """Every secret that is set."""
        for field in type(self).model_fields:
            value = getattr(self, field)
            if isinstance(value, SecretStr):
                yield value

    @field_validator("*", mode="before")
    @classmethod
    def _one_line(cls, value: Any, info: ValidationInfo) -> Any:
        """A secret or an address without the line end of the file that it was copied from.

        Raises:
            ValueError: There is one inside of it: as a header it would be refused in every call.
        """
        wanted = cls.model_fields[str(info.field_name)].annotation
        is_secret = SecretStr in (wanted, *get_args(wanted))
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if not isinstance(text, str) or not (is_secret or "://" in text):
            return value
        text = text.strip().strip(cls.UNSEEN).strip()
        if not cls.is_one_line(text):
            raise ValueError("it holds a line end or another sign that nobody sees; write the value alone")
        return text

    @classmethod
    def is_one_line(cls, text: str) -> bool:
        """Whether a secret can be sent as it is: all of it is seen, but for spaces inside."""
        return text == text.strip() and text.isprintable()

    @classmethod
    def variable(cls, field: str) -> str:
        """The environment variable of a field: `llm_model` -> `LLM_MODEL`."""
        return f"{cls.model_config.get('env_prefix') or ''}{field}".upper()

    @classmethod
    def _problems(cls, invalid: ValidationError) -> Sequence[str]:
        problems = []
        for error in invalid.errors(include_input=False, include_url=False):
            problem = error["msg"].removeprefix("Value error, ")
            if error["loc"]:  # a validator over several settings names them itself
                field = str(error["loc"][0])
                info = cls.model_fields.get(field)
                about = info.description.partition("\n")[0] if info and info.description else ""
                problem = f"{cls.variable(field)}: {problem}" + (f" ({about})" if about else "")
            problems.append(problem)
        return problems
