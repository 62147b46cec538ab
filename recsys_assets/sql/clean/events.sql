-- What customers did: every accepted row of raw_events, typed, one row for each event.
--
-- A returned purchase stays an event, since the customer did choose the item, with the part that came back in
-- returned_quantity; interactions count only what was kept. The return's own row is in rejected_rows and names the
-- purchase. Users and items that the other tables do not know are kept: they get profiles of their own.
--
-- column: event_time: time of the event, on the shop's clock; the first moment of `day` where there are no times
-- column: day: the day of event_time, by which events are partitioned
-- column: user_id: the customer [pii, person]
-- column: item_id: the product
-- column: order_id: the basket or invoice, where there is one
-- column: behaviour: purchase, view, cart, …; the source's default where a row has none
-- column: quantity: pieces, above zero; 1 where the row has none
-- column: unit_price: price of a piece; amount divided by quantity where the row has none
-- column: amount: amount paid; quantity times unit price where the row has none
-- column: discount: discount on the full price, where the source has it
-- column: store_id: the store, where the source has it
-- column: returned_quantity: pieces of this purchase that were returned
-- column: returns: time and pieces of each return, with its subset; NULL without returns
-- column: subset: train, valid or test, for sources that come already split
-- column: filled: names of the columns that were empty in the row and are filled here
-- column: _file: the file that holds the row
-- column: _line: the line or row number at which it starts there
SELECT
    coalesce(event_time, _day::TIMESTAMP) AS event_time,
    _day AS day,
    user_id,
    item_id,
    order_id,
    coalesce(behaviour, $default_behaviour) AS behaviour,
    coalesce(quantity, 1) AS quantity,
    coalesce(unit_price, round(amount / coalesce(quantity, 1), 4)) AS unit_price,
    coalesce(amount, round(coalesce(quantity, 1) * unit_price, 4)) AS amount,
    discount,
    store_id,
    returned_quantity,
    returns,
    subset,
    list_concat(
        CASE WHEN event_time IS NULL THEN ['event_time'] ELSE [] END,
        CASE WHEN behaviour IS NULL THEN ['behaviour'] ELSE [] END,
        CASE WHEN quantity IS NULL THEN ['quantity'] ELSE [] END,
        CASE WHEN unit_price IS NULL AND amount IS NOT NULL THEN ['unit_price'] ELSE [] END,
        CASE WHEN amount IS NULL AND unit_price IS NOT NULL THEN ['amount'] ELSE [] END
    )::VARCHAR[] AS filled,
    _file,
    _line
FROM checked_events
WHERE reason IS NULL
