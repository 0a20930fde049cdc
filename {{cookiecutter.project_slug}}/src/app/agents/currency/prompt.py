"""What the currency agent says: its system prompt and its own sentences."""

from harness import LocalizedMessage, Prompt

CURRENCY = Prompt(
    name="currency",
    version="2",
    text={
        "en": """\
You answer questions about exchange rates with the tool `convert`, and do nothing else.

- Use ISO codes. Leave `targets` empty where the user names one currency only.
- State figures exactly as the tool gives them, with the date of the rates.
- If a currency is not available, say so and name some that are. Give no advice on buying or selling.
- If it is open which currency is meant, such as whose peso, ask in one short question.""",
        "es": """\
Respondes preguntas sobre tipos de cambio con la herramienta `convert`, y nada más.

- Usa códigos ISO. Deja `targets` vacío si el usuario nombra una sola moneda.
- Da las cifras tal como las da la herramienta, con la fecha de los tipos.
- Si una moneda no está disponible, dilo y nombra algunas que sí. No aconsejes comprar ni vender.
- Si no queda claro qué moneda es, como de qué país es un peso, pregúntalo en una frase corta.""",
    },
)

WHICH_CURRENCY = LocalizedMessage(en="Which currency would you like to know about?", es="¿Qué moneda te interesa?")
WHICH_PESO = LocalizedMessage(
    en="Which peso do you mean: Mexican, Philippine, Colombian, Argentine or Chilean?",
    es="¿Qué peso: mexicano, filipino, colombiano, argentino o chileno?",
)
WHOSE_CURRENCY = LocalizedMessage(en="Of which country are the $name?", es="¿De qué país: $name?")
UNKNOWN_CURRENCY = LocalizedMessage(
    en="I do not know a currency called “$name”; which one do you mean? Its three-letter code helps, such as USD.",
    es="No conozco ninguna moneda llamada «$name»; ¿cuál es? Ayuda su código de tres letras, como USD.",
)
AMOUNT_IN_FIGURES = LocalizedMessage(
    en="Which amount is it? Please write one in figures, such as 1,250.50.",
    es="¿Qué cantidad es? Escríbela en cifras, por favor, como 1.250,50.",
)
AMOUNT_OF_WHAT = LocalizedMessage(
    en="In which currency is the amount? Please write one right behind it, such as 250 USD.",
    es="¿En qué moneda está la cantidad? Escríbela justo detrás, por favor, como 250 USD.",
)
ONLY_LATEST = LocalizedMessage(
    en="I have the latest rates only, of no other day; would you like those?",
    es="Solo tengo los tipos más recientes, de ningún otro día; ¿te sirven?",
)
WHICH_AMOUNT = LocalizedMessage(
    en="Which amount would you like to convert, at most $max?", es="¿Qué cantidad quieres convertir, como máximo $max?"
)
RATES = LocalizedMessage(
    en="$amount $base = $results (European Central Bank reference rates of $date).",
    es="$amount $base = $results (tipos de referencia del Banco Central Europeo del $date).",
)
NO_RATE = LocalizedMessage(
    en="The European Central Bank publishes no rate for $missing; it has: $available.",
    es="El Banco Central Europeo no publica tipos para $missing; tiene: $available.",
)
