"""Order states: the words by which shops say that an order came to nothing, or is still open."""

from __future__ import annotations

import re
from unicodedata import combining, normalize

_CAME_TO_NOTHING = (
    "cancelled", "canceled", "cancel", "cancelation", "cancellation", "refunded", "refund", "failed", "failure",
    "void", "voided", "reversed", "chargeback", "chargedback", "error", "erreur", "rejected", "declined", "denied",
    "expired", "abandoned", "deleted", "trash", "storno", "storniert", "stornierung", "abgebrochen", "abgelehnt",
    "erstattet", "annulliert", "fehlgeschlagen", "annule", "annulee", "annulation", "rembourse", "remboursee",
    "refuse", "refusee", "echoue", "cancelado", "cancelada", "anulado", "anulada", "reembolsado", "reembolsada",
    "rechazado", "rechazada", "estornado", "annullato", "annullata", "rimborsato", "rimborsata", "geannuleerd",
    "terugbetaald", "anulowane", "anulowano", "zwrocone", "annullerad", "annulleret", "makulerad", "отменен",
    "возврат", "batal", "dibatalkan", "iptal", "취소", "취소완료", "환불", "キャンセル", "已取消", "已退款",
)  # fmt: skip
_OPEN = (
    "pending", "awaiting", "attente", "unpaid", "test", "returned", "return", "offen", "draft", "hold", "onhold",
    "partially", "partial", "teilweise", "parcialmente", "partiellement", "retourniert", "ausstehend",
)  # fmt: skip
_NOT = (
    "not", "never", "no", "un", "non", "nicht", "kein", "partially", "partial", "partly", "teilweise", "partiellement",
    "parcialmente", "parzialmente", "gedeeltelijk", "requested", "request", "reversal",
)  # fmt: skip
"""Words beside which the others mean less: `partially refunded`, `not cancelled`, `cancellation requested`."""
_NAMED = re.compile(
    "status|state|zustand|stato|estado|statut|etat|situacao|storno|cancel|annul|stage|статус|состояние|"
    "ステータス|状態|状态|狀態"
)
"""Pattern of the names of columns with states, without case, accents and signs."""
_SURELY_NAMED = re.compile("status|statut|zustand|situacao|статус|ステータス|状態|状态|狀態")
"""Pattern of those that hold no parts of a country either."""
_OF_ANOTHER = re.compile(
    "stock|email|mail|consent|marital|tax|address|country|region|province|subscri|newsletter|account"
)
"""Pattern of those whose states are not of an order, such as the state of an address."""


_SETTLED = (
    "paid", "complete", "completed", "shipped", "delivered", "processing", "processed", "fulfilled", "closed",
    "approved", "confirmed", "invoiced", "sent", "dispatched", "done", "finished", "bezahlt", "versendet", "versandt",
    "geliefert", "abgeschlossen", "fertig", "komplett", "accepte", "expedie", "livre", "paye", "termine", "pagado",
    "enviado", "entregado", "completado", "pago", "entregue", "enviada", "pagato", "spedito", "consegnato",
    "completato", "betaald", "verzonden", "afgerond", "oplacone", "wyslane", "betald", "betalt", "выполнен", "оплачен",
    "доставлен", "已完成", "已付款", "已发货",
)  # fmt: skip
"""Words for orders that are purchases."""
MARKS = (
    "test", "istest", "testorder", "istestorder", "testmode", "cancelled", "canceled", "iscancelled", "iscanceled",
    "deleted", "isdeleted", "refunded", "isrefunded", "storno", "storniert", "isstorno", "geloescht",
    "geloscht", "voided", "isvoid", "isvoided", "fraud", "isfraud", "isfraudulent", "isdraft", "draft", "failed",
    "isfailed", "isdummy", "dummy",
)  # fmt: skip
"""Names of columns that mark such orders by yes and no."""
YES = ("true", "t", "1", "yes", "y", "ja", "j", "x", "oui", "si", "wahr")
CONFIRMED = (
    "valid", "isvalid", "validated", "isvalidated", "confirmed", "isconfirmed", "success", "issuccess", "successful",
    "issuccessful", "gueltig", "gultig", "valide", "valido",
)  # fmt: skip
"""Names of columns that mark all other orders by yes and no, as PrestaShop's `valid` does."""
PAID = ("paid", "ispaid", "haspaid", "bezahlt", "istbezahlt", "paye", "payee", "pagado", "pagato", "betaald")
"""Names of columns that say whether an order is paid: those that are not may still be."""
YES_OF = {
    "false": ("true",), "f": ("t",), "0": ("1",), "no": ("yes", "si"), "n": ("y", "j", "t"), "nein": ("ja",),
    "non": ("oui",), "falsch": ("wahr",),
}  # fmt: skip
"""Word for no → the words for yes beside which it is written."""
NO = tuple(YES_OF)
ENDED = (
    "cancelledat", "canceledat", "cancelleddate", "canceleddate", "cancellationdate", "canceldate", "cancelreason",
    "cancellationreason", "voidedat", "deletedat", "stornodatum", "storniertam",
    "abgru", "rejectionreason", "reasonforrejection", "alasanpembatalan",
)  # fmt: skip
"""Names of columns that are filled for such orders alone."""
RETURNED = ("returned", "isreturned", "return", "retoure")
"""Names of columns that say by yes and no whether what a line sold came back."""
PIECES_BACK = (
    "returnedquantity", "quantityreturned", "refundedquantity", "quantityrefunded", "qtyrefunded", "qtyreturned",
    "returnedqty", "refundedqty", "qtycanceled", "qtycancelled", "quantitycanceled", "quantitycancelled",
    "canceledquantity", "cancelledquantity", "returnquantity", "returnqty",
)  # fmt: skip
"""Names of columns that hold the pieces of a line that came back, or were not sent."""
GIVEN_BACK = ("refundedat", "refunddate", "returnedat")
"""Names of columns that are filled for orders of which at least a part came back."""


def came_to_nothing(state: str) -> bool:
    """Whether a state says for certain that the order is no purchase any more.

    >>> came_to_nothing("wc-cancelled"), came_to_nothing("Canceled - fraud"), came_to_nothing("partially_refunded")
    (True, True, False)
    """
    words = words_of(state)
    return any(word in _CAME_TO_NOTHING for word in words) and not any(word in _NOT for word in words)


def is_in_doubt(state: str) -> bool:
    """Whether an order of a state may come to nothing, or did so in part."""
    return not came_to_nothing(state) and any(word in (*_CAME_TO_NOTHING, *_OPEN) for word in words_of(state))


def is_settled(state: str) -> bool:
    """Whether a state says that an order is a purchase, such as `paid` and `Shipped`."""
    return any(word in _SETTLED for word in words_of(state)) and not any(
        word in _NOT for word in words_of(state)
    )


def names_states(plain: str) -> bool:
    """Whether a column of this name, without case, accents and signs, holds the states of orders."""
    return _NAMED.search(plain) is not None and _OF_ANOTHER.search(plain) is None


def surely_names_states(plain: str) -> bool:
    """Whether a column of such a name holds states of orders, whatever its values are."""
    return names_states(plain) and _SURELY_NAMED.search(plain) is not None


def is_code(state: str) -> bool:
    """Whether a state is a number, an id, or one or two letters, which say nothing by themselves."""
    return (
        re.fullmatch(r"-?[0-9]+(\.0*)?|[A-Za-z]{1,2}[0-9]*|(0x)?[0-9A-Fa-f-]{32,36}", state.strip())
        is not None
    )


def words_of(state: str) -> list[str]:
    """The words of a state in lower case, without accents."""
    bare = "".join(letter for letter in normalize("NFKD", state.casefold()) if not combining(letter))
    return re.findall(r"[^\W\d_]+", bare)
