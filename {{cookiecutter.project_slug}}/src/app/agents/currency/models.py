"""Frankfurter's answer: https://frankfurter.dev/v1/."""

import datetime
from typing import Annotated

from pydantic import BaseModel, Field

Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Rates(BaseModel):
    """One day's rates: so many units of each currency for one of `base`."""

    base: str
    date: datetime.date
    rates: dict[str, Rate]
