"""What a good model might make of the sample findings, and what a bad one might invent."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from harness.prompts.language import Language


class Turn(NamedTuple):
    """A question, what the tools found, where, and answers to it."""

    language: Language
    question: str
    facts: Mapping[str, Any]
    source: str
    good: Sequence[str]


WEATHER_EN = {
    "place": "Bogotá, Colombia", "found": True, "days": [
        {"date": "2026-11-22", "is_today": True, "sky": "mostly clear", "min_celsius": 16,
         "max_celsius": 26, "rain_percent": 65},
        {"date": "2026-11-23", "is_today": False, "sky": "light rain", "min_celsius": 15,
         "max_celsius": 24, "rain_percent": 80}]}  # fmt: skip
WEATHER_ES = {
    "place": "Londres, Reino Unido", "found": True, "days": [
        {"date": "2026-11-24", "is_today": False, "sky": "lluvia ligera", "min_celsius": 4,
         "max_celsius": 9, "rain_percent": 70}]}  # fmt: skip
RATES_EN = {"date": "2026-11-20", "amount": "250", "base": "USD", "results": [
    {"code": "EUR", "amount": "215.33"}], "not_available": [], "available": []}  # fmt: skip
RATES_ES = {"date": "2026-11-20", "amount": "2.500", "base": "MXN", "results": [
    {"code": "EUR", "amount": "117,42"}], "not_available": [], "available": []}  # fmt: skip
NEWS_EN = {"topic": "economy", "outlets": ["BBC News", "The Guardian", "Al Jazeera"], "headlines": [
    {"title": "Central bank of Norway keeps its rate at 4.5 % as prices calm down", "outlet": "BBC News"},
    {"title": "Minister Solberg promises cheaper trains before summer", "outlet": "The Guardian"}],
    "dominant": None, "unreached": ["Al Jazeera"]}  # fmt: skip
NEWS_ES = {"topic": "economía", "outlets": ["El País", "El Mundo", "RTVE"], "headlines": [
    {"title": "El Banco de España eleva al 2,6 % su previsión de crecimiento", "outlet": "El País"},
    {"title": "Sevilla estrena su nueva línea de metro el 3 de marzo", "outlet": "RTVE"}],
    "dominant": {"outlet": "El País", "percent": 60}, "unreached": []}  # fmt: skip
SHOP_EN = {"passages": [
    {"title": "Opening hours", "text": "We are open Monday to Friday from 9:00 to 18:00 and on Saturday"
     " from 10:00 to 14:00. We are closed on Sunday and on public holidays."},
    {"title": "Contact", "text": "Write to help@shop.example or call +34 900 123 456 during opening hours."}
    ], "prices": [{"name": "Helmet", "price": "45.00", "currency": "EUR"}]}  # fmt: skip
SHOP_ES = {"passages": [
    {"title": "Devoluciones", "text": "Tienes 30 días para devolver una compra. Trae el recibo; devolvemos el"
     " importe en 5 días hábiles, a la tarjeta con la que pagaste."},
    {"title": "Horario", "text": "Las puertas abren de lunes a viernes a las 9:00 y cierran a las 18:00."}
    ], "precios": [{"nombre": "Casco", "precio": "45,00", "moneda": "EUR"}]}  # fmt: skip

TURNS = (
    Turn("en", "What's the weather like in Bogotá tomorrow?", WEATHER_EN, "Open-Meteo", (
        "In Bogotá, Colombia, tomorrow (Monday 23 November) will bring light rain, 15 to 24 °C.",
        "Tomorrow in Bogotá: light rain, with an 80 % chance, and temperatures from 15 to 24 degrees.",
        "Expect light rain on Monday, November 23rd. The high will be 24 °C and the low 15 °C.",
        "Yes, take an umbrella: Bogota has an 80 % chance of rain on Monday.",
        "Today it is mostly clear; tomorrow, however, it rains a little. Highs drop from 26 to 24 °C.",
        "According to Open-Meteo, Bogotá sees light rain tomorrow.",
        "Bogotá's forecast: Sunday mostly clear (16–26 °C), Monday light rain (15–24 °C).",
        "I'd plan for rain: the chance is 80 %. It may feel cool at 15 °C in the morning.",
        "- Sunday 22 November: mostly clear\n- Monday 23 November: light rain",
        "Colombian skies stay mixed: 65 % today, 80 % tomorrow.",
        "It won't be hot. The maximum is 24 °C (about 24 degrees Celsius).",
    )),
    Turn("es", "¿Va a llover el martes en Londres?", WEATHER_ES, "Open-Meteo", (
        "Sí: el martes 24 de noviembre habrá lluvia ligera en Londres, con un 70 % de probabilidad.",
        "En Londres, Reino Unido, se espera lluvia ligera el martes, entre 4 y 9 °C.",
        "Lo más probable es que llueva (70 %). Lleva paraguas y abrigo: la mínima es de 4 grados.",
        "El martes, lluvia ligera. La máxima será de 9 °C.",
        "Según Open-Meteo, el 24 de noviembre lloverá un poco en Londres.",
        "Londres (Reino Unido): lluvia ligera, 4 a 9 °C, 70 % de lluvia.",
        "¡Sí! Habrá lluvia ligera. Además hará frío, con 4 °C de mínima.",
        "Para el martes: lluvia ligera; temperaturas de 4 a 9 grados.",
    )),
    Turn("en", "Will it rain in London on Tuesday?", WEATHER_ES, "Open-Meteo", (
        "Yes, light rain is likely in London on Tuesday 24 November, with a 70 % chance.",
        "London, United Kingdom: light rain, between 4 and 9 °C.",
        "Most likely: 70 %. Tuesday stays cold in the UK, 9 °C at most.",
    )),
    Turn("en", "Convert 250 USD to EUR", RATES_EN, "European Central Bank", (
        "250 USD are 215.33 EUR at the reference rates of 20 November 2026.",
        "At the European Central Bank's rates of November 20, 250 dollars are 215.33 euros.",
        "$250 = €215.33 (ECB, 2026-11-20).",
        "You would get about 215 euros for 250 US dollars, as of Friday 20 November.",
        "250 dollars come to 215.33 euros. The rates are those of Friday.",
        "That is 215.33 €. Reference rates of the European Central Bank, 20 November 2026.",
        "Sure! 250 USD → 215.33 EUR.",
    )),
    Turn("es", "¿Cuántos euros son 2.500 pesos mexicanos?", RATES_ES, "Banco Central Europeo", (
        "2.500 pesos mexicanos son 117,42 euros, según los tipos del Banco Central Europeo del 20 de noviembre.",
        "Son 117,42 EUR (tipos de referencia del 20 de noviembre de 2026).",
        "Con los tipos del viernes 20 de noviembre, 2.500 MXN equivalen a 117,42 €.",
        "2500 pesos son 117,42 euros.",
        "Al cambio del BCE serían unos 117 euros.",
        "Equivalen a 117,42 euros. El tipo es el del Banco Central Europeo.",
        "Por 2.500 pesos de México recibirías 117,42 euros.",
    )),
    Turn("en", "Is there any news about the economy?", NEWS_EN, "BBC News", (
        "Norway's central bank keeps its rate at 4.5 % as prices calm down (BBC News).",
        ("The BBC reports that the central bank of Norway left its rate at 4.5 %. The Guardian writes that"
        " minister Solberg promises cheaper trains before summer."),
        ("Two headlines: Norway's rate stays at 4.5 %, and Solberg promises cheaper trains. Al Jazeera could"
        " not be reached."),
        ("Here is what I found:\n- Central bank of Norway keeps its rate at 4.5 % (BBC News)\n"
        "- Minister Solberg promises cheaper trains before summer (The Guardian)"),
        "On the economy, the Norwegian central bank keeps its rate at 4.5 %.",
        "Minister Solberg has promised cheaper trains, the Guardian says.",
        "I could not reach Al Jazeera; BBC News and The Guardian have one headline each.",
        "There is some. According to BBC News, prices in Norway are calming down.",
    )),
    Turn("es", "¿Qué noticias hay sobre economía?", NEWS_ES, "El País", (
        "El Banco de España eleva al 2,6 % su previsión de crecimiento (El País).",
        ("Según El País, el Banco de España sube su previsión al 2,6 %. Sevilla estrena línea de metro el 3 de"
        " marzo, cuenta RTVE."),
        "Hay dos titulares: uno de El País sobre el Banco de España y otro de RTVE sobre el metro de Sevilla.",
        "El País concentra el 60 % de los titulares.",
        "La previsión de crecimiento de España sube al 2,6 %, según el Banco de España.",
        "- El Banco de España eleva su previsión al 2,6 %\n- Sevilla estrena metro el 3 de marzo",
        "Sevilla tendrá una nueva línea de metro desde el 3 de marzo.",
        "«Sevilla estrena su nueva línea de metro el 3 de marzo» (RTVE).",
    )),
    Turn("en", "When are you open and how do I reach you? What is a helmet?", SHOP_EN, "shop.md", (
        "We are open Monday to Friday from 9:00 to 18:00, and on Saturdays from 10:00 to 14:00.",
        "The shop is closed on Sundays and public holidays.",
        "On Wednesday we are open from 9:00 to 18:00.",
        "Write to help@shop.example or call +34 900 123 456.",
        "You can call 900 123 456 during opening hours, or write to help@shop.example.",
        "The helmet costs 45 euros.",
        "A Helmet is €45.00. Opening hours: Mon to Fri 9:00–18:00, Sat 10:00–14:00.",
        "Our Helmet costs 45.00 EUR. You can reach us at help@shop.example.",
        "Tuesday through Friday we close at 18:00, on Saturday at 14:00.",
    )),
    Turn("es", "¿Cuántos días tengo para devolver algo y qué precio tiene el casco?", SHOP_ES, "tienda.md", (
        "Tienes 30 días para devolver una compra; trae el recibo.",
        "El casco cuesta 45 euros. Para devoluciones tienes 30 días.",
        "Dispones de 30 días. Devolvemos el importe en 5 días hábiles, a la tarjeta con la que pagaste.",
        "El Casco cuesta 45,00 €, y la tienda abre de lunes a viernes de 9:00 a 18:00.",
        "Los miércoles abrimos a las 9:00.",
        "Cierra a las 18:00 entre semana. El casco: 45 EUR.",
    )),
)  # fmt: skip

NUMBERS: Mapping[Language, Sequence[str]] = {
    "en": ("It is 77 in all.", "That makes 1,999.", "It is 3.75 on average.", "Room 812.", "1234 people."),
    "es": ("Son 77 en total.", "Suman 1.999.", "De media, 3,75.", "Sala 812.", "1234 personas."),
}
INVENTED: Mapping[str, Mapping[Language, Sequence[str]]] = {
    "date": {
        "en": ("It holds from 14 August on.", "That was on March 7th.", "It starts on the fifth of May.",
               "Until 2 January it stays.", "It has been so since June.", "From April 2026 it changes."),
        "es": ("Vale desde el 14 de agosto.", "Fue el 7 de abril.", "Empieza el cinco de mayo.",
               "Hasta el 2 de enero sigue así.", "Es así desde junio.", "Cambia en febrero."),
    },
    "currency": {
        "en": ("It is paid in Swiss francs.", "That comes in yen.", "Add a few £ more.", "Pay in GBP.",
               "It is quoted in pounds.", "It is quoted in rubles.", "The price in JPY is open."),
        "es": ("Se paga en francos suizos.", "También en yenes.", "Suma unas £ más.", "Se paga en GBP.",
               "Cotiza en libras.", "El precio en JPY está abierto.", "Se paga en rublos."),
    },
    "name": {
        "en": ("That is what Reuters says.", "The minister is called Hannah Fischer.", "So says Kowalski.",
               "It is the same in Vladivostok.", "Ask for Mr Okonkwo.", "The Kremlin agrees."),
        "es": ("Lo dice la agencia Reuters.", "La ministra se llama Hannah Fischer.", "Lo dijo Kowalski.",
               "Pasa lo mismo en Vladivostok.", "Pregunta por Okonkwo.", "El Kremlin está de acuerdo."),
    },
}  # fmt: skip
"""Sentences that nothing in the turns supports."""
