-- Weights in kilograms between the limits of their hub.
SELECT "p"."parcel_id", "p"."weight_g" / 1000.0 BETWEEN "Größen"."min.wert" AND "größen"."max.wert" AS "im Maß"
FROM "parcels" AS "p" JOIN "größen" ON "p"."from.hub" = "Größen"."MAß" OR "größen"."Maß" = "p"."from.hub" ORDER BY ALL
