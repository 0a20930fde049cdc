"""Invented weather in Open-Meteo's format, for USE_FAKE_DATA: always the same for a place."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zlib import crc32

import httpx2

from harness import Words

from .models import SKY

PLACES: Final = (
    # English name, Spanish name, country in both, code, region, latitude, longitude
    ("Bogotá", "Bogotá", "Colombia", "Colombia", "CO", "Bogota D.C.", 4.61, -74.08),
    ("Medellín", "Medellín", "Colombia", "Colombia", "CO", "Antioquia", 6.25, -75.56),
    ("Cali", "Cali", "Colombia", "Colombia", "CO", "Valle del Cauca", 3.44, -76.52),
    ("Cartagena", "Cartagena", "Colombia", "Colombia", "CO", "Bolívar", 10.4, -75.51),
    ("Cartagena", "Cartagena", "Spain", "España", "ES", "Murcia", 37.61, -0.99),
    ("Lima", "Lima", "Peru", "Perú", "PE", "Lima", -12.04, -77.03),
    ("Cusco", "Cusco", "Peru", "Perú", "PE", "Cusco", -13.52, -71.97),
    ("Quito", "Quito", "Ecuador", "Ecuador", "EC", "Pichincha", -0.23, -78.52),
    ("La Paz", "La Paz", "Bolivia", "Bolivia", "BO", "La Paz", -16.5, -68.15),
    ("Caracas", "Caracas", "Venezuela", "Venezuela", "VE", "Distrito Capital", 10.49, -66.88),
    ("Santiago", "Santiago de Chile", "Chile", "Chile", "CL", "Santiago", -33.46, -70.65),
    ("Buenos Aires", "Buenos Aires", "Argentina", "Argentina", "AR", "CABA", -34.61, -58.38),
    ("Montevideo", "Montevideo", "Uruguay", "Uruguay", "UY", "Montevideo", -34.9, -56.19),
    ("Rio de Janeiro", "Río de Janeiro", "Brazil", "Brasil", "BR", "RJ", -22.91, -43.18),
    ("São Paulo", "São Paulo", "Brazil", "Brasil", "BR", "SP", -23.55, -46.64),
    ("Mexico City", "Ciudad de México", "Mexico", "México", "MX", "CDMX", 19.43, -99.13),
    ("Guadalajara", "Guadalajara", "Mexico", "México", "MX", "Jalisco", 20.67, -103.39),
    ("Panama City", "Ciudad de Panamá", "Panama", "Panamá", "PA", "Panamá", 8.99, -79.52),
    ("Havana", "La Habana", "Cuba", "Cuba", "CU", "La Habana", 23.13, -82.38),
    ("New York", "Nueva York", "United States", "Estados Unidos", "US", "New York", 40.71, -74.01),
    ("Los Angeles", "Los Ángeles", "United States", "Estados Unidos", "US", "CA", 34.05, -118.24),
    ("Miami", "Miami", "United States", "Estados Unidos", "US", "Florida", 25.77, -80.19),
    ("Toronto", "Toronto", "Canada", "Canadá", "CA", "Ontario", 43.71, -79.4),
    ("Madrid", "Madrid", "Spain", "España", "ES", "Madrid", 40.42, -3.7),
    ("Barcelona", "Barcelona", "Spain", "España", "ES", "Catalonia", 41.39, 2.16),
    ("Seville", "Sevilla", "Spain", "España", "ES", "Andalusia", 37.38, -5.97),
    ("Lisbon", "Lisboa", "Portugal", "Portugal", "PT", "Lisbon", 38.73, -9.15),
    ("London", "Londres", "United Kingdom", "Reino Unido", "GB", "England", 51.51, -0.13),
    ("Dublin", "Dublín", "Ireland", "Irlanda", "IE", "Leinster", 53.33, -6.25),
    ("Paris", "París", "France", "Francia", "FR", "Île-de-France", 48.85, 2.35),
    ("Paris", "París", "United States", "Estados Unidos", "US", "Texas", 33.66, -95.56),
    ("Berlin", "Berlín", "Germany", "Alemania", "DE", "Berlin", 52.52, 13.41),
    ("The Hague", "La Haya", "Netherlands", "Países Bajos", "NL", "South Holland", 52.08, 4.3),
    ("Rome", "Roma", "Italy", "Italia", "IT", "Lazio", 41.89, 12.51),
    ("Cairo", "El Cairo", "Egypt", "Egipto", "EG", "Cairo", 30.06, 31.25),
    ("Nairobi", "Nairobi", "Kenya", "Kenia", "KE", "Nairobi", -1.28, 36.82),
    ("Delhi", "Delhi", "India", "India", "IN", "Delhi", 28.65, 77.23),
    ("Tokyo", "Tokio", "Japan", "Japón", "JP", "Tokyo", 35.69, 139.69),
    ("Sydney", "Sídney", "Australia", "Australia", "AU", "New South Wales", -33.87, 151.21),
)


class WeatherSample:
    """Answers for the geocoder and for the forecast; other names than the table's are unknown."""

    EQUATOR_CELSIUS: Final = 24
    COLDER_BY_DEGREE: Final = 0.3
    """Invented climate: so much colder for each degree away from the equator."""
    LONGITUDE_BY_HOUR: Final = 15

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """The answer to one request of `WeatherTools`."""
        asked = request.url.params
        if "name" in asked:
            places = list(self._places(asked["name"], asked["language"]))
            return httpx2.Response(200, json={"results": places} if places else {})
        latitude, longitude = float(asked["latitude"]), float(asked["longitude"])
        days = self._days(longitude, int(asked["forecast_days"]))
        return httpx2.Response(200, json={"daily": self._daily(latitude, days)})

    @staticmethod
    def _places(name: str, language: str) -> Iterator[Mapping[str, Any]]:
        wanted = Words.tokenize(name)
        for english, spanish, country, pais, code, region, latitude, longitude in PLACES:
            if wanted in (Words.tokenize(english), Words.tokenize(spanish)):
                yield {
                    "name": spanish if language == "es" else english,
                    "latitude": latitude,
                    "longitude": longitude,
                    "country": pais if language == "es" else country,
                    "country_code": code,
                    "admin1": region,
                }

    def _days(self, longitude: float, count: int) -> Sequence[date]:
        today = datetime.now(UTC) + timedelta(hours=longitude / self.LONGITUDE_BY_HOUR)
        return [(today + timedelta(days=i)).date() for i in range(count)]

    def _daily(self, latitude: float, days: Sequence[date]) -> Mapping[str, Any]:
        codes = list(SKY)
        chance = [crc32(f"{latitude} {i}".encode()) for i in range(len(days))]
        usual = self.EQUATOR_CELSIUS - abs(latitude) * self.COLDER_BY_DEGREE
        return {
            "time": [day.isoformat() for day in days],
            "weather_code": [codes[number % 4] for number in chance],
            "temperature_2m_min": [round(usual - 6 - number % 30 / 10, 1) for number in chance],
            "temperature_2m_max": [round(usual + 3 + number % 40 / 10, 1) for number in chance],
            "precipitation_probability_max": [number % 4 * 20 for number in chance],
        }
