"""KnownNames: names that shops use for the canonical columns, found among the columns of files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal
from unicodedata import combining, normalize

from recsys_assets.proposal.names.built_names import built_rank

RawTable = Literal["raw_events", "raw_items", "raw_users", "raw_promotions"]

# Ways in which shops write the canonical columns, most telling first. Compared without case, accents, spaces and
# punctuation.
IDS: Mapping[str, tuple[str, ...]] = {
    "user_id": (
        "userid", "customerid", "customer", "custid", "customernumber", "customerno", "visitorid", "visitor",
        "clientid", "memberid", "householdid", "household",
        "buyerid", "shopperid", "accountid", "user", "client", "buyer", "shopper", "member", "uid",
        "kundennummer", "kundennr", "kundenid", "kunde", "clienteid", "idclient", "klantid", "klantnummer",
        "customeruserid", "userpseudoid", "anonymousid", "domainuserid", "fullvisitorid", "profileid", "contactid",
        "codeclient", "idcliente", "codicecliente", "codigodocliente", "codigocliente", "cpfdocliente", "cpfcliente",
        "cpf", "cliente", "username", "buyerusername", "customerusername", "email", "emailaddress", "customeremail",
        "useremail", "buyeremail", "billingemail", "kaufernr", "kaufernummer", "kauferid", "kaufer", "loyaltyid",
        "loyaltynumber", "membershipnumber", "distinctid",
        "contactemail", "buyeruserid", "partnerid", "orderpartnerid", "resellerid",
        "会員id", "会員番号", "会員コード", "顧客id", "顧客番号", "顧客コード", "用户id", "会员id", "买家id",
        "會員卡號", "會員編號",
        "kunnr", "kunag", "idklienta", "nrklienta", "klient", "kundnummer", "kundnr", "kundenr", "kund",
        "кодклиента", "idклиента", "клиент", "покупатель",  # noqa: RUF001 - Cyrillic
    ),
    "item_id": (
        "itemid", "productid", "product", "sku", "stockcode", "articleid", "articlenumber", "productcode", "variantid",
        "lineitemsku", "item", "article", "asin", "parentasin", "goodsid", "movieid", "trackid", "bookid", "isbn",
        "artikelnummer", "artikelnr", "artikelid", "artikel", "idproduct", "idproduit", "iid", "ean", "gtin", "upc",
        "barcode", "produit", "codeproduit", "codearticle", "producto", "idproducto", "prodotto", "articulo",
        "itemsitemid", "plu", "plucode", "plunumber", "aid", "lineitemproductid", "productreference",
        "referenceproduit", "codigodoproduto", "codigoproduto", "codigodelproducto", "codigoproducto", "produto",
        "商品コード", "商品id", "商品番号", "品番", "商品编号", "商品编码", "原始商品編號", "商品編號", "reference",
        "skuinduk", "nomorreferensisku", "msku", "idactionsku", "catalogobjectid",
        "productviewsku",
        "matnr", "idproduktu", "kodproduktu", "produkt", "varenummer", "varenr", "varunummer", "vara", "tisku",
        "артикул", "кодтовара", "idтовара", "товар",  # noqa: RUF001 - Cyrillic
    ),
}  # fmt: skip
EVENT: Mapping[str, tuple[str, ...]] = {
    **IDS,
    "event_time": (
        "eventtime", "eventtimestamp", "timestamp", "datetime", "transactiontimestamp", "invoicedate", "orderdate",
        "purchasedate", "purchasetime", "createdat", "created", "transdate", "tdat", "orderedat", "date", "time",
        "ts", "bestelldatum", "datum", "zeitpunkt", "unixreviewtime", "fecha", "collectortstamp", "derivedtstamp",
        "originaltimestamp", "servertime", "occurredat", "placedat", "processedat", "kaufdatum", "rechnungsdatum",
        "belegdatum", "orderdatum", "besteldatum", "datecommande", "datedecommande", "datecreation",
        "datedecreation", "fechapedido", "dataordine", "datadopedido", "datapedido", "datadacompra", "datacompra",
        "fechadepedido", "fechadelpedido", "fechacompra", "dataora", "data", "注文日時", "注文日", "受注日時", "受注日",
        "購入日時", "購入日", "下单时间", "订单时间", "订单日期", "交易时间", "交易日期",
        "waktupesanandibuat", "postingdate",
        "audat", "fkdat", "budat", "erdat", "datazamowienia", "datasprzedazy", "orderdato", "ordredato", "dato",
        "датазаказа", "датапродажи", "дата",
    ),
    "order_id": (
        "orderid", "ordernumber", "orderno", "invoiceno", "invoiceid", "invoice", "basketid", "transactionid",
        "receiptid", "order", "basket", "transaction", "bestellnummer", "bestellnr", "auftrag", "orderkey",
        "amazonorderid", "commande", "ndecommande", "numerodecommande", "pedido", "idpedido", "numeropedido", "ordine",
        "ecommercetransactionid", "receiptno", "receiptnumber", "billno", "billnumber", "belegnr", "belegnummer",
        "bonnr", "bonnummer", "rechnungsnr", "rechnungsnummer", "auftragsnr", "auftragsnummer", "ordernr",
        "factuurnummer", "numerofacture", "numerofactura", "nodopedido", "numerodopedido", "numerodepedido", "nopedido",
        "注文番号", "注文id", "受注番号", "订单号", "订单编号", "訂單編號",
        "nopesanan", "documentno", "documentnumber", "orderreference", "orderref",
        "vbeln", "incrementid", "orderincrementid", "numerzamowienia", "nrzamowienia", "idzamowienia", "ordernummer",
        "ordrenummer", "ordrenr", "номерзаказа", "заказ", "tiorderid",
        "beleg", "rechnung", "bestellung", "bon", "facture", "factura", "fattura", "scontrino", "bestelling", "factuur",
        "salesorder", "salesinvoice", "salesdocument",
        "zamowienie", "paragon", "fatura", "ordre", "faktura", "tilaus", "siparis", "чек",
    ),
    "behaviour": (
        "event", "eventtype", "eventname", "behaviour", "behavior", "behaviortype", "action", "actiontype", "activity",
    ),
    "quantity": (
        "quantity", "qty", "orderedquantity", "lineitemquantity", "units", "pieces", "pcs", "menge", "anzahl", "count",
        "quantite", "cantidad", "quantita", "aantal", "quantidade", "qtde", "数量", "個数", "數量",
        "jumlah", "productuomqty", "tiquantity", "kwmeng", "fkimg", "ilosc", "antal", "antall", "количество", "колво",
    ),
    "unit_price": ("unitprice", "itemprice", "price", "lineitemprice", "einzelpreis", "preis", "prix", "itemcost",
        "prixunitaire", "precio", "preciounitario", "prezzo", "prezzounitario", "prijs", "valorunitario",
        "precounitario", "preco", "単価", "价格", "单价", "單價",
        "baseprice", "priceunit", "hargasetelahdiskon", "vkpreis", "vkpreisbrutto", "vkpreisnetto", "preisbrutto",
        "preisnetto",
        "bruttopreis", "nettopreis",
        "netpr", "artikelpreis", "stuckpreis", "verkaufspreis", "cenajednostkowa", "cena", "stykpris", "pris",
        "ценазаединицу", "цена", "tiprice", "rate"),
    "amount": (
        "amount", "linetotal", "totalprice", "salesvalue", "netsales", "grosssales", "revenue", "total", "gesamtpreis",
        "gesamtbetrag", "betrag", "summe", "umsatz", "montant", "valortotal", "precototal", "importe", "小計",
        "金額", "金额",
        "extendedamount", "extendedprice", "extprice", "pricesubtotal", "totalhargaproduk",
        "netwr", "zeilensumme", "positionssumme", "wartosc", "belop", "belob", "сумма",
    ),
    "discount": ("discount", "discountamount", "retaildisc", "rabatt", "remise"),
    "store_id": ("storeid", "store", "shopid", "branchid", "branch", "filiale", "saleschannelid"),
}  # fmt: skip
_ITEM: Mapping[str, tuple[str, ...]] = {
    "item_id": IDS["item_id"],
    "title": (
        "title", "productname", "itemname", "prodname", "lineitemname", "name", "producttitle", "artikelbezeichnung",
        "artikelname", "bezeichnung", "titel", "nomeproduto", "nomedoproduto", "商品名", "商品名称",
        "商品標題", "tiname", "description",
        "namaproduk", "arktx", "maktx", "nazwaproduktu", "nazwa", "produktnamn", "produktnavn", "varenavn", "benamning",
        "наименование", "названиетовара", "название",
    ),
    "department": ("department", "departmentname", "maincategory", "abteilung", "section", "sectionname"),
    "category": (
        "category", "productcategory", "categorycode", "categoryname", "categoryid", "producttype", "producttypename",
        "productgroup", "genre", "genres", "kategorie", "warengruppe", "aisle", "categoria", "categorie", "カテゴリ",
        "カテゴリー", "商品分類", "类目",
        "kategoria", "kategori", "категория",
    ),
    "subcategory": ("subcategory", "subcategoryname", "unterkategorie"),
    "brand": ("brand", "brandname", "marke", "marque", "marca", "бренд", "марка"),
    "manufacturer": ("manufacturer", "manufacturerid", "vendor", "supplier", "hersteller"),
    "package_size": ("packagesize", "size", "groesse"),
}  # fmt: skip
_USER: Mapping[str, tuple[str, ...]] = {
    "user_id": IDS["user_id"],
    "age_group": ("agegroup", "age", "ageband", "alter", "altersgruppe", "edad", "idade", "wiek", "возраст"),
    "income_group": ("incomegroup", "income", "einkommen"),
    "household_size": ("householdsize", "familysize"),
    "household_type": ("householdtype", "householdcomp"),
    "home_ownership": ("homeownership",),
    "marital_status": ("maritalstatus", "familienstand"),
    "children": ("children", "kids", "kidscount", "kinder"),
    "country": ("country", "countrycode", "countryname", "countryregion",
        "shippingcountry", "billingcountry", "land", "pays", "pais", "paese", "kraj", "страна"),
}  # fmt: skip
_PROMOTION: Mapping[str, tuple[str, ...]] = {
    "item_id": IDS["item_id"],
    "store_id": EVENT["store_id"],
    "kind": ("kind", "promotiontype", "campaigntype"),
    "display": ("display", "displaylocation"),
    "mailer": ("mailer", "mailerlocation"),
    "coupon_id": ("couponid", "couponupc", "coupon", "gutschein"),
    "campaign_id": ("campaignid", "campaign", "kampagne"),
    "start_day": ("startday", "startdate", "validfrom", "start", "von"),
    "end_day": ("endday", "enddate", "validto", "end", "bis"),
}  # fmt: skip
NAMES: Mapping[RawTable, Mapping[str, tuple[str, ...]]] = {
    "raw_events": EVENT,
    "raw_items": _ITEM,
    "raw_users": _USER,
    "raw_promotions": _PROMOTION,
}


RATINGS = (
    "rating", "ratings", "stars", "score", "overall", "bookrating", "reviewscore", "reviewrating", "userrating",
    "movierating", "ratingvalue", "bewertung", "note",
)  # fmt: skip
"""Names of columns that hold ratings."""
LIKED = (
    "isrecommended", "recommended", "recommend", "liked", "islike", "isliked", "dislike", "isdislike", "votedup",
    "thumbsup", "thumbs", "ispositive", "sentiment",
)  # fmt: skip
"""Names of columns that say by yes and no whether something was liked."""


_OF_MONEY = ("unit_price", "amount", "discount")
_VOICED = 8
"""Unicode's combining class of the Japanese voicing marks, which form another letter and are no accents."""


def rank_of(name: str, known: tuple[str, ...]) -> int | None:
    """Rank of a name among those of a canonical column, 0 the best; None if it is none of them."""
    plain = plain_name(name)
    return known.index(plain) if plain in known else None


def role_rank(role: str, name: str, known: tuple[str, ...]) -> int | None:
    """Rank of a name for a canonical column, 0 the best; None if it does not name it.

    Known names come before those composed of words.
    """
    plain = plain_name(without_parts(name) if role in _OF_MONEY else name)
    ways = [plain, f"{plain[2:]}id"] if plain.startswith("id") and len(plain) > 2 else [plain]  # id_customer
    for way in ways:
        if way in known:
            return known.index(way)
    built = [rank for way in ways if (rank := built_rank(role, way)) is not None]
    return len(known) + min(built) if built else None


_PARTS = {
    100: re.compile(r"[\W_]*(?:in[\W_]*)?(?:cents?|minor(?:[\W_]*units?)?|pence|paise)$", re.IGNORECASE),
    1_000_000: re.compile(r"[\W_]*(?:in[\W_]*)?micros?(?:[\W_]*units?)?$", re.IGNORECASE),
}
"""Number of parts of a unit → what says at the end of a name that its numbers count these."""


def without_parts(name: str) -> str:
    """A name without what says that its numbers are parts of a unit, as in `price_cents` and `amountMicros`."""
    for pattern in _PARTS.values():
        name = pattern.sub("", name)
    return name


def parts_of(name: str) -> int:
    """Number of parts that make a unit, as a column's name says: 100 of `price_cents`; 1 if it says nothing."""
    return next((parts for parts, pattern in _PARTS.items() if pattern.search(name)), 1)


def plain_name(name: str) -> str:
    """A name in lower case, without accents, signs, a unit in brackets, and a type such as `:token` or `/id`."""
    without_unit = re.sub(r"\(.*?\)|\[.*?\]|:\w+$|/\.?id$", "", name.casefold())
    bare = "".join(letter for letter in normalize("NFKD", without_unit) if combining(letter) in (0, _VOICED))
    return re.sub(r"[\W_]+", "", normalize("NFC", bare))


def known_role(name: str) -> str | None:
    """A canonical column that a name may mean; None if unknown."""
    for columns in NAMES.values():
        for role, known in columns.items():
            if role_rank(role, name, known) is not None:
                return role
    return None
