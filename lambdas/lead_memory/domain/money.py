"""Amounts of money in a currency's own digits."""

from decimal import Context, Decimal

WITHOUT_MINOR_UNIT = frozenset(
    (
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    )
)
WITH_THREE_DIGITS = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))


_WIDE = Context(prec=100)
"""A sum of many refunds, with the currency's digits, may need more than the 28 of the default context."""


def minor_unit_digits(currency: str) -> int:
    """Digits after the decimal point, from ISO 4217."""
    if currency in WITHOUT_MINOR_UNIT:
        return 0
    return 3 if currency in WITH_THREE_DIGITS else 2


def padded(amount: Decimal, currency: str) -> Decimal:
    """The amount with at least the currency's digits, so that 189.9 BRL is written 189.90. Never rounds."""
    exponent = amount.as_tuple().exponent
    digits = minor_unit_digits(currency)
    if isinstance(exponent, int) and -exponent < digits:
        return amount.quantize(Decimal(1).scaleb(-digits), context=_WIDE)
    return amount
